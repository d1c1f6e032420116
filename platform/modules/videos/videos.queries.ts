/** SQL of videos but for the cards: making, changing, publishing, deleting, visibility and lists. */
import { sql, type Selectable } from 'kysely'
import type { Visibility } from '../../../contract/videos.ts'
import type { Position } from '../../app/paging.ts'
import type { Db, Tables, Tx } from '../../infra/db/index.ts'
import './videos.schema.ts'

export type VideoRow = Selectable<Tables['video']>

export interface NewVideo {
  readonly id: string
  readonly accountId: string
  readonly uploadId: string | null
  readonly caption: string
  readonly visibility: Visibility
  readonly coverAtMs: number | null
  readonly publishRequestedAt: Date | null
  readonly createdAt: Date
}

export async function insertVideo(tx: Db | Tx, video: NewVideo): Promise<void> {
  await tx
    .insertInto('video')
    .values({
      id: video.id,
      account_id: video.accountId,
      upload_id: video.uploadId,
      caption: video.caption,
      visibility: video.visibility,
      cover_at_ms: video.coverAtMs,
      publish_requested_at: video.publishRequestedAt,
      created_at: video.createdAt,
      updated_at: video.createdAt,
    })
    .execute()
  await tx.insertInto('video_counter').values({ video_id: video.id, as_of: video.createdAt }).execute()
}

export async function replaceTags(tx: Tx, videoId: string, tags: readonly string[]): Promise<void> {
  await tx.deleteFrom('video_tag').where('video_id', '=', videoId).execute()
  if (tags.length === 0) return
  await tx
    .insertInto('video_tag')
    .values(tags.map((tag) => ({ video_id: videoId, tag })))
    .execute()
}

/** Deleted ones too. */
export const findVideo = (db: Db | Tx, id: string): Promise<VideoRow | undefined> =>
  db.selectFrom('video').selectAll().where('id', '=', id).executeTakeFirst()

/** Locks the row until the transaction ends, so that changes of one video happen one after the other. */
export const lockVideo = (tx: Tx, id: string): Promise<VideoRow | undefined> =>
  tx.selectFrom('video').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()

export const lockOwnVideo = (tx: Tx, accountId: string, id: string): Promise<VideoRow | undefined> =>
  tx
    .selectFrom('video')
    .selectAll()
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()

export async function updateVideo(
  db: Db | Tx,
  id: string,
  change: Partial<Omit<VideoRow, 'id' | 'account_id' | 'created_at'>> & { updated_at: Date },
): Promise<void> {
  await db.updateTable('video').set(change).where('id', '=', id).execute()
}

/** Publishes once: the row when this call did it, else undefined. */
export const publishIfReady = (tx: Tx, id: string, at: Date) =>
  tx
    .updateTable('video')
    .set({ published_at: at, updated_at: at })
    .where('id', '=', id)
    .where('publish_requested_at', 'is not', null)
    .where('published_at', 'is', null)
    .where('generation', 'is not', null)
    .where('deleted_at', 'is', null)
    .returning(['account_id as accountId', 'published_at as publishedAt'])
    .executeTakeFirst()

/** Inserts a generation, or extends one that still grows. False: it is there already and complete. */
export async function upsertGeneration(
  tx: Tx,
  row: {
    videoId: string
    generation: number
    kind: 'copied' | 'first-rung' | 'ladder'
    manifest: string
    isGrowing: boolean
    createdAt: Date
  },
): Promise<boolean> {
  const result = await tx
    .insertInto('video_generation')
    .values({
      video_id: row.videoId,
      generation: row.generation,
      kind: row.kind,
      manifest: row.manifest,
      is_growing: row.isGrowing,
      created_at: row.createdAt,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['video_id', 'generation'])
        .doUpdateSet({ kind: row.kind, manifest: row.manifest, is_growing: row.isGrowing })
        .where('video_generation.is_growing', '=', true),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export async function retireGenerations(tx: Tx, videoId: string, below: number, at: Date): Promise<void> {
  await tx
    .updateTable('video_generation')
    .set({ retired_at: at })
    .where('video_id', '=', videoId)
    .where('generation', '<', below)
    .where('retired_at', 'is', null)
    .execute()
}

const generations = (db: Db | Tx, videoId: string) =>
  db
    .selectFrom('video_generation')
    .select(['generation', 'manifest', 'is_growing as isGrowing'])
    .select(['retired_at as retiredAt', 'broken_at as brokenAt'])
    .where('video_id', '=', videoId)
    .orderBy('generation', 'desc')

/** Those whose files are there, as far as is known, the newest first. */
export const listGenerations = (db: Db | Tx, videoId: string) =>
  generations(db, videoId).where('broken_at', 'is', null).execute()

/** The broken ones too. */
export const listAllGenerations = (db: Db | Tx, videoId: string) => generations(db, videoId).execute()

export async function changeGenerations(
  tx: Tx,
  videoId: string,
  numbers: readonly number[],
  change: { readonly retired_at: Date | null; readonly broken_at: Date | null },
): Promise<void> {
  if (numbers.length === 0) return
  await tx
    .updateTable('video_generation')
    .set(change)
    .where('video_id', '=', videoId)
    .where('generation', 'in', numbers)
    .execute()
}

export async function deleteGeneration(tx: Tx, videoId: string, generation: number): Promise<void> {
  await tx
    .deleteFrom('video_generation')
    .where('video_id', '=', videoId)
    .where('generation', '=', generation)
    .execute()
}

/**
 * Which of these videos the viewer may see; `viewerId` null: a signed-out visitor.
 *
 * The one place where visibility is spelled in SQL; `isCardVisible` of cards.ts says the same over loaded facts.
 */
export async function selectVisible(
  db: Db | Tx,
  viewerId: string | null,
  videoIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select v.id from video v
    where v.id = any(${videoIds}::uuid[]) and v.deleted_at is null and (
      v.account_id = ${viewerId}::uuid
      or (
        v.published_at is not null
        and (
          v.visibility = 'public'
          or (v.visibility = 'followers' and exists (
            select from follow f where f.follower_id = ${viewerId}::uuid and f.followee_id = v.account_id))
        )
        and not exists (
          select from block b
          where (b.blocker_id = ${viewerId}::uuid and b.blocked_id = v.account_id)
             or (b.blocker_id = v.account_id and b.blocked_id = ${viewerId}::uuid))
      )
    )`.execute(db)
  return rows.map((row) => row.id)
}

/** Own videos that can be played, newest first, all visibilities. */
export const listOwn = (db: Db, accountId: string, before: Position | null, limit: number) =>
  db
    .selectFrom('video')
    .select(['id', 'created_at as at'])
    .where('account_id', '=', accountId)
    .where('deleted_at', 'is', null)
    .where('generation', 'is not', null)
    .$if(before !== null, (query) =>
      query.where((where) =>
        where(where.refTuple('created_at', 'id'), '<', where.tuple(before!.at, before!.id)),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

/** An account's published videos of these visibilities, newest first. */
export const listPublished = (
  db: Db,
  accountId: string,
  visibilities: readonly Visibility[],
  before: Position | null,
  limit: number,
) =>
  db
    .selectFrom('video')
    .select((select) => ['id', select.ref('published_at').$notNull().as('at')])
    .where('account_id', '=', accountId)
    .where('deleted_at', 'is', null)
    .where('published_at', 'is not', null)
    .where('visibility', 'in', visibilities)
    .$if(before !== null, (query) =>
      query.where((where) =>
        where(where.refTuple('published_at', 'id'), '<', where.tuple(before!.at, before!.id)),
      ),
    )
    .orderBy('published_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()

/** How the viewer stands to an account, as visibility needs it. */
export async function selectRelation(
  db: Db | Tx,
  viewerId: string,
  accountId: string,
): Promise<{ isFollowing: boolean; isBlocked: boolean }> {
  const { rows } = await sql<{ isFollowing: boolean; isBlocked: boolean }>`
    select
      exists (select from follow where follower_id = ${viewerId} and followee_id = ${accountId}) as "isFollowing",
      exists (select from block where (blocker_id = ${viewerId} and blocked_id = ${accountId})
        or (blocker_id = ${accountId} and blocked_id = ${viewerId})) as "isBlocked"`.execute(db)
  return rows[0]!
}

/** The newest videos that can be played, those with everything encoded first. */
export async function listPlayable(db: Db, limit: number): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from video where generation is not null and deleted_at is null
    order by is_complete desc, published_at desc nulls last, id desc limit ${limit}`.execute(db)
  return rows.map(({ id }) => id)
}
