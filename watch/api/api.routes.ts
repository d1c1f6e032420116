/** HTTP for programs: our `status.json`, Statuspage's API v2, feeds, badges and metrics. All of it open to any site. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import type { StatusView } from '../incidents/index.ts'
import type { Links } from '../pages/links.ts'
import { absoluteLinks, ServiceParams } from '../pages/pages.routes.ts'
import { listUnanswered } from '../on-call/index.ts'
import { countOverdue } from '../telling/outbox.ts'
import { uptimeOf } from '../pages/uptime-bars.ts'
import type { ViewCache } from '../pages/view-cache.ts'
import { answerOnce, toAnswer, type Answer } from './answers.ts'
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
        renderMetrics({
          views: ctx.catalog.services().map(({ id }) => views.status(id)),
          now: ctx.clock.now(),
          troubles: ctx.troubles.list(),
          overdue: countOverdue(ctx.store, ctx.clock.now().getTime()),
          unanswered: listUnanswered(ctx),
        }),
      ),
  )
}

/** Sends what any site may read; an unchanged answer costs nothing. */
function sendOpen(
  request: FastifyRequest,
  reply: FastifyReply,
  type: string,
  { body, etag }: Answer,
): FastifyReply {
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

const JSON_TYPE = 'application/json; charset=utf-8'

function registerStatusJson(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  app.get(
    '/api/v1/services/:service/status.json',
    { schema: { params: ServiceParams } },
    (request, reply) => {
      const view = views.status(request.params.service)
      const links = absoluteLinks(ctx, request, view.service.id)
      const make = () => JSON.stringify(toWatchStatus(view, links, ctx.clock.now()))
      return sendOpen(request, reply, JSON_TYPE, answerOnce(view, `own ${links.status()}`, make))
    },
  )
}

type Shape = (view: StatusView, links: Links) => unknown

function registerStatuspage(
  app: WatchApp,
  ctx: WatchCtx,
  views: ViewCache,
  prefix: string,
  serviceOf: (request: FastifyRequest) => string,
): void {
  const answers: Record<string, Shape> = {
    'summary.json': toSummary,
    'status.json': (view, links) => ({ page: toPage(view, links), status: toStatus(view) }),
    'components.json': (view, links) => ({ page: toPage(view, links), components: toComponents(view) }),
    'incidents.json': (view, links) => ({
      page: toPage(view, links),
      incidents: toIncidents(views.incidents(view.service.id), view, links),
    }),
    'incidents/unresolved.json': (view, links) => ({
      page: toPage(view, links),
      incidents: toIncidents(view.incidents.filter(isUnresolved), view, links),
    }),
    'scheduled-maintenances.json': (view, links) => ({
      page: toPage(view, links),
      scheduled_maintenances: views
        .maintenances(view.service.id)
        .map((one) => toMaintenance(one, view, links)),
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
      const links = absoluteLinks(ctx, request, view.service.id)
      const make = () => JSON.stringify(answer(view, links))
      return sendOpen(request, reply, JSON_TYPE, answerOnce(view, `${path} ${links.status()}`, make))
    })
}

function registerFeeds(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  const send = (request: FastifyRequest, reply: FastifyReply, serviceId: string, kind: 'rss' | 'atom') => {
    const view = views.status(serviceId)
    const links = absoluteLinks(ctx, request, serviceId)
    const render = kind === 'rss' ? renderRss : renderAtom
    const make = () => render(view, views.incidents(serviceId).slice(0, FEED_INCIDENTS), links)
    const answer = answerOnce(view, `${kind} ${links.status()}`, make)
    return sendOpen(request, reply, `application/${kind}+xml; charset=utf-8`, answer)
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
    sendOpen(request, reply, 'image/svg+xml; charset=utf-8', toAnswer(badge))
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
