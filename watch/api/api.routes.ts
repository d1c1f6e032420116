/** HTTP for programs: our `status.json`, Statuspage's API v2, feeds, badges and metrics. All of it open to any site. */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import { listIncidents, listMaintenances, type StatusView } from '../incidents/index.ts'
import type { Links } from '../pages/links.ts'
import { absoluteLinks, ServiceParams } from '../pages/pages.routes.ts'
import { uptimeOf } from '../pages/uptime-bars.ts'
import type { ViewCache } from '../pages/view-cache.ts'
import { renderComponentBadge, renderServiceBadge, renderUptimeBadge } from './badges.ts'
import { renderAtom, renderRss } from './feeds.ts'
import { renderMetrics } from './metrics.ts'
import {
  isActive,
  isUnresolved,
  isUpcoming,
  toComponents,
  toIncidents,
  toMaintenance,
  toPage,
  toStatus,
  toSummary,
} from './statuspage.ts'
import { toWatchStatus } from './watch-status.ts'

const MAX_AGE_S = 5
const FEED_INCIDENTS = 50
/** More than Statuspage gives, so that 50 are left once suspicions and merged ones are taken out. */
const INCIDENTS_READ = 150

/** Registers all of it. The first service of the catalogue also answers at Statuspage's own paths. */
export function registerApi(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  registerStatusJson(app, ctx, views)
  registerStatuspage(app, ctx, views, '/s/:service', (request) => {
    const { success, data } = ServiceParams.safeParse(request.params)
    if (!success) throw notFound('service', 'of this name')
    return data.service
  })
  registerStatuspage(app, ctx, views, '', () => {
    const first = ctx.catalog.services()[0]
    if (!first) throw notFound('service', 'at all')
    return first.id
  })
  registerFeeds(app, ctx, views)
  registerBadges(app, views)
  app.get('/metrics', (_request, reply) =>
    reply
      .type('text/plain; version=0.0.4; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(
        renderMetrics(
          ctx.catalog.services().map(({ id }) => views.status(id)),
          ctx.clock.now(),
        ),
      ),
  )
}

/** Sends a body that any site may read, with a tag by which an unchanged one costs nothing. */
function sendOpen(request: FastifyRequest, reply: FastifyReply, type: string, body: string): FastifyReply {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  reply
    .header('access-control-allow-origin', '*')
    .header('cross-origin-resource-policy', 'cross-origin')
    .header('timing-allow-origin', '*')
    .header(
      'cache-control',
      // The body has links. Where their host came in a header of a proxy, a shared cache would give one person's to all.
      request.host === request.headers.host
        ? `public, max-age=${MAX_AGE_S}, stale-if-error=3600`
        : `private, max-age=${MAX_AGE_S}`,
    )
    .header('etag', etag)
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.type(type).serializer(String).send(body)
}

const sendJson = (request: FastifyRequest, reply: FastifyReply, value: unknown): FastifyReply =>
  sendOpen(request, reply, 'application/json; charset=utf-8', JSON.stringify(value))

function registerStatusJson(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  app.get(
    '/api/v1/services/:service/status.json',
    { schema: { params: ServiceParams } },
    (request, reply) => {
      const view = views.status(request.params.service)
      const links = absoluteLinks(ctx, request, view.service.id)
      return sendJson(request, reply, toWatchStatus(view, links, ctx.clock.now()))
    },
  )
}

type Answer = (view: StatusView, links: Links) => unknown

function registerStatuspage(
  app: WatchApp,
  ctx: WatchCtx,
  views: ViewCache,
  prefix: string,
  serviceOf: (request: FastifyRequest) => string,
): void {
  const incidentsOf = (view: StatusView) =>
    listIncidents(ctx, { serviceId: view.service.id, limit: INCIDENTS_READ })
  const maintenancesOf = (view: StatusView) => listMaintenances(ctx, { serviceId: view.service.id })
  const answers: Record<string, Answer> = {
    'summary.json': toSummary,
    'status.json': (view, links) => ({ page: toPage(view, links), status: toStatus(view) }),
    'components.json': (view, links) => ({ page: toPage(view, links), components: toComponents(view) }),
    'incidents.json': (view, links) => ({
      page: toPage(view, links),
      incidents: toIncidents(incidentsOf(view), view, links),
    }),
    'incidents/unresolved.json': (view, links) => ({
      page: toPage(view, links),
      incidents: toIncidents(view.incidents.filter(isUnresolved), view, links),
    }),
    'scheduled-maintenances.json': (view, links) => ({
      page: toPage(view, links),
      scheduled_maintenances: maintenancesOf(view).map((one) => toMaintenance(one, view, links)),
    }),
    'scheduled-maintenances/upcoming.json': (view, links) => ({
      page: toPage(view, links),
      scheduled_maintenances: view.maintenances
        .filter(isUpcoming)
        .map((one) => toMaintenance(one, view, links)),
    }),
    'scheduled-maintenances/active.json': (view, links) => ({
      page: toPage(view, links),
      scheduled_maintenances: view.maintenances
        .filter(isActive)
        .map((one) => toMaintenance(one, view, links)),
    }),
  }
  for (const [path, answer] of Object.entries(answers))
    app.get(`${prefix}/api/v2/${path}`, (request, reply) => {
      const view = views.status(serviceOf(request))
      return sendJson(request, reply, answer(view, absoluteLinks(ctx, request, view.service.id)))
    })
}

function registerFeeds(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  const send = (request: FastifyRequest, reply: FastifyReply, serviceId: string, kind: 'rss' | 'atom') => {
    const view = views.status(serviceId)
    const incidents = listIncidents(ctx, { serviceId, limit: FEED_INCIDENTS })
    const links = absoluteLinks(ctx, request, serviceId)
    return kind === 'rss'
      ? sendOpen(request, reply, 'application/rss+xml; charset=utf-8', renderRss(view, incidents, links))
      : sendOpen(request, reply, 'application/atom+xml; charset=utf-8', renderAtom(view, incidents, links))
  }
  for (const kind of ['rss', 'atom'] as const) {
    app.get(`/s/:service/history.${kind}`, { schema: { params: ServiceParams } }, (request, reply) =>
      send(request, reply, request.params.service, kind),
    )
    app.get(`/history.${kind}`, (request, reply) => {
      const first = ctx.catalog.services()[0]
      if (!first) throw notFound('service', 'at all')
      return send(request, reply, first.id, kind)
    })
  }
}

const BadgeParams = ServiceParams.extend({ slug: z.string().max(63) })

function registerBadges(app: WatchApp, views: ViewCache): void {
  const sendBadge = (request: FastifyRequest, reply: FastifyReply, badge: string) =>
    sendOpen(request, reply, 'image/svg+xml; charset=utf-8', badge)
  app.get('/s/:service/badge.svg', { schema: { params: ServiceParams } }, (request, reply) =>
    sendBadge(request, reply, renderServiceBadge(views.status(request.params.service))),
  )
  const componentOf = (service: string, slug: string) => {
    const component = views.status(service).components.find((one) => one.slug === slug)
    if (!component) throw notFound('component', slug)
    return component
  }
  app.get('/s/:service/components/:slug/badge.svg', { schema: { params: BadgeParams } }, (request, reply) => {
    const { service, slug } = request.params
    return sendBadge(request, reply, renderComponentBadge(componentOf(service, slug)))
  })
  app.get(
    '/s/:service/components/:slug/uptime.svg',
    { schema: { params: BadgeParams } },
    (request, reply) => {
      const { service, slug } = request.params
      const { name } = componentOf(service, slug)
      const days = views.data(service, [slug]).uptime.get(slug) ?? []
      return sendBadge(request, reply, renderUptimeBadge(name, uptimeOf(days)))
    },
  )
}
