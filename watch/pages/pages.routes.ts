/** HTTP of the public pages. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { originOf, type WatchApp } from '../http/http.ts'
import { incidentById, listIncidents, maintenanceById } from '../incidents/index.ts'
import { readAsset } from './assets.ts'
import { shownInFull } from './component-block.ts'
import { pageOfComponents, renderComponentPage, renderComponentsPage } from './components-page.ts'
import { answerErrorsWithPages } from './error-page.ts'
import { HISTORY_PAGE_SIZE, renderHistoryPage } from './history-page.ts'
import { renderIncidentPage, renderMaintenancePage } from './incident-page.ts'
import { serverLinks } from './links.ts'
import { sendPage } from './send-page.ts'
import { renderServicesPage, renderStatusPage } from './status-page.ts'
import type { ViewCache } from './view-cache.ts'

export const ServiceParams = z.object({ service: z.string().max(63) })
const SlugParams = ServiceParams.extend({ slug: z.string().max(63) })
const IdParams = ServiceParams.extend({ id: z.string().max(64) })
const PageQuery = z.object({
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
  q: z.string().trim().max(80).optional(),
})
const BeforeQuery = z.object({ before: z.coerce.number().int().min(0).optional().catch(undefined) })

/** Routes of the status, component, incident and history pages, and of the scripts that belong to them. */
export function registerPages(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  inScope(app, (scope) => {
    answerErrorsWithPages(scope, ctx)
    registerStatus(scope, ctx, views)
    registerComponents(scope, ctx, views)
    registerIncidents(scope, ctx, views)
  })
  registerAssets(app)
}

function registerStatus(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  const show = (serviceId: string): string => {
    const view = views.status(serviceId)
    const slugs = shownInFull(view.components).map(({ slug }) => slug)
    return renderStatusPage({
      view,
      links: serverLinks(serviceId),
      now: ctx.clock.now(),
      data: views.data(serviceId, slugs),
    })
  }
  app.get('/', (_request, reply) => {
    const services = ctx.catalog.services()
    if (services.length === 1) return sendPage(reply, show(services[0]!.id))
    const all = services.map(({ id }) => views.status(id)).map((view) => ({ service: view.service, view }))
    const links = serverLinks('')
    return sendPage(
      reply,
      renderServicesPage(all, { links, hrefOf: (serviceId) => serverLinks(serviceId).status() }),
    )
  })
  app.get('/s/:service', { schema: { params: ServiceParams } }, (request, reply) =>
    sendPage(reply, show(request.params.service)),
  )
}

function registerComponents(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  app.get(
    '/s/:service/components',
    { schema: { params: ServiceParams, querystring: PageQuery } },
    (request, reply) => {
      const { service } = request.params
      const { page, q } = request.query
      const view = views.status(service)
      const search = q ? q : null
      const { shown } = pageOfComponents(view.components, page, search)
      const data = views.data(
        service,
        shown.map(({ slug }) => slug),
      )
      const links = serverLinks(service)
      return sendPage(reply, renderComponentsPage({ view, links, now: ctx.clock.now(), data, page, search }))
    },
  )
  app.get('/s/:service/components/:slug', { schema: { params: SlugParams } }, (request, reply) => {
    const { service, slug } = request.params
    const view = views.status(service)
    const component = view.components.find((one) => one.slug === slug)
    if (!component) throw notFound('component', slug)
    const input = { view, links: serverLinks(service), now: ctx.clock.now(), component }
    return sendPage(reply, renderComponentPage({ ...input, data: views.data(service, [slug]) }))
  })
}

function registerIncidents(app: WatchApp, ctx: WatchCtx, views: ViewCache): void {
  app.get('/s/:service/incidents/:id', { schema: { params: IdParams } }, (request, reply) => {
    const { service, id } = request.params
    const incident = incidentById(ctx, id)
    if (incident?.serviceId !== service) throw notFound('incident', id)
    const view = views.status(service)
    return sendPage(
      reply,
      renderIncidentPage({ view, links: serverLinks(service), now: ctx.clock.now(), incident }),
    )
  })
  app.get('/s/:service/maintenances/:id', { schema: { params: IdParams } }, (request, reply) => {
    const { service, id } = request.params
    const maintenance = maintenanceById(ctx, id)
    if (maintenance?.serviceId !== service) throw notFound('maintenance', id)
    const view = views.status(service)
    const input = { view, links: serverLinks(service), now: ctx.clock.now(), maintenance }
    return sendPage(reply, renderMaintenancePage(input))
  })
  app.get(
    '/s/:service/history',
    { schema: { params: ServiceParams, querystring: BeforeQuery } },
    (request, reply) => {
      const { service } = request.params
      const { before } = request.query
      const view = views.status(service)
      const links = serverLinks(service)
      const found = listIncidents(ctx, {
        serviceId: service,
        limit: HISTORY_PAGE_SIZE + 1,
        ...(before !== undefined && { beforeMs: before }),
      })
      const incidents = found.slice(0, HISTORY_PAGE_SIZE)
      const olderHref =
        found.length > HISTORY_PAGE_SIZE ? `${links.history()}?before=${incidents.at(-1)!.startedAtMs}` : null
      const newestHref = before === undefined ? null : links.history()
      return sendPage(
        reply,
        renderHistoryPage({ view, links, now: ctx.clock.now(), incidents, olderHref, newestHref }),
      )
    },
  )
}

/** Scripts are open to any site: the embed is loaded from elsewhere. */
function registerAssets(app: WatchApp): void {
  app.get(
    '/assets/:name',
    { schema: { params: z.object({ name: z.string().max(40) }) } },
    (request, reply) => {
      const asset = readAsset(request.params.name)
      if (!asset) throw notFound('file', request.params.name)
      reply
        .header('access-control-allow-origin', '*')
        .header('cross-origin-resource-policy', 'cross-origin')
        .header('cache-control', 'public, max-age=300')
        .header('etag', asset.etag)
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send()
      return reply.type('text/javascript; charset=utf-8').send(asset.body)
    },
  )
}

/** The running watch's address, for links that leave the site. */
export const absoluteLinks = (ctx: WatchCtx, request: Parameters<typeof originOf>[1], serviceId: string) =>
  serverLinks(serviceId, originOf(ctx, request))
