/** How long it is kept who watched what, and when. */
import { VIEW_MIN_WATCHED_MS } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import * as queries from './reactions.queries.ts'

/** A video's counts keep what was watched longer ago; who it was is forgotten. */
export const VIEWS_KEPT_MS = 180 * 24 * 3_600_000
const PRUNE_INTERVAL_MS = 60_000
const PRUNE_BATCH = 5_000

/** Deletes views older than VIEWS_KEPT_MS, a bounded number a call. @returns how many. */
export const pruneOldViews = (ctx: Ctx): Promise<number> =>
  queries.pruneViews(ctx.db, {
    before: new Date(ctx.clock.now().getTime() - VIEWS_KEPT_MS),
    viewMinWatchedMs: VIEW_MIN_WATCHED_MS,
    limit: PRUNE_BATCH,
  })

/** Runs until disposal, which waits for what is under way. */
export const startReactionJobs = (ctx: Ctx): AsyncDisposable =>
  startUpkeep(ctx, {
    intervalMs: PRUNE_INTERVAL_MS,
    async work(signal) {
      while (!signal.aborted && (await pruneOldViews(ctx)) === PRUNE_BATCH);
    },
    failure: 'reactions.prune-failed',
  })
