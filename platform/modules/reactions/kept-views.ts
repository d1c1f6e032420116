/** How much of the journal the signed-out views of one network may take: whoever makes browsers by the thousand has few networks. */
import type { FastifyRequest } from 'fastify'
import { createFadingCounts } from '../../../kit/fading-counts.ts'
import { networkOf } from '../../../kit/network-of.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'

/**
 * Views that are kept of one network's signed-out browsers within an hour: a dozen people who watch without a pause. On the
 * disk they are some 2 MiB at most, a thirtieth of what all signed-out views may take.
 */
export const KEPT_VIEWS_PER_NETWORK = 5_000
const WINDOW_MS = 3_600_000
const NETWORKS_MAX = 16_384
const RETRY_S = 300

/** Counts views that are about to be kept. @throws {AppError} too-many-requests beyond a network's share. */
export type TakeKeptViews = (request: FastifyRequest, count: number) => void

/** In memory of fixed size, whoever asks. */
export function openKeptViews(ctx: Pick<Ctx, 'clock' | 'randomBytes'>): TakeKeptViews {
  const counts = createFadingCounts({
    clock: ctx.clock,
    windowMs: WINDOW_MS,
    maxKeys: NETWORKS_MAX,
    seed: ctx.randomBytes(4).readUInt32BE(),
  })
  return (request, count) => {
    if (request.viewer !== null) return
    const network = networkOf(request.ip)
    if (counts.count(network) + count > KEPT_VIEWS_PER_NETWORK)
      throw new AppError('too-many-requests', {
        detail: `While the database is away ${KEPT_VIEWS_PER_NETWORK} views of one network's signed-out browsers are kept an hour.`,
        isWorkKept: false,
        retryAfterS: RETRY_S,
        facts: { keptMax: KEPT_VIEWS_PER_NETWORK },
      })
    for (let view = 0; view < count; view++) counts.add(network)
  }
}
