/** All SQL of counters. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../infra/db/index.ts'

/** Whoever holds it is the only one that writes `video_counter`: any number nobody else uses. */
const FOLD_LOCK = 7_150_001

/** False: another process folds at this moment. Held until the transaction ends. */
export async function tryLockFolding(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{
    isLocked: boolean
  }>`select pg_try_advisory_xact_lock(${FOLD_LOCK}) as "isLocked"`.execute(tx)
  return rows[0]!.isLocked
}

/** Waits for it. */
export async function lockFolding(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${FOLD_LOCK})`.execute(tx)
}

export interface CounterRow {
  readonly videoId: string
  readonly views: number
  readonly likes: number
  readonly comments: number
  readonly saves: number
  readonly shares: number
  readonly asOf: Date
}

/** What one event adds to each counter; `e` is an event. */
const step = (added: string, removed?: string) =>
  removed === undefined
    ? sql`case e.kind when ${sql.lit(added)} then 1 else 0 end`
    : sql`case e.kind when ${sql.lit(added)} then 1 when ${sql.lit(removed)} then -1 else 0 end`
const DELTAS = sql`
  coalesce(sum(case when e.kind = 'viewed' and (e.payload->>'isCounted')::boolean then 1 else 0 end), 0)::bigint as views,
  coalesce(sum(${step('liked', 'unliked')}), 0)::bigint as likes,
  coalesce(sum(${step('commented', 'uncommented')}), 0)::bigint as comments,
  coalesce(sum(${step('saved', 'unsaved')}), 0)::bigint as saves,
  coalesce(sum(${step('shared')}), 0)::bigint as shares,
  coalesce(sum((e.payload->>'watchedMs')::bigint) filter (where e.kind = 'viewed'), 0)::bigint as watched_ms,
  coalesce(sum((e.payload->>'completions')::bigint) filter (where e.kind = 'viewed'), 0)::bigint as completions`
const COUNTED_KINDS = sql`
  ('viewed', 'liked', 'unliked', 'commented', 'uncommented', 'saved', 'unsaved', 'shared')`

/**
 * Takes at most `limit` events that no fold has taken yet and adds them to the counters, in one statement. What matters
 * is whether an event was taken, not its place: one that commits after later ones is found all the same.
 */
export async function foldEvents(
  tx: Tx,
  options: { readonly limit: number; readonly at: Date },
): Promise<{ taken: number; changed: CounterRow[] }> {
  const { limit, at } = options
  const { rows } = await sql<{ taken: number } & { [K in keyof CounterRow]: CounterRow[K] | null }>`
    with batch as (
      select id from event where folded_at is null order by id limit ${limit}
    ), taken as (
      update event e set folded_at = ${at} from batch where e.id = batch.id
      returning e.kind, e.video_id, e.payload
    ), delta as (
      select e.video_id, ${DELTAS}
      from taken e join video v on v.id = e.video_id
      where e.kind in ${COUNTED_KINDS}
      group by e.video_id
    ), changed as (
      insert into video_counter as c
        (video_id, views, likes, comments, saves, shares, watched_ms, completions, as_of)
      select d.video_id, d.views, d.likes, d.comments, d.saves, d.shares, d.watched_ms, d.completions, ${at}
      from delta d
      on conflict (video_id) do update set
        views = c.views + excluded.views, likes = c.likes + excluded.likes,
        comments = c.comments + excluded.comments, saves = c.saves + excluded.saves,
        shares = c.shares + excluded.shares, watched_ms = c.watched_ms + excluded.watched_ms,
        completions = c.completions + excluded.completions, as_of = excluded.as_of
      returning c.*
    )
    select t.count as taken, c.video_id as "videoId", c.views, c.likes, c.comments, c.saves, c.shares, c.as_of as "asOf"
    from (select count(*)::int as count from taken) t left join changed c on true`.execute(tx)
  return {
    taken: rows[0]!.taken,
    changed: rows.flatMap(({ taken: _, ...row }) => (row.videoId === null ? [] : (row as CounterRow))),
  }
}

/** Deletes at most `limit` folded events from before that time; answers how many. */
export async function pruneEvents(
  db: Db,
  options: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from event where id in (
      select id from event where id < ${firstIdOf(options.before)}::uuid and folded_at is not null
      order by id limit ${options.limit})`.execute(db)
  return Number(numAffectedRows)
}

/** The smallest UUIDv7 of an instant (RFC 9562, 5.7: the first 48 bits are milliseconds). */
function firstIdOf(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/** The next videos in order of id, for a walk over all of them. */
export async function listVideoIdsAfter(db: Db, after: string | null, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select video_id as id from video_counter
    where ${after === null ? sql`true` : sql`video_id > ${after}::uuid`} order by video_id limit ${limit}`.execute(
    db,
  )
  return rows.map((row) => row.id)
}

/**
 * Sets counters to what the rows of likes, saves, comments, views (with those pruned) and shares say, less what is still to be folded.
 * One statement, so both are seen at one instant; the caller holds the lock of folding.
 *
 * @returns those that were wrong.
 */
export async function recountVideos(
  tx: Tx,
  options: { readonly videoIds: readonly string[]; readonly viewMinWatchedMs: number; readonly at: Date },
): Promise<CounterRow[]> {
  const { videoIds, viewMinWatchedMs, at } = options
  const { rows } = await sql<CounterRow>`
    with pending as (
      select e.video_id, ${DELTAS} from event e
      where e.folded_at is null and e.video_id = any(${videoIds}::uuid[]) and e.kind in ${COUNTED_KINDS}
      group by e.video_id
    ), truth as (
      select v.id,
        viewed.views + coalesce(past.views, 0) - coalesce(p.views, 0) as views,
        viewed.watched_ms + coalesce(past.watched_ms, 0) - coalesce(p.watched_ms, 0) as watched_ms,
        viewed.completions + coalesce(past.completions, 0) - coalesce(p.completions, 0) as completions,
        (select count(*) from video_like l where l.video_id = v.id) - coalesce(p.likes, 0) as likes,
        (select count(*) from video_save s where s.video_id = v.id) - coalesce(p.saves, 0) as saves,
        (select count(*) from video_share s where s.video_id = v.id) - coalesce(p.shares, 0) as shares,
        (select count(*) from comment m where m.video_id = v.id and m.deleted_at is null)
          - coalesce(p.comments, 0) as comments
      from video v
      left join pending p on p.video_id = v.id
      left join video_view_past past on past.video_id = v.id
      cross join lateral (
        select count(*) as views, coalesce(sum(w.watched_ms), 0)::bigint as watched_ms,
          coalesce(sum(w.completions), 0)::bigint as completions
        from video_view w where w.video_id = v.id and w.watched_ms >= ${viewMinWatchedMs}) viewed
      where v.id = any(${videoIds}::uuid[])
    )
    update video_counter c set
      views = t.views, likes = t.likes, comments = t.comments, saves = t.saves, shares = t.shares,
      watched_ms = t.watched_ms, completions = t.completions, as_of = ${at}
    from truth t
    where c.video_id = t.id
      and (c.views, c.likes, c.comments, c.saves, c.shares, c.watched_ms, c.completions)
        is distinct from (t.views, t.likes, t.comments, t.saves, t.shares, t.watched_ms, t.completions)
    returning c.video_id as "videoId", c.views, c.likes, c.comments, c.saves, c.shares, c.as_of as "asOf"`.execute(
    tx,
  )
  return rows
}
