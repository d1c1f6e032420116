/** All SQL of the feed. */
import { sql } from 'kysely'
import type pg from 'pg'
import { POPULARITY_HALF_LIFE_MS } from '../../../engines/for-you/index.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './feed.schema.ts'

const HALF_LIFE_S = POPULARITY_HALF_LIFE_MS / 1000

// --- Snapshots

export interface SnapshotRow {
  readonly id: string
  readonly account_id: string | null
  readonly body: Buffer
  readonly expires_at: Date
}

export function insertSnapshots(pool: pg.Pool, rows: readonly SnapshotRow[]): Promise<unknown> {
  const values = rows.flatMap((row) => [row.id, row.account_id, row.body, row.expires_at])
  const tuples = rows.map((_, row) => `($${row * 4 + 1},$${row * 4 + 2},$${row * 4 + 3},$${row * 4 + 4})`)
  return pool.query(
    `insert into feed_snapshot (id, account_id, body, expires_at) values ${tuples.join(',')}
     on conflict (id) do nothing`,
    values,
  )
}

export const findSnapshot = (db: Db, id: string, now: Date) =>
  db
    .selectFrom('feed_snapshot')
    .select(['account_id', 'body'])
    .where('id', '=', id)
    .where('expires_at', '>', now)
    .executeTakeFirst()

export const deleteExpiredSnapshots = (db: Db, now: Date) =>
  db.deleteFrom('feed_snapshot').where('expires_at', '<=', now).execute()

// --- Changes

export interface Change {
  readonly seq: number
  readonly kind:
    | ('video' | 'author')
    | ('liked' | 'unliked' | 'saved' | 'unsaved' | 'followed' | 'unfollowed' | 'blocked' | 'unblocked')
  readonly subjectId: string
  readonly objectId: string | null
}

export interface ChangesRead {
  /** The oldest transaction that was still open: all before it are in this or earlier answers. */
  readonly oldestOpenXid: string
  readonly changes: readonly Change[]
}

// The upper bound is always true. With it the planner expects few lines whatever the statistics say, and takes the index.
const READ_CHANGES = `
select pg_snapshot_xmin(pg_current_snapshot())::text as "oldestOpenXid",
  (select json_agg(json_build_array(seq, kind, subject_id, object_id) order by seq) from feed_change
   where xid >= $1::xid8 and xid <= pg_snapshot_xmax(pg_current_snapshot())) as lines`

/** The lines that transactions from `sinceXid` on have committed; none for null, which only finds where to begin. */
export async function readChanges(pool: pg.Pool, sinceXid: string | null): Promise<ChangesRead> {
  const { rows } = await pool.query<{
    oldestOpenXid: string
    lines: [number, Change['kind'], string, string | null][] | null
  }>({ name: 'feed-changes', text: READ_CHANGES, values: [sinceXid] })
  const { oldestOpenXid, lines } = rows[0]!
  const changes = (lines ?? []).map(([seq, kind, subjectId, objectId]) => ({
    seq,
    kind,
    subjectId,
    objectId,
  }))
  return { oldestOpenXid, changes }
}

export const deleteOldChanges = (db: Db) =>
  sql`delete from feed_change where changed_at < now() - interval '1 hour'`.execute(db)

// --- Viewer states

interface ViewerStateRow {
  readonly isLiked: boolean
  readonly isSaved: boolean
  readonly isFollowingAuthor: boolean
  readonly isBlocked: boolean
}

const VIEWER_STATES = `
select
  exists (select from video_like l where l.account_id = $1 and l.video_id = p.video) as "isLiked",
  exists (select from video_save s where s.account_id = $1 and s.video_id = p.video) as "isSaved",
  exists (select from follow f where f.follower_id = $1 and f.followee_id = p.author) as "isFollowingAuthor",
  exists (select from block where blocker_id = $1 and blocked_id = p.author)
    or exists (select from block where blocker_id = p.author and blocked_id = $1) as "isBlocked"
from unnest($2::uuid[], $3::uuid[]) with ordinality as p (video, author, ord)
order by p.ord`

/** One row a video, in order. */
export async function queryViewerStates(
  pool: pg.Pool,
  input: {
    readonly viewerId: string
    readonly videoIds: readonly string[]
    readonly authorIds: readonly (string | null)[]
  },
): Promise<ViewerStateRow[]> {
  const values = [input.viewerId, input.videoIds, input.authorIds]
  const { rows } = await pool.query<ViewerStateRow>({
    name: 'feed-viewer-states',
    text: VIEWER_STATES,
    values,
  })
  return rows
}

// --- Candidates

export interface CandidateRow {
  readonly id: string
  readonly authorId: string
  readonly publishedAt: Date
  readonly durationMs: number | null
  readonly tags: string[]
  readonly views: number | null
  readonly completion: number | null
  readonly signalsAsOf: Date | null
}

const isListed = sql<boolean>`video.published_at is not null and video.deleted_at is null and video.visibility = 'public'`

/** Ids of the newest listed videos. */
export async function listNewestIds(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('video')
    .select('id')
    .where(isListed)
    .orderBy('published_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** Ids of the videos that are watched most of late, whether they are still listed or not. */
export async function listHottestIds(db: Db, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('feed_signal')
    .select('video_id as id')
    .orderBy('heat', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}

/** What the ranking knows of these videos; those that are not listed are left out. */
export const listCandidates = (db: Db, ids: readonly string[]): Promise<CandidateRow[]> =>
  db
    .selectFrom('video')
    .leftJoin('feed_signal', 'feed_signal.video_id', 'video.id')
    .select([
      'video.id',
      'video.account_id as authorId',
      sql<Date>`video.published_at`.as('publishedAt'),
      'video.duration_ms as durationMs',
      sql<string[]>`array(select tag from video_tag where video_tag.video_id = video.id order by tag)`.as(
        'tags',
      ),
      'feed_signal.views',
      'feed_signal.completion',
      'feed_signal.as_of as signalsAsOf',
    ])
    .where(isListed)
    .where(sql<boolean>`video.id = any(${ids}::uuid[])`)
    .execute()

// --- The archive and the Following feed

export interface Listed {
  readonly id: string
  /** As PostgreSQL writes it. */
  readonly publishedAt: string
}

/** Listed videos after a position, newest first, without those of `exclude`. */
export async function listArchive(
  db: Db,
  input: {
    after: { publishedAt: string; videoId: string } | null
    exclude: readonly string[]
    limit: number
  },
): Promise<Listed[]> {
  const publishedAt = input.after?.publishedAt ?? 'infinity'
  const videoId = input.after?.videoId ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  const { rows } = await sql<Listed>`
    select id, published_at::text as "publishedAt" from video
    where ${isListed} and (published_at, id) < (${publishedAt}::text::timestamptz, ${videoId}::uuid)
      and id <> all (${input.exclude}::uuid[])
    order by published_at desc, id desc
    limit ${input.limit}`.execute(db)
  return rows
}

/** Videos of the accounts that somebody follows, newest first. */
export async function listFollowing(
  db: Db,
  input: { viewerId: string; after: { publishedAt: string; videoId: string } | null; limit: number },
): Promise<Listed[]> {
  const publishedAt = input.after?.publishedAt ?? 'infinity'
  const videoId = input.after?.videoId ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'
  const { rows } = await sql<Listed>`
    select v.id, v.published_at::text as "publishedAt" from follow
    cross join lateral (
      select id, published_at from video
      where account_id = follow.followee_id and published_at is not null and deleted_at is null
        and visibility in ('public', 'followers')
        and (published_at, id) < (${publishedAt}::text::timestamptz, ${videoId}::uuid)
      order by published_at desc, id desc
      limit ${input.limit}
    ) v
    where follow.follower_id = ${input.viewerId}
    order by v.published_at desc, v.id desc
    limit ${input.limit}`.execute(db)
  return rows
}

// --- Viewers

export interface ViewerMemoryRow {
  /** Ids with commas between them, as are the next ones; null: none. */
  readonly follows: string | null
  readonly liked: string | null
  readonly saved: string | null
  readonly blocking: string | null
  readonly blockedBy: string | null
  /** Watched or commented on, oldest first; some may be in it twice. */
  readonly seen: string | null
  readonly likedAuthors: { id: string; count: number }[]
  readonly tags: { tag: string; count: number }[]
}

const listOf = (column: string, from: string, where: string, index: number) =>
  `(select string_agg(id::text, ',') from (select ${column} as id from ${from} where ${where} = $1 limit $${index} + 1) ids)`

const VIEWER_MEMORY = `
with liked as materialized (
  select video_id from video_like where account_id = $1 order by created_at desc limit $3
), watched as materialized (
  select video_id, max(hour) as hour, max(completions) as completions from video_view
  where viewer_key = $2 group by video_id order by max(hour) desc limit $4
), commented as materialized (
  select video_id, max(created_at) as at from (
    select video_id, created_at from comment where account_id = $1 order by created_at desc limit $4
  ) newest group by video_id
)
select
  ${listOf('followee_id', 'follow', 'follower_id', 5)} as follows,
  ${listOf('video_id', 'video_like', 'account_id', 5)} as liked,
  ${listOf('video_id', 'video_save', 'account_id', 5)} as saved,
  ${listOf('blocked_id', 'block', 'blocker_id', 5)} as blocking,
  ${listOf('blocker_id', 'block', 'blocked_id', 5)} as "blockedBy",
  (select string_agg(video_id::text, ',' order by at) from (
    select video_id, hour as at from watched union all select video_id, at from commented) s) as seen,
  coalesce((select json_agg(json_build_object('id', a.account_id, 'count', a.count)) from (
    select video.account_id, count(*)::int as count from liked join video on video.id = liked.video_id
    group by video.account_id) a), '[]') as "likedAuthors",
  coalesce((select json_agg(json_build_object('tag', t.tag, 'count', t.count)) from (
    select tag, count(*)::int as count from (
      select video_id from liked union all select video_id from watched where completions > 0
    ) w join video_tag using (video_id) group by tag order by count(*) desc, tag limit 24) t), '[]') as tags`

/** What an account follows, likes, saves, blocks and watches, in one query; lists end one above `relationsMax`. */
export async function findViewerMemory(
  pool: pg.Pool,
  input: { accountId: string; viewerKey: string; relationsMax: number; likesMax: number; viewsMax: number },
): Promise<ViewerMemoryRow> {
  const values = [input.accountId, input.viewerKey, input.likesMax, input.viewsMax, input.relationsMax]
  const { rows } = await pool.query<ViewerMemoryRow>({
    name: 'feed-viewer-memory',
    text: VIEWER_MEMORY,
    values,
  })
  return rows[0]!
}

// --- Folding views into signals

/** Whoever holds it is the only one that writes `feed_signal`: any number nobody else uses. */
const FOLD_LOCK = 7_150_002

/** False: another process folds at this moment. Held until the transaction ends. */
export async function tryLockFold(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{
    isLocked: boolean
  }>`select pg_try_advisory_xact_lock(${FOLD_LOCK}) as "isLocked"`.execute(tx)
  return rows[0]!.isLocked
}

/**
 * Adds the counted views among the next `limit` that were not yet looked at to `feed_signal`, and marks all of these.
 *
 * @returns how many were looked at.
 */
export async function foldViews(tx: Tx, input: { at: Date; limit: number }): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with next as materialized (
      -- What the counters are folding at this moment waits for the next time: two that wait for each other would both fail.
      select id from event where ranked_at is null and kind = 'viewed'
      order by id limit ${input.limit} for update skip locked
    ), batch as (
      update event e set ranked_at = ${input.at} from next where e.id = next.id
      returning e.video_id, e.payload, e.created_at
    ), viewed as (
      select batch.video_id, batch.created_at,
        case when (payload->>'completions')::float8 > 0 then 1.0
          when video.duration_ms > 0 then least(1.0, (payload->>'watchedMs')::float8 / video.duration_ms)
          else 0.0 end as completion
      from batch join video on video.id = batch.video_id
      where (payload->>'isCounted')::boolean
    ), newest as (
      select video_id, max(created_at) as as_of from viewed group by video_id
    ), summed as (
      select video_id, as_of,
        sum(${decayed(sql`as_of - created_at`)}) as views,
        sum(completion * ${decayed(sql`as_of - created_at`)}) as completion
      from viewed join newest using (video_id) group by video_id, as_of
    ), merged as (
      select s.video_id, greatest(s.as_of, coalesce(o.as_of, s.as_of)) as as_of,
        s.views * ${decayed(sql`greatest(s.as_of, coalesce(o.as_of, s.as_of)) - s.as_of`)}
          + coalesce(o.views * ${decayed(sql`greatest(s.as_of, o.as_of) - o.as_of`)}, 0) as views,
        s.completion * ${decayed(sql`greatest(s.as_of, coalesce(o.as_of, s.as_of)) - s.as_of`)}
          + coalesce(o.completion * ${decayed(sql`greatest(s.as_of, o.as_of) - o.as_of`)}, 0) as completion
      from summed s left join feed_signal o using (video_id)
    ), written as (
      insert into feed_signal (video_id, views, completion, as_of, heat)
      select video_id, views, completion, as_of,
        log(2.0, views::numeric)::float8 + extract(epoch from as_of)::float8 / ${HALF_LIFE_S}
      from merged
      on conflict (video_id) do update set views = excluded.views, completion = excluded.completion,
        as_of = excluded.as_of, heat = excluded.heat
    )
    select count(*)::int as count from batch`.execute(tx)
  return rows[0]!.count
}

/** The weight that is left after an interval. Bounded: PostgreSQL takes an underflow for an error. */
function decayed(interval: ReturnType<typeof sql>) {
  return sql`power(2.0::float8, -least(60.0, extract(epoch from ${interval})::float8 / ${HALF_LIFE_S}))`
}
