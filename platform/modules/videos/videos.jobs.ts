/** Background work on videos: removing the files of deleted videos and of generations that were replaced. */
import type { Ctx } from '../../app/context.ts'
import { inTransaction, type Db, type Tx } from '../../infra/db/index.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import { blobPrefixOf, originalsPrefixOf } from './media-urls.ts'
import * as queries from './videos.queries.ts'

interface VideoJob {
  readonly videoId: string
}

/** A new moment was chosen for the cover: modules/transcoding makes the poster anew. */
export const coverQueue: Queue<VideoJob> = { name: 'video-cover', retryLimit: 5 }

/** A file that a manifest names was missing when someone asked for it: modules/transcoding looks at once. */
export const missingFileQueue: Queue<VideoJob> = {
  name: 'video-missing-file',
  retryLimit: 3,
  isUniqueByKey: true,
}

/** A video was published by itself, or could not be made: modules/uploads tells its owner. */
export const videoSettledQueue: Queue<VideoJob & { readonly outcome: 'published' | 'failed' }> = {
  name: 'video-settled',
  retryLimit: 10,
}

/** A video was published whose caption mentions people: modules/notifications tells them. */
export const captionMentionsQueue: Queue<VideoJob> = { name: 'video-caption-mentions', retryLimit: 10 }

const eraseQueue: Queue<VideoJob> = { name: 'video-erase', retryLimit: 20, retryDelayS: 30 }
const pruneQueue: Queue<VideoJob> = { name: 'video-prune', retryLimit: 20, retryDelayS: 30 }

/** An encoder that was at work when the video was deleted may write for as long as its job can last. */
const ERASE_AGAIN_AFTER_S = 3600
/** Players that have an old playlist go on with it for this long. */
const RETIRED_KEPT_S = 24 * 3600

/** The database says when the job begins, our clock whether the day is over. */
const CLOCKS_DIFFER_S = 60

/** Has the files removed once the transaction commits, and once more when no encoder can be at work on them. */
export async function enqueueErase(ctx: Ctx, tx: Db | Tx, videoId: string): Promise<void> {
  await ctx.jobs.enqueue(tx, eraseQueue, { videoId })
  await ctx.jobs.enqueue(tx, eraseQueue, { videoId }, { startAfterS: ERASE_AGAIN_AFTER_S })
}

/** Has the files of replaced generations removed after a day. */
export async function enqueuePrune(ctx: Ctx, tx: Db | Tx, videoId: string): Promise<void> {
  await ctx.jobs.enqueue(tx, pruneQueue, { videoId }, { startAfterS: RETIRED_KEPT_S + CLOCKS_DIFFER_S })
}

/** Removes all files of a deleted video. Idempotent; does nothing to one that is not deleted. */
export async function eraseVideo(ctx: Ctx, videoId: string): Promise<void> {
  const video = await queries.findVideo(ctx.db, videoId)
  if (video && video.deleted_at === null) return
  await ctx.blobs.deletePrefix(blobPrefixOf(videoId))
  await ctx.blobs.deletePrefix(originalsPrefixOf(videoId))
  const now = ctx.clock.now()
  if (video) await queries.updateVideo(ctx.db, videoId, { erased_at: now, updated_at: now })
}

/** Removes generations retired for a day, but for those renditions that newer generations reuse. Idempotent. */
export async function pruneGenerations(ctx: Ctx, videoId: string): Promise<void> {
  const before = ctx.clock.now().getTime() - RETIRED_KEPT_S * 1000
  const generations = await queries.listAllGenerations(ctx.db, videoId)
  const isPast = (row: (typeof generations)[number]) => (row.retiredAt?.getTime() ?? Infinity) <= before
  const past = generations.filter(isPast)
  const foldersOf = (rows: typeof generations) =>
    rows.flatMap(({ manifest }) =>
      [...manifest.videos, ...(manifest.audio ? [manifest.audio] : [])].map(
        (rendition) => `g${rendition.generation}/${rendition.id}`,
      ),
    )
  const kept = new Set(foldersOf(generations.filter((row) => !isPast(row))))
  for (const folder of new Set(foldersOf(past)))
    if (!kept.has(folder)) await ctx.blobs.deletePrefix(`${blobPrefixOf(videoId)}/${folder}`)
  await inTransaction(ctx, async (tx) => {
    for (const { generation } of past) await queries.deleteGeneration(tx, videoId, generation)
    // Retired after this job was asked for, or by a clock that is ahead.
    if (generations.some((row) => row.retiredAt !== null && !isPast(row)))
      await enqueuePrune(ctx, tx, videoId)
  })
}

/** Runs the jobs of videos here until the context closes. */
export async function startVideoJobs(ctx: Ctx): Promise<void> {
  await ctx.jobs.work(eraseQueue, {}, ({ data }) => eraseVideo(ctx, data.videoId))
  await ctx.jobs.work(pruneQueue, {}, ({ data }) => pruneGenerations(ctx, data.videoId))
}
