/** SQL of the reconciler: whom to look at, how new attempts are numbered, and which folder of blobs is ours. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../infra/db/index.ts'
import './transcoding.schema.ts'

export interface UnfinishedVideo {
  readonly videoId: string
  readonly accountId: string
  readonly generation: number | null
}

/** Videos whose original was stored but that lack artefacts, and on which nobody works. */
export async function listUnfinished(db: Db, at: Date, limit: number): Promise<UnfinishedVideo[]> {
  const { rows } = await sql<UnfinishedVideo>`
    select v.id as "videoId", v.account_id as "accountId", v.generation
    from video v join upload u on u.video_id = v.id
    left join transcode t on t.video_id = v.id
    where v.deleted_at is null and v.failed_at is null and not v.is_complete
      and u.state = 'safe' and u.stored_at is not null
      and (t.claimed_until is null or t.claimed_until < ${at})
    order by v.created_at limit ${limit}`.execute(db)
  return rows
}

/** Videos that are not complete or were completed after `since`, the newest first. */
export async function listRecent(db: Db, since: Date, limit: number): Promise<string[]> {
  const { rows } = await sql<{ videoId: string }>`
    select t.video_id as "videoId" from transcode t join video v on v.id = t.video_id
    where v.deleted_at is null and (not v.is_complete or v.complete_at >= ${since})
    order by v.created_at desc limit ${limit}`.execute(db)
  return rows.map((row) => row.videoId)
}

/** Takes those that were looked at longest ago, before `before`: no other process takes them too. */
export async function takeToLookAt(
  db: Db,
  { at, before, limit }: { readonly at: Date; readonly before: Date; readonly limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ videoId: string }>`
    update transcode set looked_at = ${at} where video_id in (
      select video_id from transcode where looked_at is null or looked_at <= ${before}
      order by looked_at nulls first limit ${limit} for update skip locked
    ) returning video_id as "videoId"`.execute(db)
  return rows.map((row) => row.videoId)
}

/** Takes the one whose files were read longest ago, before `before`; null: there is none. */
export async function takeToScrub(db: Db, at: Date, before: Date): Promise<string | null> {
  const { rows } = await sql<{ videoId: string }>`
    update transcode set scrubbed_at = ${at} where video_id = (
      select video_id from transcode where coalesce(scrubbed_at, created_at) <= ${before}
      order by coalesce(scrubbed_at, created_at) limit 1 for update skip locked
    ) returning video_id as "videoId"`.execute(db)
  return rows[0]?.videoId ?? null
}

/** The next attempt gets numbers that no file has had: for all generations, or for the ladder alone. */
export async function beginAnew(tx: Tx, videoId: string, what: 'all' | 'ladder'): Promise<void> {
  await tx
    .updateTable('transcode')
    .set(
      what === 'all'
        ? {
            first_generation: sql`ladder_generation + 1`,
            ladder_generation: sql`ladder_generation + 2`,
          }
        : { ladder_generation: sql`ladder_generation + 1` },
    )
    .where('video_id', '=', videoId)
    .execute()
}

/** Size and checksum that the upload had; undefined: it came in another way. */
export const findUploaded = (db: Db, videoId: string) =>
  db
    .selectFrom('upload')
    .select(['size_bytes as sizeBytes', 'sha256'])
    .where('video_id', '=', videoId)
    .executeTakeFirst()

/** The store's row, made with this id if there is none. */
export async function ensureStore(db: Db, id: string): Promise<{ id: string; isMarked: boolean }> {
  await db
    .insertInto('blob_store')
    .values({ id })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const row = await db.selectFrom('blob_store').selectAll().executeTakeFirstOrThrow()
  return { id: row.id, isMarked: row.marked_at !== null }
}

export const markStore = (db: Db, at: Date) => db.updateTable('blob_store').set({ marked_at: at }).execute()
