/**
 * The gate of closed regions: before routing, sessions and the database, so that it holds at every level.
 *
 * @see RFC 7725 (status 451)
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { originOf, type App } from '../../app/http.ts'
import { CLOSED_PAGE_POLICY, renderClosedPage } from './closed-page.ts'
import { openRegions } from './regions.service.ts'

/** What says how the instance fares is no content: anybody may have it, the watch above all. */
const OPEN_TO_ALL = /^\/(?:healthz|metrics|api\/v1\/(?:state|regions|instance|problems))(?:[/?]|$)/

/** Puts it before all routes of an app; nothing where a drill has switched it off. */
export function openRegionGate(app: App, ctx: Ctx): void {
  const regions = openRegions(ctx)
  app.addHook('onClose', () => regions[Symbol.asyncDispose]())
  if (ctx.config.protectionsOff.has('regions')) return
  app.addHook('onRequest', async (request, reply) => {
    if (OPEN_TO_ALL.test(request.url)) return
    const closure = regions.closureFor(request.ip)
    if (!closure) return
    // Section 4: who implements the blockage, which is us.
    reply.header('link', `<${originOf(ctx, request)}>; rel="blocked-by"`)
    if (isPage(request)) return sendPage(ctx, reply, closure.reason, closure.share)
    throw new AppError('region-closed', {
      detail: closure.reason,
      facts: { region: closure.region, share: closure.share },
    })
  })
}

/** Somebody's browser wants to show it. */
const isPage = ({ method, url, headers }: FastifyRequest): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  !/^\/(?:api|media)\//.test(url) &&
  (headers.accept ?? '').includes('text/html')

function sendPage(ctx: Ctx, reply: FastifyReply, reason: string, share: number): FastifyReply {
  return reply
    .code(451)
    .header('cache-control', 'no-store')
    .header('content-security-policy', CLOSED_PAGE_POLICY)
    .type('text/html; charset=utf-8')
    .send(
      renderClosedPage({
        instanceName: ctx.config.instanceName,
        watchUrl: ctx.config.watchUrl,
        reason,
        isReopening: share > 0,
      }),
    )
}
