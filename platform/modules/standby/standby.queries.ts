/** All SQL of the standby shelf. It only reads. */
import { sql } from 'kysely'
import type { Db } from '../../infra/db/index.ts'
import type { GoneKind, StandbyMedia } from '../../app/standby/index.ts'

const isListed = sql<boolean>`v.published_at is not null and v.deleted_at is null and v.visibility = 'public'`

/**
 * What all transactions before `beforeXid` did is seen by whatever is asked from now on. `nextXid` is new: the end of
 * a snapshot would be the transaction after the last that has ended, and one that is open may lie beyond it.
 */
export async function readSnapshot(db: Db): Promise<{ beforeXid: string; nextXid: bigint }> {
  const { rows } = await sql<{ beforeXid: string; nextXid: string }>`
    select pg_snapshot_xmin(pg_current_snapshot())::text as "beforeXid", pg_current_xact_id()::text as "nextXid"`.execute(
    db,
  )
  const { beforeXid, nextXid } = rows[0]!
  return { beforeXid, nextXid: BigInt(nextXid) }
}

/** Listed videos, the newest first. */
export async function listNewest(db: Db, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select v.id from video v where ${isListed} order by v.published_at desc, v.id desc limit ${limit}`.execute(
    db,
  )
  return rows.map(({ id }) => id)
}

/** Videos that are watched most of late, whether they are listed or not. */
export async function listHottest(db: Db, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select video_id as id from feed_signal order by heat desc limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Tags of the hottest videos, those of most videos first; without views the newest videos say which. */
export async function listTags(
  db: Db,
  { videoIds, limit }: { readonly videoIds: readonly string[]; readonly limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ tag: string }>`
    select tag from video_tag where video_id = any(${videoIds}::uuid[])
    group by tag order by count(*) desc, tag limit ${limit}`.execute(db)
  return rows.map(({ tag }) => tag)
}

export interface MediaRow extends StandbyMedia {
  readonly id: string
}

/** What can be delivered of these videos; only of those that everyone may see. */
export async function listMedia(db: Db, ids: readonly string[]): Promise<MediaRow[]> {
  const { rows } = await sql<MediaRow>`
    select v.id, v.poster_version as "posterVersion", v.preview_version as "previewVersion", (
      select coalesce(json_agg(json_build_object('manifest', g.manifest, 'isGrowing', g.is_growing)
        order by g.generation desc), '[]')
      from video_generation g where g.video_id = v.id and g.broken_at is null) as generations
    from video v where v.id = any(${ids}::uuid[]) and ${isListed} and v.generation is not null`.execute(db)
  return rows
}

export interface GoneRow {
  readonly id: string
  /** Null: everyone may see it, or could once it is published. */
  readonly kind: GoneKind | null
}

const goneKind = sql<GoneKind | null>`
  case when v.deleted_at is not null then 'deleted' when v.visibility <> 'public' then 'hidden' end`

/** How these stand; one that is not there at all is missing here too. */
export async function listStandings(db: Db, ids: readonly string[]): Promise<GoneRow[]> {
  const { rows } = await sql<GoneRow>`
    select v.id, ${goneKind} as kind from video v where v.id = any(${ids}::uuid[])`.execute(db)
  return rows
}

/** Those that were deleted or hidden after a time, the latest first. */
export async function listGone(
  db: Db,
  { after, limit }: { readonly after: Date; readonly limit: number },
): Promise<{ id: string; kind: GoneKind; at: Date }[]> {
  const { rows } = await sql<{ id: string; kind: GoneKind; at: Date }>`
    select v.id, ${goneKind} as kind, v.updated_at as at from video v
    where v.updated_at > ${after} and (v.deleted_at is not null or v.visibility <> 'public')
    order by v.updated_at desc limit ${limit}`.execute(db)
  return rows
}

export interface Pair {
  readonly blocker: string
  readonly blocked: string
}

/** The pairs after one, in their order. */
export async function listBlocks(
  db: Db,
  { after, limit }: { readonly after: Pair | null; readonly limit: number },
): Promise<Pair[]> {
  const { rows } = await sql<Pair>`
    select blocker_id as blocker, blocked_id as blocked from block
    where ${after ? sql`(blocker_id, blocked_id) > (${after.blocker}::uuid, ${after.blocked}::uuid)` : sql`true`}
    order by blocker_id, blocked_id limit ${limit}`.execute(db)
  return rows
}

const LIKES_FOR_TASTE = 200
const VIEWS_FOR_TASTE = 300

/** Accounts after one in order of id, each with that of the tags which it likes and watches most; null: none of them. */
export async function listTastes(
  db: Db,
  input: { readonly after: string | null; readonly tags: readonly string[]; readonly limit: number },
): Promise<{ id: string; tag: string | null }[]> {
  const { rows } = await sql<{ id: string; tag: string | null }>`
    select a.id, (
      select t.tag from (
        (select video_id from video_like l where l.account_id = a.id
          order by l.created_at desc limit ${LIKES_FOR_TASTE})
        union all
        (select w.video_id from video_view w where w.viewer_key = a.id::text and w.completions > 0
          order by w.hour desc limit ${VIEWS_FOR_TASTE})
      ) watched join video_tag t using (video_id)
      where t.tag = any(${input.tags}::text[])
      group by t.tag order by count(*) desc, t.tag limit 1) as tag
    from account a where ${input.after === null ? sql`true` : sql`a.id > ${input.after}::uuid`}
    order by a.id limit ${input.limit}`.execute(db)
  return rows
}
