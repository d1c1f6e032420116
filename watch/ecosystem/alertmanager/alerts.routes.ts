/** `POST /api/v1/services/:service/alerts`: Alertmanager's webhook, signed like any push or with a key's secret as bearer token. */
import { inScope } from '../../../kit/http/fastify-scope.ts'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WordSample } from '../../../engines/detect/types.ts'
import type { WatchCtx } from '../../app/context.ts'
import { notFound, WatchError } from '../../app/errors.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import type { WatchRoutes } from '../../http/http.ts'
import { parsePushed } from '../../http/push.routes.ts'
import { parseSignedBody, signedBodyOf, verifyMessage, writeOnce } from '../../http/signature.ts'
import type { Statement } from '../../store/index.ts'
import { createAlertTaker } from './take-alerts.ts'
import { AlertsInput } from './webhook.ts'

const Params = z.object({ service: z.string().max(63) })

/** Mounts the route in a scope of its own: its body is kept as bytes. */
export const alertRoutes =
  (observe: (sample: WordSample) => void): WatchRoutes =>
  async (app, ctx) => {
    const taker = createAlertTaker(ctx, observe)
    await inScope(app, async (scope) => {
      scope.removeContentTypeParser('application/json')
      scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, parseSignedBody as never)
      scope.post(
        '/api/v1/services/:service/alerts',
        { schema: { params: Params } },
        async (request, reply) => {
          const entry = ctx.catalog.find(request.params.service)
          if (!entry) throw notFound('service', request.params.service)
          const sender = identify(ctx, entry, request)
          const alerts = parsePushed(AlertsInput, signedBodyOf(request).json)
          return reply.code(202).send(await taker.take(entry, { alerts, ...sender }))
        },
      )
    })
  }

interface Sender {
  readonly keyId: string
  readonly write: (statements: readonly Statement[]) => Promise<void>
}

/** @throws {WatchError} signature-wrong, message-stale, message-replayed, not-allowed */
function identify(ctx: WatchCtx, entry: ServiceEntry, request: FastifyRequest): Sender {
  const { authorization } = request.headers
  if (authorization === undefined) {
    const { bytes } = signedBodyOf(request)
    const message = verifyMessage(ctx, request, { body: bytes, services: [entry], right: 'alerts' })
    return { keyId: message.keyId, write: (statements) => writeOnce(ctx, message, statements) }
  }
  const token = /^Bearer (\S{1,500})$/i.exec(authorization)?.[1]
  const keys =
    token === undefined ? [] : entry.keys.filter(({ secret }) => secret !== null && isSame(secret, token))
  if (keys.length === 0)
    throw new WatchError('signature-wrong', {
      detail: `The bearer token is no secret of an hmac-sha256 key of ${entry.id}.`,
    })
  const key = keys.find(({ may }) => may.includes('alerts'))
  if (!key) throw new WatchError('not-allowed', { detail: `The key ${keys[0]!.id} may not push alerts.` })
  // Alertmanager can't sign. A message that is sent twice says the same twice, so nothing is remembered of it.
  return { keyId: key.id, write: async (statements) => void (await ctx.store.write(statements)) }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
const isSame = (expected: string, given: string): boolean => timingSafeEqual(hash(expected), hash(given))
