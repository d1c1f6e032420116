/** Mends one video: what its rows say is made to agree with the files that there are. */
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import {
  clearFailure,
  discardGenerations,
  findVideo,
  listAllGenerations,
  posterKeyOf,
  previewKeyOf,
  restoreGeneration,
} from '../videos/index.ts'
import { checkArtefacts, type CheckDepth } from './artefact-check.ts'
import { judgeOriginal } from './originals.ts'
import { makePoster, makePreview } from './pictures.ts'
import * as queries from './reconcile.queries.ts'
import { askFor } from './transcoding.jobs.ts'

export interface MendResult {
  /** Whether all was as it should be. */
  readonly isSound: boolean
  readonly readBytes: number
}

/** Those retired for longer may be on their way out just now. */
const RETIRED_CHECKED_MS = 23 * 3_600_000
const POSTER_DUE_MS = 60_000

type Video = NonNullable<Awaited<ReturnType<typeof findVideo>>>
type Generation = Awaited<ReturnType<typeof listAllGenerations>>[number]

/**
 * Looks whether a video's files are there (or reads them all), and mends what is not: generations with missing or rotten
 * files are discarded, an older one is played if it is whole, and the rest is asked for from the original. What a disk
 * gave back is taken into use again. Idempotent.
 */
export async function mendVideo(ctx: Ctx, videoId: string, depth: CheckDepth): Promise<MendResult> {
  const video = await findVideo(ctx.db, videoId)
  // Read before the files are listed: a generation is recorded after its files.
  const rows = await listAllGenerations(ctx.db, videoId)
  if (!video || video.deleted_at) return { isSound: true, readBytes: 0 }
  const oldest = ctx.clock.now().getTime() - RETIRED_CHECKED_MS
  const used = rows.filter((row) => !row.brokenAt && (row.retiredAt?.getTime() ?? Infinity) > oldest)
  const manifests = used.map((row) => row.manifest)
  const { brokenGenerations, readBytes } = await checkArtefacts(ctx, videoId, manifests, depth)
  if (brokenGenerations.length > 0) await discard(ctx, video, brokenGenerations)
  else if (video.generation === null) await takeBack(ctx, video, rows)
  else await mendPictures(ctx, video, used)
  return { isSound: brokenGenerations.length === 0, readBytes }
}

async function discard(ctx: Ctx, video: Video, generations: readonly number[]): Promise<void> {
  const job = { videoId: video.id, accountId: video.account_id }
  const played = await inTransaction(ctx, async (tx) => {
    const next = await discardGenerations(ctx, tx, { videoId: job.videoId, generations })
    // One that was retired anyway is not made again.
    if (next === undefined || next === video.generation) return next
    // What stood in the way of better qualities is judged anew: now there is nothing to play.
    if (next === null) await clearFailure(ctx, tx, job.videoId)
    await queries.beginAnew(tx, job.videoId, next === null ? 'all' : 'ladder')
    await askFor(ctx, tx, next === null ? 'first-playable' : 'improve', job)
    return next
  })
  ctx.log.error({ videoId: job.videoId, generations, played }, 'transcoding.files-lost')
}

/** When nothing is played: what was discarded and is whole again, else the original if that is there again. */
async function takeBack(ctx: Ctx, video: Video, rows: readonly Generation[]): Promise<void> {
  const { id: videoId, account_id: accountId } = video
  for (const { manifest, brokenAt } of rows) {
    if (!brokenAt) continue
    const { brokenGenerations } = await checkArtefacts(ctx, videoId, [manifest], 'presence')
    if (brokenGenerations.length > 0) continue
    const read = await checkArtefacts(ctx, videoId, [manifest], 'contents')
    if (read.brokenGenerations.length > 0) continue
    const { generation } = manifest
    if (await inTransaction(ctx, (tx) => restoreGeneration(ctx, tx, { videoId, generation })))
      ctx.log.info({ videoId, generation }, 'transcoding.files-back')
    return
  }
  if (video.failure_code !== 'video-lost') return
  if ((await judgeOriginal(ctx, videoId, { isReadThrough: false })) !== 'there') return
  if ((await judgeOriginal(ctx, videoId, { isReadThrough: true })) !== 'there') return
  await inTransaction(ctx, async (tx) => {
    await clearFailure(ctx, tx, videoId)
    await askFor(ctx, tx, 'first-playable', { videoId, accountId })
  })
  ctx.log.info({ videoId }, 'transcoding.original-back')
}

async function mendPictures(ctx: Ctx, video: Video, rows: readonly Generation[]): Promise<void> {
  const { id: videoId, poster_version: poster, preview_version: preview } = video
  const of = rows.find((row) => row.generation === video.generation)?.manifest.videos[0]
  if (!of) return
  // Whoever has just changed it may be making the poster now.
  const isSettled = ctx.clock.now().getTime() - video.updated_at.getTime() > POSTER_DUE_MS
  if (poster === null ? isSettled : !(await ctx.blobs.stat(posterKeyOf(videoId, poster))))
    await makePoster(ctx, videoId, of)
  if (preview !== null && !(await ctx.blobs.stat(previewKeyOf(videoId, preview))))
    await makePreview(ctx, videoId, of)
}
