/** The loops that keep counters true: folding, pruning, recounting. Any process may run them; one at a time folds. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { foldAll, pruneOldEvents, recountNext } from './counters.service.ts'

/** Twice within the second that a count may be late. */
const FOLD_INTERVAL_MS = 500
const PRUNE_INTERVAL_MS = 60_000
/** 20 videos every 5 s: a hundred thousand in seven hours, at less than a percent of a core. */
const RECOUNT_INTERVAL_MS = 5_000
const RECOUNT_BATCH = 20

/** Runs until disposal, which waits for what is under way. */
export function startCounterJobs(ctx: Ctx): AsyncDisposable {
  let position: string | null = null
  const jobs = new AsyncDisposableStack()
  // A round that fails is made up for by the next: nothing is lost meanwhile, the counts are only late.
  const repeat = (intervalMs: number, failure: string, work: () => Promise<unknown>) =>
    jobs.use(startUpkeep(ctx, { intervalMs, work, failure }))

  repeat(FOLD_INTERVAL_MS, 'counters.fold-failed', () => foldAll(ctx))
  repeat(PRUNE_INTERVAL_MS, 'counters.prune-failed', () => pruneOldEvents(ctx))
  repeat(RECOUNT_INTERVAL_MS, 'counters.recount-failed', async () => {
    const { next } = await recountNext(ctx, { after: position, limit: RECOUNT_BATCH })
    position = next
  })
  return jobs
}
