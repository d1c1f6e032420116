/** What the feed does beside answering: folding views into the signals of the ranking, and clearing old snapshots and changes away. */
import { setTimeout as sleep } from 'node:timers/promises'
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

/** Runs upkeep in this process until disposal. Several processes may: one at a time does the work. */
export function startFeedUpkeep(ctx: Ctx): AsyncDisposable {
  const closing = new AbortController()
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        while (await foldSignals(ctx)) if (closing.signal.aborted) return
        await queries.deleteExpiredSnapshots(ctx.db, ctx.clock.now())
        await queries.deleteOldChanges(ctx.db)
      } catch (error) {
        ctx.log.warn({ err: error }, 'feed upkeep will be tried again')
      }
      await sleep(FOLD_INTERVAL_MS, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}

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
