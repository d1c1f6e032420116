/** SQL of transcoding: the plan, the claim, and the journal of what lies among the blobs. */
import { sql } from 'kysely'
import type { Demuxer, LadderPlan, TrackInit } from '../../../engines/ladder/index.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './transcoding.schema.ts'

export interface Transcode {
  readonly videoId: string
  readonly accountId: string
  readonly demuxer: Demuxer | null
  readonly mode: 'copy' | 'encode' | null
  readonly plan: LadderPlan | null
  readonly crashes: number
  /** Under which number the next first generation is made, and the next ladder. */
  readonly firstGeneration: number
  readonly ladderGeneration: number
}

const columns = [
  'video_id as videoId',
  'account_id as accountId',
  'demuxer',
  'mode',
  'plan',
  'crashes',
  'first_generation as firstGeneration',
  'ladder_generation as ladderGeneration',
] as const

export const findTranscode = (db: Db | Tx, videoId: string): Promise<Transcode | undefined> =>
  db.selectFrom('transcode').select(columns).where('video_id', '=', videoId).executeTakeFirst()

/** Idempotent. */
export async function ensureTranscode(
  db: Db | Tx,
  row: { readonly videoId: string; readonly accountId: string; readonly at: Date },
): Promise<void> {
  await db
    .insertInto('transcode')
    .values({ video_id: row.videoId, account_id: row.accountId, created_at: row.at, updated_at: row.at })
    .onConflict((conflict) => conflict.column('video_id').doNothing())
    .execute()
}

export async function savePlan(
  db: Db | Tx,
  videoId: string,
  row: {
    readonly demuxer: Demuxer
    readonly mode: 'copy' | 'encode'
    readonly plan: LadderPlan
    readonly at: Date
  },
): Promise<void> {
  await db
    .updateTable('transcode')
    .set({ demuxer: row.demuxer, mode: row.mode, plan: JSON.stringify(row.plan), updated_at: row.at })
    .where('video_id', '=', videoId)
    .execute()
}

/** Takes the work for `owner` until `until`, unless another's claim is still good at `at`. */
export async function claim(
  db: Db,
  videoId: string,
  { owner, at, until }: { readonly owner: string; readonly at: Date; readonly until: Date },
): Promise<boolean> {
  const row = await db
    .updateTable('transcode')
    .set({ claimed_by: owner, claimed_until: until })
    .where('video_id', '=', videoId)
    .where((where) =>
      where.or([
        where('claimed_by', 'is', null),
        where('claimed_by', '=', owner),
        where('claimed_until', '<', at),
      ]),
    )
    .returning('video_id')
    .executeTakeFirst()
  return row !== undefined
}

export async function release(db: Db, videoId: string, owner: string): Promise<void> {
  await db
    .updateTable('transcode')
    .set({ claimed_by: null, claimed_until: null })
    .where('video_id', '=', videoId)
    .where('claimed_by', '=', owner)
    .execute()
}

/** @returns how often it has now crashed. */
export async function countCrash(db: Db | Tx, videoId: string): Promise<number> {
  const { crashes } = await db
    .updateTable('transcode')
    .set({ crashes: sql`crashes + 1` })
    .where('video_id', '=', videoId)
    .returning('crashes')
    .executeTakeFirstOrThrow()
  return crashes
}

export interface RenditionKey {
  readonly videoId: string
  readonly generation: number
  readonly rendition: string
}

export interface JournalledRendition extends RenditionKey {
  readonly track: TrackInit
  readonly initSizeBytes: number
  readonly initSha256: string
  readonly isWhole: boolean
  readonly segments: readonly { position: number; durationMs: number; sizeBytes: number; sha256: string }[]
}

export async function listRenditions(db: Db | Tx, videoId: string): Promise<JournalledRendition[]> {
  const renditions = await db
    .selectFrom('transcode_rendition')
    .select(['generation', 'rendition', 'track', 'is_whole as isWhole'])
    .select(['init_size_bytes as initSizeBytes', 'init_sha256 as initSha256'])
    .where('video_id', '=', videoId)
    .execute()
  const segments = await db
    .selectFrom('transcode_segment')
    .select(['generation', 'rendition', 'position', 'sha256'])
    .select(['duration_ms as durationMs', 'size_bytes as sizeBytes'])
    .where('video_id', '=', videoId)
    .orderBy('position')
    .execute()
  return renditions.map((row) => ({
    ...row,
    videoId,
    segments: segments.filter((s) => s.generation === row.generation && s.rendition === row.rendition),
  }))
}

export async function insertRendition(
  db: Db | Tx,
  key: RenditionKey,
  row: { readonly track: TrackInit; readonly initSizeBytes: number; readonly initSha256: string },
): Promise<void> {
  await db
    .insertInto('transcode_rendition')
    .values({
      video_id: key.videoId,
      generation: key.generation,
      rendition: key.rendition,
      track: JSON.stringify(row.track),
      init_size_bytes: row.initSizeBytes,
      init_sha256: row.initSha256,
    })
    .onConflict((conflict) => conflict.columns(['video_id', 'generation', 'rendition']).doNothing())
    .execute()
}

export interface SegmentRow {
  readonly position: number
  readonly durationMs: number
  readonly sizeBytes: number
  readonly sha256: string
}

/** Replaces those that are there. */
export async function insertSegments(
  db: Db | Tx,
  key: RenditionKey,
  rows: readonly SegmentRow[],
): Promise<void> {
  await db
    .insertInto('transcode_segment')
    .values(
      rows.map((row) => ({
        video_id: key.videoId,
        generation: key.generation,
        rendition: key.rendition,
        position: row.position,
        duration_ms: row.durationMs,
        size_bytes: row.sizeBytes,
        sha256: row.sha256,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['video_id', 'generation', 'rendition', 'position']).doUpdateSet((excluded) => ({
        duration_ms: excluded.ref('excluded.duration_ms'),
        size_bytes: excluded.ref('excluded.size_bytes'),
        sha256: excluded.ref('excluded.sha256'),
      })),
    )
    .execute()
}

export async function markWhole(db: Db | Tx, key: RenditionKey): Promise<void> {
  await db
    .updateTable('transcode_rendition')
    .set({ is_whole: true })
    .where('video_id', '=', key.videoId)
    .where('generation', '=', key.generation)
    .where('rendition', '=', key.rendition)
    .execute()
}

/** Forgets the segments from a position on; from 0, the rendition itself. */
export async function forgetFrom(db: Db | Tx, key: RenditionKey, position: number): Promise<void> {
  await db
    .deleteFrom(position === 0 ? 'transcode_rendition' : 'transcode_segment')
    .where('video_id', '=', key.videoId)
    .where('generation', '=', key.generation)
    .where('rendition', '=', key.rendition)
    .$if(position > 0, (query) => query.where('position' as never, '>=', position as never))
    .execute()
}

/** Counting ends here: whoever has this many open is last anyway. */
const AHEAD_MAX = 1_000

/** How many of the account's older videos have their bytes but can't be played yet, or are not complete yet. */
export async function countUnfinishedBefore(
  db: Db | Tx,
  { videoId, accountId, lacks }: { videoId: string; accountId: string; lacks: 'anything' | 'everything' },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from (
      select from video v join upload u on u.video_id = v.id
      where v.account_id = ${accountId} and v.id < ${videoId} and u.state = 'safe'
        and v.deleted_at is null and v.failed_at is null and not v.is_complete
        and (${lacks === 'anything'} or v.generation is null)
      limit ${AHEAD_MAX}) as ahead`.execute(db)
  return rows[0]!.count
}
