/** The static app shell over HTTP, with its security policy, and with head tags on the pages that people share. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Ctx } from '../../app/context.ts'
import { originOf, type App } from '../../app/http.ts'
import { watchStatusUrlFor } from '../../app/watch-address.ts'
import { assetShelfOf } from '../../slots/index.ts'
import { renderHeadTags, type SharedPage } from './head-tags.ts'
import { describeProfilePage, describeVideoPage } from './shared-pages.ts'

const BUILD_DIR = join(import.meta.dirname, '..', '..', '..', 'web', 'build')
const YEAR_S = 31_536_000

/** Pages that the app knows; any other path gets the shell too, but as a 404, and the app says so. */
const PAGES = [
  '/',
  '/following',
  '/search',
  '/upload',
  '/notifications',
  '/signin',
  '/signup',
  '/first-run',
  '/not-me',
]
const PAGE_TREES = ['/settings', '/tag']

const Csp = z.object({ policy: z.string() })

interface Shell {
  readonly html: string
  readonly policy: string
}

async function loadShell(buildDir: string): Promise<Shell | null> {
  try {
    const [html, csp] = await Promise.all([
      readFile(join(buildDir, 'shell.html'), 'utf8'),
      readFile(join(buildDir, 'csp.json'), 'utf8'),
    ])
    return { html, policy: Csp.parse(JSON.parse(csp)).policy }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * The shell as it lies in `web/build` now: the code that an older one names is gone once another build is made, also
 * under a running server. While a build is being written, the one before goes on.
 */
function createShellReader(buildDir: string, first: Shell): () => Promise<Shell> {
  let kept = first
  let keptBuildMs: number | null = null
  return async () => {
    // Written after the shell: who sees a new one sees a whole build.
    const builtMs = await stat(join(buildDir, 'csp.json')).then(
      ({ mtimeMs }) => mtimeMs,
      () => keptBuildMs,
    )
    if (builtMs !== keptBuildMs) {
      kept = (await loadShell(buildDir)) ?? kept
      keptBuildMs = builtMs
    }
    return kept
  }
}

function sendShell(reply: FastifyReply, shell: Shell, status: number, headTags?: string): FastifyReply {
  const html =
    headTags === undefined ? shell.html : shell.html.replace('</head>', () => `  ${headTags}\n  </head>`)
  return (
    reply
      .code(status)
      .header('content-security-policy', shell.policy)
      .header('permissions-policy', 'camera=(self), microphone=(self), geolocation=()')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cache-control', 'no-cache')
      // Edges have it when nobody is behind them (RFC 9213).
      .header('cdn-cache-control', 'max-age=5, stale-while-revalidate=60, stale-if-error=604800')
      .type('text/html; charset=utf-8')
      .send(html)
  )
}

/** The policy of the build knows no other origin; the app's banner asks the watch, and its player other edges. */
const allowAsking = (policy: string, origins: readonly string[]): string =>
  origins.length === 0
    ? policy
    : policy.replace("connect-src 'self'", () => `connect-src 'self' ${[...new Set(origins)].join(' ')}`)

/** Serves the build of the web app. Without one (a developer runs `vite dev`), only the API answers. */
export async function registerShell(app: App, ctx: Ctx, buildDir = BUILD_DIR): Promise<void> {
  const firstShell = await loadShell(buildDir)
  if (!firstShell) {
    ctx.log.warn('web/build is missing: only the API is served. Build it with `npm run build:web`.')
    return
  }
  const readShell = createShellReader(buildDir, firstShell)
  const readShellFor = async (reply: FastifyReply): Promise<Shell> => {
    const shell = await readShell()
    const statusUrl = watchStatusUrlFor(ctx.config.watchUrl, reply.request.hostname)
    const origins = [...(statusUrl ? [new URL(statusUrl).origin] : []), ...ctx.config.mediaUrls]
    return { ...shell, policy: allowAsking(shell.policy, origins) }
  }
  const files: FastifyStaticOptions = {
    root: buildDir,
    preCompressed: true,
    wildcard: false,
    index: false,
    globIgnore: ['**/*.br', '**/*.gz', 'shell.html', 'csp.json', '_app/**'],
    setHeaders(reply, path) {
      const isImmutable = path.includes('/_app/immutable/')
      void reply.header('cache-control', isImmutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    },
  }
  await app.register(fastifyStatic, files)
  // The names of the code change with each build, so these are looked up when they are asked for.
  await app.register(fastifyStatic, {
    ...files,
    // And what pages of another release ask for.
    root: [join(buildDir, '_app'), assetShelfOf(ctx.config.dataDir)],
    prefix: '/_app/',
    wildcard: true,
    decorateReply: false,
  })

  const sendPage = async (_request: unknown, reply: FastifyReply) =>
    sendShell(reply, await readShellFor(reply), 200)
  for (const path of PAGES) app.get(path, sendPage)
  for (const tree of PAGE_TREES) {
    app.get(tree, sendPage)
    app.get(`${tree}/*`, sendPage)
  }

  const sendShared = async (reply: FastifyReply, page: SharedPage | null) =>
    page
      ? sendShell(reply, await readShellFor(reply), 200, renderHeadTags(page, ctx.config.instanceName))
      : sendShell(reply, await readShellFor(reply), 404)

  app.get('/v/:id', { schema: { params: z.object({ id: z.string() }) } }, async (request, reply) =>
    sendShared(reply, await describeVideoPage(ctx, request.params.id, originOf(ctx, request))),
  )
  app.get('/@:handle', { schema: { params: z.object({ handle: z.string() }) } }, async (request, reply) =>
    sendShared(reply, await describeProfilePage(ctx, request.params.handle, originOf(ctx, request))),
  )
  app.get('/*', async (request, reply) => {
    // A program that mistyped an address of the API can't read a page.
    if (/^\/api(\/|\?|$)/.test(request.url)) return reply.callNotFound()
    return sendShell(reply, await readShellFor(reply), 404)
  })
}
