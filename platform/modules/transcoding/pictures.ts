/** Poster, placeholder and preview: made of segments that we encoded ourselves, never of the source. */
import { rgbaToThumbHash } from 'thumbhash'
import {
  concat,
  INIT_NAME,
  previewArguments,
  segmentName,
  stillArguments,
  type VideoRendition,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { runFfmpeg } from '../../infra/ffmpeg/index.ts'
import { findVideo, posterKeyOf, previewKeyOf, recordPictures, segmentKeyOf } from '../videos/index.ts'

const LIMITS = { timeoutMs: 30_000, cpuS: 30, outputBytes: 20 * 1024 * 1024 }

/** The first moment is often black or blurred. */
const DEFAULT_COVER_AT_MS = 500
const FRAME_MS = 50

type Source = Pick<VideoRendition, 'id' | 'generation' | 'width' | 'height'> & {
  readonly segments: readonly { readonly durationMs: number }[]
}

/** Makes poster and placeholder of the moment that the author chose, if it is there yet. Idempotent but for the version. */
export async function makePoster(ctx: Ctx, videoId: string, of: Source): Promise<void> {
  const video = await findVideo(ctx.db, videoId)
  if (!video || video.deleted_at) return
  const { index, atMs } = findMoment(of, video.cover_at_ms ?? DEFAULT_COVER_AT_MS)
  const bytes = await readSegments(ctx, videoId, of, [index])
  const { args, tiny } = stillArguments({ width: of.width, height: of.height, atMs })
  const poster: Uint8Array[] = []
  const pixels: Uint8Array[] = []
  await runFfmpeg({
    args,
    limits: LIMITS,
    stdin: once(bytes),
    outputs: [(chunk) => void poster.push(chunk), (chunk) => void pixels.push(chunk)],
  })
  const posterVersion = (video.poster_version ?? 0) + 1
  await ctx.blobs.put(posterKeyOf(videoId, posterVersion), concat(poster))
  const placeholder = Buffer.from(rgbaToThumbHash(tiny.width, tiny.height, concat(pixels))).toString('base64')
  await inTransaction(ctx, (tx) => recordPictures(ctx, tx, { videoId, posterVersion, placeholder }))
}

/** Makes the animated preview of the first three seconds, if it is not there. */
export async function makePreview(
  ctx: Ctx,
  videoId: string,
  of: Source & { fps: number | null },
): Promise<void> {
  const video = await findVideo(ctx.db, videoId)
  if (!video || video.deleted_at) return
  const current = video.preview_version
  if (current !== null && (await ctx.blobs.stat(previewKeyOf(videoId, current)))) return
  const bytes = await readSegments(ctx, videoId, of, of.segments.length > 1 ? [0, 1] : [0])
  const preview: Uint8Array[] = []
  await runFfmpeg({
    args: previewArguments({ width: of.width, height: of.height, fps: of.fps ?? 30 }),
    limits: LIMITS,
    nice: 10,
    stdin: once(bytes),
    outputs: [(chunk) => void preview.push(chunk)],
  })
  const previewVersion = (current ?? 0) + 1
  await ctx.blobs.put(previewKeyOf(videoId, previewVersion), concat(preview))
  await inTransaction(ctx, (tx) => recordPictures(ctx, tx, { videoId, previewVersion }))
}

/** In which segment a moment lies, and where in it; a moment after the end is the last frame. */
function findMoment(of: Source, wantedMs: number): { index: number; atMs: number } {
  let startMs = 0
  for (const [index, { durationMs }] of of.segments.entries()) {
    const isLast = index === of.segments.length - 1
    if (wantedMs < startMs + durationMs || isLast) {
      const atMs = Math.max(0, Math.min(wantedMs - startMs, durationMs - FRAME_MS))
      // A segment of a frame or two: its first frame.
      return { index, atMs: durationMs < 2 * FRAME_MS ? 0 : atMs }
    }
    startMs += durationMs
  }
  return { index: 0, atMs: 0 }
}

async function readSegments(ctx: Ctx, videoId: string, of: Source, indexes: number[]): Promise<Uint8Array> {
  const names = [INIT_NAME, ...indexes.map(segmentName)]
  const parts = await Promise.all(
    names.map(async (name) => {
      const bytes = await ctx.blobs.readAll(segmentKeyOf(videoId, of.generation, of.id, name))
      if (!bytes) throw new Error(`${name} of ${of.id} of video ${videoId} is not among the blobs.`)
      return bytes
    }),
  )
  return concat(parts)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
