/** The static app shell over HTTP, with its security policy, and with head tags on the pages that people share. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Ctx } from '../../app/context.ts'
import { originOf, type App } from '../../app/http.ts'
import { renderHeadTags, type SharedPage } from './head-tags.ts'
import { describeProfilePage, describeVideoPage } from './shared-pages.ts'

const BUILD_DIR = join(import.meta.dirname, '..', '..', '..', 'web', 'build')
const YEAR_S = 31_536_000

/** Pages that the app knows; any other path gets the shell too, but as a 404, and the app says so. */
const PAGES = ['/', '/following', '/search', '/upload', '/notifications', '/signin', '/signup', '/first-run']
const PAGE_TREES = ['/settings', '/tag']

const Csp = z.object({ policy: z.string() })

interface Shell {
  readonly html: string
  readonly policy: string
}

async function loadShell(): Promise<Shell | null> {
  try {
    const [html, csp] = await Promise.all([
      readFile(join(BUILD_DIR, 'shell.html'), 'utf8'),
      readFile(join(BUILD_DIR, 'csp.json'), 'utf8'),
    ])
    return { html, policy: Csp.parse(JSON.parse(csp)).policy }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function sendShell(reply: FastifyReply, shell: Shell, status: number, headTags?: string): FastifyReply {
  const html =
    headTags === undefined ? shell.html : shell.html.replace('</head>', () => `  ${headTags}\n  </head>`)
  return reply
    .code(status)
    .header('content-security-policy', shell.policy)
    .header('permissions-policy', 'camera=(self), microphone=(self), geolocation=()')
    .header('cross-origin-opener-policy', 'same-origin')
    .header('cache-control', 'no-cache')
    .type('text/html; charset=utf-8')
    .send(html)
}

/** Serves `web/build`. Without one (a developer runs `vite dev`), only the API answers. */
export async function registerShell(app: App, ctx: Ctx): Promise<void> {
  const shell = await loadShell()
  if (!shell) {
    ctx.log.warn('web/build is missing: only the API is served. Build it with `npm run build:web`.')
    return
  }
  await app.register(fastifyStatic, {
    root: BUILD_DIR,
    preCompressed: true,
    wildcard: false,
    index: false,
    globIgnore: ['**/*.br', '**/*.gz', 'shell.html', 'csp.json'],
    setHeaders(reply, path) {
      const isImmutable = path.includes('/_app/immutable/')
      void reply.header('cache-control', isImmutable ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    },
  })

  for (const path of PAGES) app.get(path, (_request, reply) => sendShell(reply, shell, 200))
  for (const tree of PAGE_TREES) {
    app.get(tree, (_request, reply) => sendShell(reply, shell, 200))
    app.get(`${tree}/*`, (_request, reply) => sendShell(reply, shell, 200))
  }

  const sendShared = (reply: FastifyReply, page: SharedPage | null) =>
    page
      ? sendShell(reply, shell, 200, renderHeadTags(page, ctx.config.instanceName))
      : sendShell(reply, shell, 404)

  app.get('/v/:id', { schema: { params: z.object({ id: z.string() }) } }, async (request, reply) =>
    sendShared(reply, await describeVideoPage(ctx, request.params.id, originOf(ctx, request))),
  )
  app.get('/@:handle', { schema: { params: z.object({ handle: z.string() }) } }, async (request, reply) =>
    sendShared(reply, await describeProfilePage(ctx, request.params.handle, originOf(ctx, request))),
  )
  app.get('/*', (_request, reply) => sendShell(reply, shell, 404))
}
