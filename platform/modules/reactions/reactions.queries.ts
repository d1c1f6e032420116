/** All SQL of likes, saves, shares and views. */
import { sql } from 'kysely'
import type { Position } from '../../app/paging.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './reactions.schema.ts'

export type ReactionTable = 'video_like' | 'video_save'

/** False when it is there already. */
export async function insertReaction(
  tx: Tx,
  table: ReactionTable,
  row: { readonly viewerId: string; readonly videoId: string; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto(table)
    .values({ account_id: row.viewerId, video_id: row.videoId, created_at: row.at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** False when there was none. */
export async function deleteReaction(
  tx: Tx,
  table: ReactionTable,
  row: { readonly viewerId: string; readonly videoId: string },
): Promise<boolean> {
  const result = await tx
    .deleteFrom(table)
    .where('account_id', '=', row.viewerId)
    .where('video_id', '=', row.videoId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Videos that the account reacted to; `id` is the video's. Newest reaction first. */
export const listReacted = (
  db: Db,
  table: ReactionTable,
  viewerId: string,
  before: Position | null,
  limit: number,
): Promise<Position[]> =>
  db
    .selectFrom(table)
    .select(['video_id as id', 'created_at as at'])
    .where('account_id', '=', viewerId)
    .$if(before !== null, (query) =>
      query.where((where) =>
        where(where.refTuple('created_at', 'video_id'), '<', where.tuple(before!.at, before!.id)),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('video_id', 'desc')
    .limit(limit)
    .execute()

/** False when this sharer shared the video within this hour already. */
export async function insertShare(
  tx: Tx,
  row: { readonly sharerKey: string; readonly videoId: string; readonly hour: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('video_share')
    .values({ sharer_key: row.sharerKey, video_id: row.videoId, hour: row.hour })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Makes the reports of one viewer happen one after the other, so that what was there before is known exactly. */
export async function lockViewer(tx: Tx, viewerKey: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${viewerKey}, 1))`.execute(tx)
}

export interface Watched {
  readonly videoId: string
  readonly watchedMs: number
  readonly completions: number
}

export interface WrittenView extends Watched {
  /** What the same viewer and hour had before; null: nothing. */
  readonly watchedBeforeMs: number | null
  readonly completionsBefore: number | null
}

/** Raises the rows of one viewer and hour; answers those that changed. The videos must differ from each other. */
export async function raiseViews(
  tx: Tx,
  input: { readonly viewerKey: string; readonly hour: Date; readonly views: readonly Watched[] },
): Promise<WrittenView[]> {
  const { viewerKey, hour, views } = input
  const { rows } = await sql<WrittenView>`
    with incoming as (
      select * from unnest(
        ${views.map((view) => view.videoId)}::uuid[],
        ${views.map((view) => view.watchedMs)}::int[],
        ${views.map((view) => view.completions)}::int[]) as i (video_id, watched_ms, completions)
    ), earlier as (
      select v.video_id, v.watched_ms, v.completions from video_view v
      join incoming i on i.video_id = v.video_id
      where v.viewer_key = ${viewerKey} and v.hour = ${hour}
    ), written as (
      insert into video_view as v (viewer_key, video_id, hour, watched_ms, completions)
      select ${viewerKey}, i.video_id, ${hour}::timestamptz, i.watched_ms, i.completions from incoming i
      on conflict (viewer_key, video_id, hour) do update set
        watched_ms = greatest(v.watched_ms, excluded.watched_ms),
        completions = greatest(v.completions, excluded.completions)
      where excluded.watched_ms > v.watched_ms or excluded.completions > v.completions
      returning v.video_id, v.watched_ms, v.completions
    )
    select w.video_id as "videoId", w.watched_ms as "watchedMs", w.completions,
      e.watched_ms as "watchedBeforeMs", e.completions as "completionsBefore"
    from written w left join earlier e on e.video_id = w.video_id`.execute(tx)
  return rows
}

/**
 * Deletes at most `limit` views from before that time, and adds what counted of them to what their videos had before.
 *
 * @returns how many were deleted.
 */
export async function pruneViews(
  db: Db,
  options: { readonly before: Date; readonly viewMinWatchedMs: number; readonly limit: number },
): Promise<number> {
  const { before, viewMinWatchedMs, limit } = options
  const { rows } = await sql<{ count: number }>`
    with gone as (
      delete from video_view
      where ctid = any(array(select ctid from video_view where hour < ${before} order by hour limit ${limit}))
      returning video_id, watched_ms, completions
    ), kept as (
      insert into video_view_past as p (video_id, views, watched_ms, completions)
      select video_id, count(*), sum(watched_ms), sum(completions)
      from gone where watched_ms >= ${viewMinWatchedMs} group by video_id order by video_id
      on conflict (video_id) do update set views = p.views + excluded.views,
        watched_ms = p.watched_ms + excluded.watched_ms, completions = p.completions + excluded.completions
    )
    select count(*)::int as count from gone`.execute(db)
  return rows[0]!.count
}
