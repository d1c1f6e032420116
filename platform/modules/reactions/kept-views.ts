/**
 * How much of the journal the views of one account may take, or all signed-out ones of a network: whoever makes browsers by the
 * thousand has few networks, and one program with an account would fill the room of all accounts' views within minutes.
 */
import type { FastifyRequest } from 'fastify'
import { createFadingCounts } from '../../../kit/bounded/fading-counts.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { callerOf } from '../../app/rate-limit.ts'

/**
 * Views that are kept of one network's signed-out browsers within an hour: a dozen people who watch without a pause. On the
 * disk they are some 2 MiB at most, a thirtieth of what all signed-out views may take.
 */
export const KEPT_VIEWS_PER_NETWORK = 5_000
/** Nobody watches more within an hour: a view counts after two seconds. */
export const KEPT_VIEWS_PER_ACCOUNT = 1_800
const WINDOW_MS = 3_600_000
const CALLERS_MAX = 65_536
const RETRY_S = 300

/** Counts views that are about to be kept. @throws {AppError} too-many-requests beyond the share of who asks. */
export type TakeKeptViews = (request: FastifyRequest, count: number) => void

/** In memory of fixed size, whoever asks. */
export function openKeptViews(ctx: Pick<Ctx, 'clock' | 'randomBytes'>): TakeKeptViews {
  const counts = createFadingCounts({
    clock: ctx.clock,
    windowMs: WINDOW_MS,
    maxKeys: CALLERS_MAX,
    seed: ctx.randomBytes(4).readUInt32BE(),
  })
  return (request, count) => {
    const caller = callerOf(request)
    const [keptMax, whose] =
      request.viewer === null
        ? [KEPT_VIEWS_PER_NETWORK, `one network's signed-out browsers`]
        : [KEPT_VIEWS_PER_ACCOUNT, 'one account']
    if (counts.count(caller) + count > keptMax)
      throw new AppError('too-many-requests', {
        detail: `While the database is away ${keptMax} views of ${whose} are kept an hour.`,
        isWorkKept: false,
        retryAfterS: RETRY_S,
        facts: { keptMax },
      })
    for (let view = 0; view < count; view++) counts.add(caller)
  }
}
