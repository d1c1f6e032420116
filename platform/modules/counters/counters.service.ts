/**
 * Counters are folded from events, so that a popular video's row is never locked by its fans. One process folds at a
 * time; an event and the counter it changes are taken in one transaction, so a death at any point changes nothing.
 */
import { VIEW_MIN_WATCHED_MS } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { publishLive } from '../../app/live.ts'
import { inTransaction, type Tx } from '../../infra/db/index.ts'
import * as queries from './counters.queries.ts'

/** Events of one transaction: it lasts some tens of milliseconds, and its live messages fit PostgreSQL's queue. */
export const FOLD_BATCH = 5_000
const PRUNE_BATCH = 10_000
export const EVENTS_KEPT_MS = 30 * 24 * 3_600_000

/**
 * Folds the next events into the counters and tells live listeners the new ones.
 *
 * @returns how many events were taken; null when another process folds at this moment.
 */
export function foldOnce(ctx: Ctx, limit = FOLD_BATCH): Promise<number | null> {
  return inTransaction(ctx, async (tx) => {
    if (!(await queries.tryLockFolding(tx))) return null
    const { taken, changed } = await queries.foldEvents(tx, { limit, at: ctx.clock.now() })
    await announceCounts(tx, changed)
    return taken
  })
}

/** Folds all there is. @returns how many events were taken. */
export async function foldAll(ctx: Ctx): Promise<number> {
  for (let total = 0; ;) {
    const taken = await foldOnce(ctx)
    total += taken ?? 0
    if (taken === null || taken < FOLD_BATCH) return total
  }
}

/** Deletes folded events older than EVENTS_KEPT_MS, a bounded number a call. @returns how many. */
export const pruneOldEvents = (ctx: Ctx): Promise<number> =>
  queries.pruneEvents(ctx.db, {
    before: new Date(ctx.clock.now().getTime() - EVENTS_KEPT_MS),
    limit: PRUNE_BATCH,
  })

/**
 * Recounts the next videos after `after` from the rows themselves and mends counters that drifted.
 *
 * @returns how many were wrong, and where to go on; null: the walk is at its end.
 */
export async function recountNext(
  ctx: Ctx,
  input: { readonly after: string | null; readonly limit: number },
): Promise<{ mended: number; next: string | null }> {
  const videoIds = await queries.listVideoIdsAfter(ctx.db, input.after, input.limit)
  if (videoIds.length === 0) return { mended: 0, next: null }
  const wrong = await inTransaction(ctx, async (tx) => {
    await queries.lockFolding(tx)
    const rows = await queries.recountVideos(tx, {
      videoIds,
      viewMinWatchedMs: VIEW_MIN_WATCHED_MS,
      at: ctx.clock.now(),
    })
    await announceCounts(tx, rows)
    return rows
  })
  if (wrong.length > 0) ctx.log.warn({ videoIds: wrong.map((row) => row.videoId) }, 'counters.mended')
  return { mended: wrong.length, next: videoIds.length < input.limit ? null : videoIds.at(-1)! }
}

const announceCounts = (tx: Tx, rows: readonly queries.CounterRow[]): Promise<void> =>
  publishLive(
    tx,
    ...rows.map(({ videoId, asOf, ...counts }) => ({
      topic: `video:${videoId}` as const,
      update: { kind: 'counts' as const, videoId, counts: { ...counts, asOf: asOf.toISOString() } },
    })),
  )
