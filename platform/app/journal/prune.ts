/** How long it is known which entries of the journal are settled. */
import { hasRecordsElsewhere } from '../../../kit/journal/index.ts'
import type { Ctx } from '../context.ts'
import { startUpkeep } from '../upkeep.ts'
import * as queries from './journal.queries.ts'

export const SETTLED_KEPT_MS = 7 * 24 * 3_600_000
const PRUNE_INTERVAL_MS = 600_000
const PRUNE_BATCH = 5_000

/**
 * Deletes what was settled longer ago than SETTLED_KEPT_MS, a bounded number a call; nothing while a journal holds
 * records, which may be as old.
 *
 * @returns how many.
 */
export async function pruneSettledEntries(ctx: Ctx): Promise<number> {
  if (await hasRecordsElsewhere(ctx.config.paths.journal)) return 0
  const before = new Date(ctx.clock.now().getTime() - SETTLED_KEPT_MS)
  return queries.pruneSettled(ctx.db, { before, limit: PRUNE_BATCH })
}

/** Runs until disposal. */
export const startJournalJobs = (ctx: Ctx): AsyncDisposable =>
  startUpkeep(ctx, {
    intervalMs: PRUNE_INTERVAL_MS,
    async work(signal) {
      while (!signal.aborted && (await pruneSettledEntries(ctx)) === PRUNE_BATCH);
    },
    failure: 'journal.prune-failed',
  })
