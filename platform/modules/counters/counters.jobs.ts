/** The loops that keep counters true: folding, pruning, recounting. Any process may run them; one at a time folds. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ctx } from '../../app/context.ts'
import { foldAll, pruneOldEvents, recountNext } from './counters.service.ts'

/** Twice within the second that a count may be late. */
const FOLD_INTERVAL_MS = 500
const PRUNE_INTERVAL_MS = 60_000
/** 20 videos every 5 s: a hundred thousand in seven hours, at less than a percent of a core. */
const RECOUNT_INTERVAL_MS = 5_000
const RECOUNT_BATCH = 20

/** Runs until disposal, which waits for what is under way. */
export function startCounterJobs(ctx: Ctx): AsyncDisposable {
  const closing = new AbortController()
  let position: string | null = null

  async function repeat(intervalMs: number, name: string, work: () => Promise<unknown>): Promise<void> {
    while (!closing.signal.aborted) {
      // The next round tries again: nothing is lost meanwhile, the counts are only late.
      await work().catch((error: unknown) => ctx.log.warn({ err: error }, name))
      await sleep(intervalMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  const running = Promise.all([
    repeat(FOLD_INTERVAL_MS, 'counters.fold-failed', () => foldAll(ctx)),
    repeat(PRUNE_INTERVAL_MS, 'counters.prune-failed', () => pruneOldEvents(ctx)),
    repeat(RECOUNT_INTERVAL_MS, 'counters.recount-failed', async () => {
      const { next } = await recountNext(ctx, { after: position, limit: RECOUNT_BATCH })
      position = next
    }),
  ])
  return {
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
