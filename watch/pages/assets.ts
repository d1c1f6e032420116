/** The few scripts of the pages: TypeScript with its types stripped when the watch starts. No page needs one to be read. */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { createHash } from 'node:crypto'

const WATCH_DIR = join(import.meta.dirname, '..')

/** Name in the address → source. */
const SOURCES: Readonly<Record<string, string>> = {
  'live.js': 'pages/browser/live.ts',
  'report.js': 'diagnosis/browser/report.ts',
  'check.js': 'diagnosis/browser/check.ts',
  'checks.js': 'diagnosis/browser/checks.ts',
  'findings.js': 'diagnosis/browser/findings.ts',
  'verdict.js': 'diagnosis/browser/verdict.ts',
  'push.js': 'telling/browser/push.ts',
  'push-worker.js': 'telling/browser/push-worker.ts',
  'embed.js': 'pages/browser/embed.ts',
}

export interface Asset {
  readonly body: string
  readonly etag: string
}

const assets = new Map<string, Asset>()

/** The script of this name; null when there is none. */
export function readAsset(name: string): Asset | null {
  const source = Object.hasOwn(SOURCES, name) ? SOURCES[name]! : null
  if (source === null) return null
  let asset = assets.get(name)
  if (!asset) {
    const body = toScript(readFileSync(join(WATCH_DIR, source), 'utf8'))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    assets.set(name, (asset = { body, etag }))
  }
  return asset
}

/** Strips types, and names the scripts that this one imports as they are named here. */
export function toScript(source: string): string {
  return stripTypeScriptTypes(source).replaceAll(/(from\s+'\.\/[\w-]+)\.ts'/g, "$1.js'")
}
