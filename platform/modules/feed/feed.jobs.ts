/** What the feed does beside answering: folding views into the signals of the ranking, and clearing old snapshots and changes away. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { inTransaction } from '../../infra/db/index.ts'
import * as queries from './feed.queries.ts'

const FOLD_INTERVAL_MS = 10_000
const FOLD_BATCH = 5_000

/** Runs until disposal. Several processes may: one at a time does the work. */
export const startFeedJobs = (ctx: Ctx): AsyncDisposable =>
  startUpkeep(ctx, {
    intervalMs: FOLD_INTERVAL_MS,
    async work(signal) {
      while (await foldSignals(ctx)) if (signal.aborted) return
      await queries.deleteExpiredSnapshots(ctx.db, ctx.clock.now())
      await queries.deleteOldChanges(ctx.db)
    },
    failure: 'feed.jobs-failed',
  })

/**
 * Folds the next batch of views into the signals. Each is folded once, whoever calls, whatever dies, and however late its
 * transaction commits.
 *
 * @returns whether there may be more.
 */
export async function foldSignals(ctx: Ctx): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    if (!(await queries.tryLockFold(tx))) return false
    return (await queries.foldViews(tx, { at: ctx.clock.now(), limit: FOLD_BATCH })) === FOLD_BATCH
  })
}
