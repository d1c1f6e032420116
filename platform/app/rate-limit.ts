/**
 * How often one may ask: token buckets of `kit/`, answered with the problem that says how long to wait.
 *
 * They live in the memory of one process: a restart fills them, and N processes allow N times as much.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { networkOf } from '../../kit/network/network-of.ts'
import { createRateBucket, type RateBucket } from '../../kit/bounded/rate-bucket.ts'
import type { Ctx } from './context.ts'
import { AppError } from './errors.ts'
import { requireViewer } from './http.ts'

const MINUTE_MS = 60_000

/**
 * Takes one token of the key. It is given back when the answer turns out to be a failure of ours (5xx): nobody waits
 * for what did not happen.
 *
 * @throws {AppError} too-many-requests with the time to wait.
 */
export function takeOrRefuse(bucket: RateBucket, key: string, reply: FastifyReply): void {
  const waitMs = bucket.take(key)
  if (waitMs > 0) throw new AppError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
  reply.raw.once('finish', () => {
    if (reply.raw.statusCode >= 500) bucket.giveBack(key)
  })
}

/** Of whom a limit counts: the signed-in account. @throws {SignedOutError} */
export const accountOf = (request: FastifyRequest): string => requireViewer(request).id

/** The account; for signed-out visitors their network, which all of one household or company share. */
export const callerOf = (request: FastifyRequest): string => request.viewer?.id ?? networkOf(request.ip)

/**
 * A `preHandler` hook for all routes that share one allowance of `count` a minute. A request that does not fit the
 * route's schema takes none of it.
 */
export function limitPerMinute(
  ctx: Pick<Ctx, 'clock'>,
  count: number,
  keyOf: (request: FastifyRequest) => string,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const bucket = createRateBucket({ burst: count, refillMs: MINUTE_MS, clock: ctx.clock })
  return async (request, reply) => takeOrRefuse(bucket, keyOf(request), reply)
}
