/** What the feed does beside answering: folding views into the signals of the ranking, and clearing old snapshots and changes away. */
import { startRepeating } from '../../../kit/repeat.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import * as queries from './feed.queries.ts'

const FOLD_INTERVAL_MS = 10_000
const FOLD_BATCH = 20_000
/**
 * Events are folded in the order of their ids, which are made before their transactions commit: by this age every
 * transaction that could still bring an earlier one is over (statements end after 10 s).
 */
const FOLD_MIN_AGE_MS = 15_000

/** Runs until disposal. Several processes may: one at a time does the work. */
export const startFeedJobs = (ctx: Ctx): AsyncDisposable =>
  startRepeating({
    intervalMs: FOLD_INTERVAL_MS,
    async work(signal) {
      while (await foldSignals(ctx)) if (signal.aborted) return
      await queries.deleteExpiredSnapshots(ctx.db, ctx.clock.now())
      await queries.deleteOldChanges(ctx.db)
    },
    onError: (error) => ctx.log.warn({ err: error }, 'feed.jobs-failed'),
  })

/**
 * Folds the next batch of events into the signals. Each event is folded once, whoever calls and whatever dies.
 *
 * @returns whether there may be more.
 */
export async function foldSignals(ctx: Ctx): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const afterId = await queries.claimFold(tx)
    if (afterId === null) return false
    const before = new Date(ctx.clock.now().getTime() - FOLD_MIN_AGE_MS)
    const folded = await queries.foldViews(tx, { afterId, before, limit: FOLD_BATCH })
    if (!folded) return false
    await queries.finishFold(tx, folded.lastId)
    return folded.count === FOLD_BATCH
  })
}
