/** Releases made of this very checkout: a good one, and the bad ones that people make. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { NOT_SOURCE } from '../../../platform/slots/tree-hash.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const API = join('platform', 'roles', 'api.ts')
/** After every hook of the product, before the first request. */
const PLACE = '  await app.ready()\n  return app\n'
/** In front of its path, so that it is not one that anybody else looks at. */
export const CRASHING_PATH = '/api/openapi.json'

/** What is wrong with a release, as code that goes into the api role. */
export const FAULTS = {
  'all 500s': () => `app.addHook('onRequest', async () => { throw new Error('bad release') })`,
  '2 % 500s': () =>
    `app.addHook('onRequest', async () => { if (Math.random() < 0.02) throw new Error('bad release') })`,
  /** Every twentieth request takes three times the usual p99 at least, so that the p99 is what they take. */
  'p99 × 3': (usualP99Ms: number) =>
    `app.addHook('onRequest', async () => { if (Math.random() < 0.05) await new Promise((done) => setTimeout(done, ${Math.ceil(3 * usualP99Ms)})) })`,
  /** 3 MiB a second at 50 requests/s. */
  leak: () =>
    `const kept: Buffer[] = []; app.addHook('onRequest', async () => void kept.push(Buffer.alloc(64 * 1024, 1)))`,
  'a crash on one path': () =>
    `app.addHook('onRequest', async (request) => { if (request.url.startsWith('${CRASHING_PATH}')) process.exit(1) })`,
  'a crash on load': () => `process.exit(1)`,
} as const satisfies Readonly<Record<string, (usualP99Ms: number) => string>>
export type Fault = keyof typeof FAULTS

/** What is allowed from the first request that the release got to the old code for everybody. */
export const LIMITS_MS: Readonly<Record<Fault, number>> = {
  'all 500s': 3_000,
  '2 % 500s': 30_000,
  'p99 × 3': 30_000,
  leak: 60_000,
  'a crash on one path': 10_000,
  /** It gets no request at all. */
  'a crash on load': 0,
}

/**
 * Writes a release into a folder.
 *
 * @param fault null: a good one
 * @param mark makes its content another than that of any other
 */
export async function writeRelease(
  dir: string,
  { fault, mark, usualP99Ms = 0 }: { fault: Fault | null; mark: string; usualP99Ms?: number },
): Promise<string> {
  await cp(REPOSITORY, dir, {
    recursive: true,
    filter: (path) => isWanted(relative(REPOSITORY, path)),
  })
  const path = join(dir, API)
  const code = await readFile(path, 'utf8')
  if (!code.includes(PLACE)) throw new Error(`${API} is not what it was when its faults were written.`)
  const injected = fault === null ? '' : `  ${FAULTS[fault](usualP99Ms)}\n`
  await writeFile(path, `${code.replace(PLACE, () => `${injected}${PLACE}`)}\n// ${mark}\n`)
  return dir
}

const BUILT = new Set(['web/build', '.cache', '.cache/web-build.sha256'])
const isWanted = (path: string): boolean =>
  path === '' ||
  BUILT.has(path) ||
  path.startsWith('web/build/') ||
  (!NOT_SOURCE.has(basename(path)) && !path.startsWith('.cache/') && !path.endsWith('.log'))
