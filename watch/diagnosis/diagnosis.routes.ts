/** HTTP of the diagnosis: the page, the evidence for one person's place, beacons, and how checks went. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { z } from 'zod'
import { networkOf } from '../../kit/network/network-of.ts'
import { createRateBucket } from '../../kit/bounded/rate-bucket.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { answerErrorsWithPages } from '../pages/error-page.ts'
import { serverLinks } from '../pages/links.ts'
import { ServiceParams } from '../pages/pages.routes.ts'
import { regionOf } from '../pages/region-of.ts'
import { sendPage } from '../pages/send-page.ts'
import type { ViewCache } from '../pages/view-cache.ts'
import type { NetworkTable } from '../signals/networks/index.ts'
import { makeCheckConfig, originsOf, renderDiagnosisPage } from './diagnosis-page.ts'
import { gatherEvidence } from './evidence.ts'
import { createPassRates } from './pass-rate.ts'
import type { EvidenceFact } from './browser/facts.ts'

const BeaconQuery = z.object({ nonce: z.string().regex(/^[\w-]{8,64}$/) })
const CheckResult = z.object({ isTargetReached: z.boolean(), verdict: z.string().max(40) })

/** One network's checks count once in this time: the pass rate is of people, not of clicks. */
const RESULT_REFILL_MS = 60_000

/** Registers all of it. */
export function registerDiagnosis(
  app: WatchApp,
  ctx: WatchCtx,
  parts: { readonly views: ViewCache; readonly networks: NetworkTable },
): void {
  const passRates = createPassRates(ctx.clock)
  const entryOf = (serviceId: string): ServiceEntry => {
    const entry = ctx.catalog.find(serviceId)
    if (!entry) throw notFound('service', serviceId)
    return entry
  }
  const evidenceFor = async (entry: ServiceEntry, address: string): Promise<EvidenceFact> =>
    gatherEvidence({
      view: parts.views.status(entry.id),
      regionId: await regionOf(parts.networks, entry, address),
      peers: passRates.read(entry.id),
      now: ctx.clock.now(),
      urlOf: (incidentId) => serverLinks(entry.id).incident(incidentId),
    })

  inScope(app, async (scope) => {
    answerErrorsWithPages(scope, ctx)
    scope.get('/s/:service/check', { schema: { params: ServiceParams } }, async (request, reply) => {
      const entry = entryOf(request.params.service)
      const links = serverLinks(entry.id)
      const config = makeCheckConfig(entry, links, request.hostname)
      const evidence = await evidenceFor(entry, request.ip)
      const page = renderDiagnosisPage({ entry, links, evidence, config })
      return sendPage(reply, page, { maxAgeS: 0, connect: originsOf(config) })
    })
  })
  app.get(
    '/api/v1/services/:service/evidence',
    { schema: { params: ServiceParams } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return evidenceFor(entryOf(request.params.service), request.ip)
    },
  )
  registerBeacon(app, ctx)
  const results = createRateBucket({
    burst: 1,
    refillMs: RESULT_REFILL_MS,
    maxKeys: 20_000,
    clock: ctx.clock,
  })
  app.post(
    '/api/v1/services/:service/checks',
    { schema: { params: ServiceParams, body: CheckResult } },
    async (request, reply) => {
      const entry = entryOf(request.params.service)
      const waitMs = results.take(`${entry.id} ${networkOf(request.ip)}`)
      if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
      passRates.record(entry.id, request.body.isTargetReached)
      return reply.code(204).send()
    },
  )
}

/**
 * A place that only we can answer for: it gives the caller's own number back, lets its timings be read
 * (`Timing-Allow-Origin`, Resource Timing 4.5) and says what time it is.
 */
function registerBeacon(app: WatchApp, ctx: WatchCtx): void {
  app.get('/beacon', { schema: { querystring: BeaconQuery } }, (request, reply) => {
    reply
      .header('access-control-allow-origin', '*')
      .header('timing-allow-origin', '*')
      .header('cross-origin-resource-policy', 'cross-origin')
      .header('cache-control', 'no-store')
    return reply.send({
      nonce: request.query.nonce,
      at: ctx.clock.now().toISOString(),
      family: request.ip.includes(':') && !request.ip.startsWith('::ffff:') ? 'v6' : 'v4',
    })
  })
}
