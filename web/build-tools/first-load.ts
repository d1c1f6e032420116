/** What a build makes a browser fetch: the scripts before the first frame, and what the service worker keeps for bad times. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { gzipSync } from 'node:zlib'

/** All scripts that For You loads before its first moving frame, the player included, compressed by gzip. */
export const FIRST_LOAD_MAX_BYTES = 60_000

export interface Script {
  /** Relative to the build's folder. */
  readonly path: string
  readonly gzipBytes: number
}

/** The scripts that the shell names and all that they import in turn; what is fetched by `import()` comes later. */
export function listFirstLoad(buildFolder: string): Script[] {
  const found = new Map<string, Script>()
  const open = scriptsOf(readFileSync(join(buildFolder, 'shell.html'), 'utf8'))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    const code = readFileSync(join(buildFolder, path), 'utf8')
    found.set(path, { path, gzipBytes: gzipSync(code, { level: 9 }).length })
    open.push(...importsOf(code).map((to) => posix.join(posix.dirname(path!), to)))
  }
  if (found.size === 0) throw new Error('The shell names no scripts: SvelteKit writes it in another way now.')
  return [...found.values()].sort((a, b) => b.gzipBytes - a.gzipBytes)
}

const scriptsOf = (shell: string): string[] => [
  ...new Set([...shell.matchAll(/_app\/immutable\/[\w./-]+\.js/g)].map(([path]) => path)),
]

const importsOf = (code: string): string[] =>
  [...code.matchAll(/(?:^|[;}\n])\s*(?:import|export)\b[^;'"`()]*["'`](\.[^"'`]+)["'`]/g)].map(
    (match) => match[1]!,
  )

/** Scripts and styles that are larger, as they are sent, than what the service worker keeps (`MAX_KEPT_CODE_BYTES`). */
export function listNotKept(buildFolder: string, maxBytes: number): string[] {
  const immutable = join(buildFolder, '_app', 'immutable')
  return readdirSync(immutable, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:js|css)$/.test(file))
    .filter((file) => statSync(join(immutable, `${file}.br`)).size > maxBytes)
}
