/** HTTP of the report page: the same intake as the API's, as a form. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { ReportInput } from '../../contract/watch.ts'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import type { WatchApp } from '../http/http.ts'
import type { NetworkTable } from '../signals/networks/index.ts'
import { readCookie, reporterCookie, type Reports } from '../signals/reports/index.ts'
import { answerErrorsWithPages } from './error-page.ts'
import { serverLinks } from './links.ts'
import { ServiceParams } from './pages.routes.ts'
import { regionOf } from './region-of.ts'
import { guessDevice, renderReportPage, renderReportThanks } from './report-page.ts'
import { acceptForms, fieldOf, formOf, sendPage } from './send-page.ts'

const OnQuery = z.object({ on: z.string().max(63).optional() })

/** Registers the form and its answer. */
export function registerReportPage(
  app: WatchApp,
  ctx: WatchCtx,
  parts: { readonly reports: Reports; readonly networks: NetworkTable },
): void {
  inScope(app, async (scope) => {
    answerErrorsWithPages(scope, ctx)
    acceptForms(scope)
    scope.get(
      '/s/:service/report',
      { schema: { params: ServiceParams, querystring: OnQuery } },
      async (request, reply) => {
        const entry = entryOf(ctx, request.params.service)
        const { on } = request.query
        if (readCookie(request.headers.cookie) === null)
          reply.header(
            'set-cookie',
            reporterCookie(() => ctx.newId()),
          )
        const page = renderReportPage({
          entry,
          links: serverLinks(entry.id),
          chosen: entry.features.some(({ id }) => id === on) ? on! : null,
          likelyDevice: guessDevice(String(request.headers['user-agent'] ?? '')),
          regionId: await regionOf(parts.networks, entry, request.ip),
        })
        return sendPage(reply, page, { maxAgeS: 0 })
      },
    )
    scope.post('/s/:service/report', { schema: { params: ServiceParams } }, async (request, reply) => {
      const entry = entryOf(ctx, request.params.service)
      const form = formOf(request)
      const answer = await parts.reports.take({
        serviceId: entry.id,
        report: ReportInput.parse({
          feature: fieldOf(form, 'feature', 64),
          region: fieldOf(form, 'region', 64),
          device: ReportInput.shape.device.catch(null).parse(fieldOf(form, 'device')),
          diagnosis: fieldOf(form, 'diagnosis', 2000),
          altcha: fieldOf(form, 'altcha', 4000),
        }),
        address: request.ip,
        cookie: readCookie(request.headers.cookie) ?? '',
        userAgent: String(request.headers['user-agent'] ?? '').slice(0, 300),
      })
      return sendPage(reply, renderReportThanks({ entry, links: serverLinks(entry.id), ...answer }), {
        maxAgeS: 0,
      })
    })
  })
}

function entryOf(ctx: WatchCtx, serviceId: string): ServiceEntry {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  return entry
}
