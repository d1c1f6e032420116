/**
 * Builds the static app shell: adapter-static's output, plus what a server of static files needs to know of it
 * (script hashes for the Content-Security-Policy) and precompressed copies.
 */
import adapterStatic from '@sveltejs/adapter-static'
import type { Adapter } from '@sveltejs/kit'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_GENERATION } from '../../contract/client.ts'

export const SHELL_FILE = 'shell.html'

/** An adapter that writes `shell.html` (for every path), `csp.json`, and `.br` and `.gz` beside each text file. */
export function shellAdapter(options: { outputFolder: string; build: string }): Adapter {
  const inner = adapterStatic({
    pages: options.outputFolder,
    assets: options.outputFolder,
    fallback: SHELL_FILE,
  })
  return {
    name: 'upbeat-shell',
    async adapt(builder) {
      await inner.adapt(builder)
      refuseEarlyCode(options.outputFolder)
      const shell = preloadFirstRoute(
        nameClient(readFileSync(join(options.outputFolder, SHELL_FILE), 'utf8'), options.build),
        options.outputFolder,
      )
      writeFileSync(join(options.outputFolder, SHELL_FILE), shell)
      const scriptHashes = hashInlineScripts(shell)
      writeFileSync(
        join(options.outputFolder, 'csp.json'),
        `${JSON.stringify({ scriptHashes, policy: policyFor(scriptHashes, hashInlineStyles(shell)) }, null, 2)}\n`,
      )
      await builder.compress(options.outputFolder)
    },
  }
}

/** Puts what the app calls itself in its requests (contract/client.ts) into the shell. */
export function nameClient(shell: string, build: string): string {
  const named = shell.replace('%upbeat.client%', `web/${CLIENT_GENERATION} ${build}`)
  if (named === shell) throw new Error('The shell has no place for the name of its build.')
  return named
}

/**
 * SvelteKit's entry must hand over the build's name before any other code runs, or the app takes itself for an old build
 * and reloads without end. So what the entry imports at once may import nothing itself.
 */
function refuseEarlyCode(outputFolder: string): void {
  const folder = join(outputFolder, '_app', 'immutable', 'entry')
  const entry = readdirSync(folder).find((file) => /^start\..*\.js$/.test(file))
  if (!entry) throw new Error('The build has no entry: SvelteKit names it in another way now.')
  for (const [, path] of readFileSync(join(folder, entry), 'utf8').matchAll(
    /^import[^;]*?["'`]([^"'`]+)["'`]/gm,
  )) {
    if (/^import\b/m.test(readFileSync(join(folder, path!), 'utf8')))
      throw new Error(`${entry} runs ${path} and what that imports before the build's name is known.`)
  }
}

/**
 * Adds preload hints for the code of the first route: SvelteKit's shell has them for the layout only, and each page's
 * code would be asked for one round trip later.
 */
export function preloadFirstRoute(shell: string, outputFolder: string): string {
  const immutable = join(outputFolder, '_app', 'immutable')
  const entry = readdirSync(join(immutable, 'entry')).find((file) => /^app\..*\.js$/.test(file))
  const firstRoute = entry && /"\/":\[(\d+)/.exec(readFileSync(join(immutable, 'entry', entry), 'utf8'))?.[1]
  if (!firstRoute)
    throw new Error('The build names no code for "/": SvelteKit writes its routes in another way now.')
  // 1 is the error page, which the router loads with every page.
  const hints = readdirSync(join(immutable, 'nodes'))
    .filter((file) => file.endsWith('.js') && ['1', firstRoute].includes(file.split('.')[0]!))
    .map((file) => `<link href="/_app/immutable/nodes/${file}" rel="modulepreload">`)
  return shell.replace('</head>', `  ${hints.join('\n    ')}\n  </head>`)
}

/** CSP source expressions (`'sha256-…'`) of each inline script. @see https://www.w3.org/TR/CSP3/#match-element-to-source-list */
export function hashInlineScripts(html: string): string[] {
  const bodies = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) => match[1]!,
  )
  return bodies.map(hashSource)
}

/** The same of each inline sheet. */
export function hashInlineStyles(html: string): string[] {
  return [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map((match) => hashSource(match[1]!))
}

const hashSource = (body: string): string => `'sha256-${createHash('sha256').update(body).digest('base64')}'`

/** The policy of the shell; whoever serves it may add origins of media or of the watch. */
export function policyFor(scriptHashes: readonly string[], styleHashes: readonly string[] = []): string {
  return [
    "default-src 'self'",
    `script-src 'self' ${scriptHashes.join(' ')}`.trim(),
    // Sheets of ours alone; for browsers that don't know the narrower two below, any.
    "style-src 'self' 'unsafe-inline'",
    `style-src-elem 'self' ${styleHashes.join(' ')}`.trim(),
    // Sizes and colours that a template sets; no script can come in this way.
    "style-src-attr 'unsafe-inline'",
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
