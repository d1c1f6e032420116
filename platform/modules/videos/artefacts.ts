/**
 * What modules/transcoding reports of a video: generations, pictures, progress, failure. Each call also tells live
 * listeners and caches. The state of a video is what these facts say; nothing is counted.
 */
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'
import type { Ctx } from '../../app/context.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import { announceReceipt } from './announcements.ts'
import { settlePublication } from './publication.ts'
import { enqueuePrune, videoSettledQueue } from './videos.jobs.ts'
import * as queries from './videos.queries.ts'

export interface GenerationInput {
  readonly videoId: string
  readonly manifest: MediaManifest
  /** More segments follow under the same generation. @default false */
  readonly isGrowing?: boolean
  /** Nothing better will be made. @default whether the manifest is a ladder that does not grow */
  readonly isComplete?: boolean
}

/**
 * Makes a generation the one that is played, once its files lie among the blobs: keeps the manifest, retires older
 * generations, and publishes the video if its author has asked for that.
 *
 * Idempotent: a generation that is complete is never changed again, and an older one never replaces a newer.
 *
 * @returns false when nothing changed, because it was there or the video is deleted.
 */
export async function recordGeneration(ctx: Ctx, tx: Tx, input: GenerationInput): Promise<boolean> {
  const { videoId, manifest, isGrowing = false } = input
  const { isComplete = manifest.kind === 'ladder' && !isGrowing } = input
  const video = await queries.lockVideo(tx, videoId)
  if (!video || video.deleted_at || manifest.generation < (video.generation ?? 0)) return false
  const at = ctx.clock.now()
  const isChanged = await queries.upsertGeneration(tx, {
    videoId,
    generation: manifest.generation,
    kind: manifest.kind,
    manifest: JSON.stringify(manifest),
    isGrowing,
    createdAt: at,
  })
  if (!isChanged) return false
  await queries.updateVideo(tx, videoId, {
    ...playing(video, manifest, { isComplete, at }),
    ...noFailure,
    work_waits_for: null,
    ...(isComplete && noProgress),
    updated_at: at,
  })
  if ((video.generation ?? manifest.generation) < manifest.generation) {
    await queries.retireGenerations(tx, videoId, manifest.generation, at)
    await enqueuePrune(ctx, tx, videoId)
  }
  const { isNew } = await settlePublication(ctx, tx, videoId)
  if (isNew) await ctx.jobs.enqueue(tx, videoSettledQueue, { videoId, outcome: 'published' })
  await announceChange(ctx, tx, video)
  return true
}

const noProgress = { work_progress: null, work_left_s: null } as const
const noFailure = { failure_code: null, failure_reason: null, failed_at: null } as const

/** What a video says of itself while this generation is the one that is played. */
function playing(
  video: queries.VideoRow,
  manifest: MediaManifest,
  { isComplete, at }: { readonly isComplete: boolean; readonly at: Date },
) {
  const best = manifest.videos[0]
  return {
    generation: manifest.generation,
    playable_height: best ? Math.min(best.width, best.height) : null,
    duration_ms: Math.round(manifest.durationMs),
    width: manifest.width,
    height: manifest.height,
    is_complete: isComplete,
    playable_at: video.playable_at ?? at,
    complete_at: isComplete ? (video.complete_at ?? at) : null,
  }
}

const notPlaying = {
  generation: null,
  playable_height: null,
  is_complete: false,
  playable_at: null,
  complete_at: null,
} as const

export interface DiscardInput {
  readonly videoId: string
  readonly generations: readonly number[]
}

/**
 * Takes back generations of which files are missing or rotten: nobody is sent to them any more. What is played is the
 * best of those that are left, or nothing; publication, likes and comments stay, for the video can be made again. The
 * broken generations' files are removed after a day.
 *
 * Idempotent.
 *
 * @returns the generation that is played from now on; null: none; undefined: the video is deleted.
 */
export async function discardGenerations(
  ctx: Ctx,
  tx: Tx,
  input: DiscardInput,
): Promise<number | null | undefined> {
  const { videoId } = input
  const video = await queries.lockVideo(tx, videoId)
  if (!video || video.deleted_at) return undefined
  const at = ctx.clock.now()
  const rows = await queries.listGenerations(tx, videoId)
  const broken = rows.filter((row) => input.generations.includes(row.generation))
  if (broken.length === 0) return video.generation
  const numbers = broken.map((row) => row.generation)
  await queries.changeGenerations(tx, videoId, numbers, { retired_at: at, broken_at: at })
  await enqueuePrune(ctx, tx, videoId)
  if (video.generation !== null && !numbers.includes(video.generation)) return video.generation
  const [next] = rows.filter((row) => !broken.includes(row))
  if (next)
    await queries.changeGenerations(tx, videoId, [next.generation], { retired_at: null, broken_at: null })
  const isComplete = next?.manifest.kind === 'ladder' && !next.isGrowing
  await queries.updateVideo(tx, videoId, {
    ...(next ? playing(video, next.manifest, { isComplete, at }) : notPlaying),
    ...noProgress,
    updated_at: at,
  })
  await announceChange(ctx, tx, video)
  return next?.generation ?? null
}

/**
 * Takes a discarded generation back into use, whose files are all there and right again: a disk came back. Only where
 * nothing is played, and until its files are removed. Idempotent.
 */
export async function restoreGeneration(
  ctx: Ctx,
  tx: Tx,
  { videoId, generation }: { readonly videoId: string; readonly generation: number },
): Promise<boolean> {
  const video = await queries.lockVideo(tx, videoId)
  const row = (await queries.listAllGenerations(tx, videoId)).find((of) => of.generation === generation)
  if (!video || video.deleted_at || video.generation !== null || !row?.brokenAt) return false
  const at = ctx.clock.now()
  await queries.changeGenerations(tx, videoId, [generation], { retired_at: null, broken_at: null })
  await queries.updateVideo(tx, videoId, {
    ...playing(video, row.manifest, { isComplete: row.manifest.kind === 'ladder' && !row.isGrowing, at }),
    ...noFailure,
    ...noProgress,
    work_waits_for: null,
    updated_at: at,
  })
  await announceChange(ctx, tx, video)
  return true
}

/** A generation without a next one is all there will be: says so without a new manifest. Idempotent. */
export async function recordComplete(ctx: Ctx, tx: Tx, videoId: string): Promise<void> {
  const video = await queries.lockVideo(tx, videoId)
  if (!video || video.deleted_at || video.generation === null || video.is_complete) return
  const at = ctx.clock.now()
  await queries.updateVideo(tx, videoId, {
    is_complete: true,
    complete_at: at,
    ...noProgress,
    work_waits_for: null,
    updated_at: at,
  })
  await announceChange(ctx, tx, video)
}

export interface PicturesInput {
  readonly videoId: string
  /** Its file is `posterKeyOf(videoId, posterVersion)`. */
  readonly posterVersion?: number
  /** Its file is `previewKeyOf(videoId, previewVersion)`. */
  readonly previewVersion?: number
  /** ThumbHash, base64. */
  readonly placeholder?: string
}

/** Makes poster, preview or placeholder the ones that are shown, once their files lie among the blobs. */
export async function recordPictures(ctx: Ctx, tx: Tx, input: PicturesInput): Promise<void> {
  const video = await queries.lockVideo(tx, input.videoId)
  if (!video || video.deleted_at) return
  await queries.updateVideo(tx, video.id, {
    ...(input.posterVersion !== undefined && { poster_version: input.posterVersion }),
    ...(input.previewVersion !== undefined && { preview_version: input.previewVersion }),
    ...(input.placeholder !== undefined && { placeholder: input.placeholder }),
    updated_at: ctx.clock.now(),
  })
  await announceChange(ctx, tx, video)
}

/** How far the work is: both null where that can't be known. The caller calls it at most about once a second. */
export async function recordProgress(
  ctx: Ctx,
  db: Db | Tx,
  input: { readonly videoId: string; readonly progress: number | null; readonly timeLeftS: number | null },
): Promise<void> {
  const video = await queries.findVideo(db, input.videoId)
  if (!video || video.deleted_at || video.is_complete) return
  await queries.updateVideo(db, video.id, {
    work_progress: input.progress === null ? null : Math.min(1, Math.max(0, input.progress)),
    work_left_s: input.timeLeftS === null ? null : Math.max(0, input.timeLeftS),
    work_waits_for: null,
    updated_at: ctx.clock.now(),
  })
  await announceReceipt(db, video)
}

/** What the work waits for; null: it goes on. Told once, however often it is called. */
export async function recordWait(
  ctx: Ctx,
  tx: Tx,
  { videoId, waitsFor }: { readonly videoId: string; readonly waitsFor: 'space' | 'storage' | null },
): Promise<void> {
  const video = await queries.lockVideo(tx, videoId)
  if (!video || video.deleted_at || video.work_waits_for === waitsFor) return
  await queries.updateVideo(tx, videoId, {
    work_waits_for: waitsFor,
    ...(waitsFor !== null && noProgress),
    updated_at: ctx.clock.now(),
  })
  await announceReceipt(tx, video)
}

/**
 * The original can't be made into a video, or not into better renditions than there are: `code` of the errors' table,
 * `reason` what is wrong with this very file. Its owner is notified. Idempotent: the first failure stays.
 */
export async function recordFailure(
  ctx: Ctx,
  tx: Tx,
  input: { readonly videoId: string; readonly code: string; readonly reason: string },
): Promise<void> {
  const video = await queries.lockVideo(tx, input.videoId)
  if (!video || video.deleted_at || video.failed_at) return
  const at = ctx.clock.now()
  await queries.updateVideo(tx, video.id, {
    failure_code: input.code,
    failure_reason: input.reason,
    failed_at: at,
    ...noProgress,
    work_waits_for: null,
    updated_at: at,
  })
  await ctx.jobs.enqueue(tx, videoSettledQueue, { videoId: video.id, outcome: 'failed' })
  await announceReceipt(tx, video)
}

/** A failure is taken back before another try: what was missing is there again. Idempotent. */
export async function clearFailure(ctx: Ctx, tx: Tx, videoId: string): Promise<void> {
  const video = await queries.lockVideo(tx, videoId)
  if (!video?.failed_at) return
  await queries.updateVideo(tx, videoId, { ...noFailure, updated_at: ctx.clock.now() })
  await announceReceipt(tx, video)
}

async function announceChange(ctx: Ctx, tx: Tx, video: queries.VideoRow): Promise<void> {
  await ctx.events.append(tx, { kind: 'video-changed', accountId: video.account_id, videoId: video.id })
  await announceReceipt(tx, video)
}
