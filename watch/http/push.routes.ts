/** What programs push, each message signed: markers, traffic, and what agents saw. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { describeFields, readInput } from '../../kit/http/read-input.ts'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { MarkerInput, TrafficInput } from '../../contract/watch.ts'
import type { Sample } from '../../engines/detect/types.ts'
import { AgentResults, RESULTS_PATH, WORK_PATH, type AgentWork } from '../agent/protocol.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import type { Monitor, ServiceEntry } from '../configuration/index.ts'
import { takeMarker } from '../signals/markers/take-marker.ts'
import type { Probes } from '../signals/probes/index.ts'
import { takeTraffic } from '../signals/traffic/take-traffic.ts'
import type { WatchApp, WatchRoutes } from './http.ts'
import {
  MAX_SKEW_MS,
  parseSignedBody,
  signedBodyOf,
  verifyMessage,
  writeOnce,
  type Right,
  type VerifiedMessage,
} from './signature.ts'

export interface PushParts {
  readonly observe: (sample: Sample) => void
  readonly probes: Probes
}

const WORK_AGAIN_S = 30

/** Mounts the routes in a scope of their own: their bodies are kept as bytes. */
export const pushRoutes =
  (parts: PushParts): WatchRoutes =>
  async (app, ctx) => {
    await inScope(app, async (scope) => {
      scope.removeContentTypeParser('application/json')
      scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseSignedBody as never)
      registerServicePushes(scope, ctx, parts)
      registerAgents(scope, ctx, parts)
    })
  }

function registerServicePushes(app: WatchApp, ctx: WatchCtx, { observe }: PushParts): void {
  const Params = z.object({ service: z.string().max(63) })
  app.post('/api/v1/services/:service/markers', { schema: { params: Params } }, async (request, reply) => {
    const { entry, message, json } = receive(ctx, request, request.params.service, 'markers')
    const marker = parsePushed(MarkerInput, json)
    return reply.code(201).send(await takeMarker(ctx, entry, { message, marker, observe }))
  })
  app.post('/api/v1/services/:service/traffic', { schema: { params: Params } }, async (request, reply) => {
    const { entry, message, json } = receive(ctx, request, request.params.service, 'traffic')
    const traffic = parsePushed(TrafficInput, json)
    return reply.code(202).send(await takeTraffic(ctx, entry, { message, traffic, observe }))
  })
}

function registerAgents(app: WatchApp, ctx: WatchCtx, { probes }: PushParts): void {
  app.post(WORK_PATH, async (request): Promise<AgentWork> => {
    const { bytes } = signedBodyOf(request)
    const message = verifyMessage(ctx, request, {
      body: bytes,
      services: ctx.catalog.services(),
      right: 'probes',
    })
    await writeOnce(ctx, message, [])
    return {
      againInS: WORK_AGAIN_S,
      services: message.services.map((entry) => ({
        id: entry.id,
        monitors: entry.monitors
          .filter((monitor) => isFor(entry, monitor, message.keyId))
          .map(withoutAccount),
      })),
    }
  })
  app.post(RESULTS_PATH, async (request, reply) => {
    const { bytes, json } = signedBodyOf(request)
    const message = verifyMessage(ctx, request, {
      body: bytes,
      services: ctx.catalog.services(),
      right: 'probes',
    })
    const { region, results } = parsePushed(AgentResults, json)
    await writeOnce(ctx, message, [])
    const nowMs = ctx.clock.now().getTime()
    let taken = 0
    for (const { serviceId, monitorId, atMs, ...result } of results) {
      const entry = message.services.find(({ id }) => id === serviceId)
      const monitor = entry?.monitors.find(({ id }) => id === monitorId)
      if (!entry || !monitor || !isFor(entry, monitor, message.keyId)) continue
      if (Math.abs(nowMs - atMs) > MAX_SKEW_MS) continue
      taken++
      const standsFor = monitor.region ?? region
      probes.take({
        entry,
        monitor,
        // One place per key: nobody can be a quorum alone.
        vantageId: message.keyId,
        region: entry.regions.some(({ id }) => id === standsFor) ? standsFor : null,
        asn: null,
        atMs: Math.min(atMs, nowMs),
        result,
      })
    }
    return reply.code(202).send({ taken })
  })
}

/** Whether an agent makes this check. Journeys burden the service more than others, so they take a right of their own. */
function isFor(entry: ServiceEntry, { type, vantages }: Monitor, keyId: string): boolean {
  if (type === 'journey' && !entry.keys.some(({ id, may }) => id === keyId && may.includes('journeys')))
    return false
  return vantages === null || vantages.includes(keyId)
}

/** The watch's own credentials stay here: an agent has an account of its own. */
const withoutAccount = (monitor: Monitor): Monitor =>
  monitor.type === 'journey' ? { ...monitor, account: null } : monitor

function receive(
  ctx: WatchCtx,
  request: FastifyRequest,
  serviceId: string,
  right: Right,
): { readonly entry: ServiceEntry; readonly message: VerifiedMessage; readonly json: unknown } {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  const { bytes, json } = signedBodyOf(request)
  const message = verifyMessage(ctx, request, { body: bytes, services: [entry], right })
  return { entry, message, json }
}

/**
 * Reads a signed body.
 *
 * @throws {WatchError} invalid-input, naming each field
 */
export function parsePushed<T>(schema: z.ZodType<T>, json: unknown): T {
  const read = readInput(schema, json)
  if ('data' in read) return read.data
  throw new WatchError('invalid-input', {
    detail: describeFields(read.fields).slice(0, 1_000),
    fields: read.fields,
  })
}
