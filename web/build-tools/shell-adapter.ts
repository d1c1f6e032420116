/**
 * Builds the static app shell: adapter-static's output, plus what a server of static files needs to know of it
 * (script hashes for the Content-Security-Policy) and precompressed copies.
 */
import adapterStatic from '@sveltejs/adapter-static'
import type { Adapter } from '@sveltejs/kit'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const SHELL_FILE = 'shell.html'

/** An adapter that writes `shell.html` (for every path), `csp.json`, and `.br` and `.gz` beside each text file. */
export function shellAdapter(options: { outputFolder: string }): Adapter {
  const inner = adapterStatic({
    pages: options.outputFolder,
    assets: options.outputFolder,
    fallback: SHELL_FILE,
  })
  return {
    name: 'upbeat-shell',
    async adapt(builder) {
      await inner.adapt(builder)
      const shell = readFileSync(join(options.outputFolder, SHELL_FILE), 'utf8')
      const scriptHashes = hashInlineScripts(shell)
      writeFileSync(
        join(options.outputFolder, 'csp.json'),
        `${JSON.stringify({ scriptHashes, policy: policyFor(scriptHashes) }, null, 2)}\n`,
      )
      await builder.compress(options.outputFolder)
    },
  }
}

/** CSP source expressions (`'sha256-…'`) of each inline script. @see https://www.w3.org/TR/CSP3/#match-element-to-source-list */
export function hashInlineScripts(html: string): string[] {
  const bodies = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) => match[1]!,
  )
  return bodies.map((body) => `'sha256-${createHash('sha256').update(body).digest('base64')}'`)
}

/** The policy of the shell; whoever serves it may add origins of media or of the watch. */
export function policyFor(scriptHashes: readonly string[]): string {
  return [
    "default-src 'self'",
    `script-src 'self' ${scriptHashes.join(' ')}`.trim(),
    // Styles set by scripts and small style attributes; no script can come in this way.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}
