/** The lane *improve*: the whole ladder as generation 2, from one decode, reusing what generation 1 has. */
import {
  encodeArguments,
  measureBandwidth,
  type Rung,
  type SourceInput,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { FfmpegError } from '../../infra/ffmpeg/index.ts'
import { findVideo, listGenerations, recordComplete, recordGeneration } from '../videos/index.ts'
import { claimWork } from './claims.ts'
import { encodeIntoBlobs } from './encoding.ts'
import { FIRST_GENERATION, pathOfOriginal } from './first-playable.ts'
import { limitsOf } from './inspection.ts'
import { makePreview } from './pictures.ts'
import { AUDIO_ID, composeManifest, countFinished, HeaderChangedError } from './renditions.ts'
import type { TranscodeJob } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'
import type { Transcode } from './transcoding.queries.ts'

const LADDER_GENERATION = 2
const NICE = 10
/** A copy up to this much above its only rung's peak is as good as that rung. */
const COPY_IS_ENOUGH = 1.5

/**
 * Completes a video that can be played already. Idempotent; goes on after the segments that are there.
 *
 * @throws {FfmpegError} when the work was cut off or could not be done.
 */
export async function improveVideo(ctx: Ctx, job: TranscodeJob, signal: AbortSignal): Promise<void> {
  const { videoId } = job
  await using claim = await claimWork(ctx, videoId, signal)
  if (!claim) throw new FfmpegError('cancelled', 'It was cancelled while another worked on the video.')
  const video = await findVideo(ctx.db, videoId)
  const known = await queries.findTranscode(ctx.db, videoId)
  if (!video || video.deleted_at || video.is_complete || video.generation === null || !known?.plan) return
  const first = (await listGenerations(ctx.db, videoId)).find((row) => row.generation === FIRST_GENERATION)
  const rungs = first ? missingRungs(known, first.manifest.videos[0]!) : known.plan.rungs
  if (rungs.length > 0)
    await encodeLadder(ctx, known, rungs, video.duration_ms, AbortSignal.any([signal, claim.signal]))
  else await inTransaction(ctx, (tx) => recordComplete(ctx, tx, videoId))
  if (first)
    await makePreview(ctx, videoId, first.manifest.videos[0]!).catch((error: unknown) =>
      ctx.log.warn({ err: error, videoId }, 'transcoding.no-preview'),
    )
}

function missingRungs({ mode, plan }: Transcode, copy: Parameters<typeof isEnough>[0]): readonly Rung[] {
  const { rungs, firstRung } = plan!
  if (mode === 'encode') return rungs.filter((rung) => rung.id !== firstRung.id)
  return rungs.length === 1 && isEnough(copy, rungs[0]!) ? [] : rungs
}

function isEnough(copy: { segments: Parameters<typeof measureBandwidth>[0] }, rung: Rung): boolean {
  return measureBandwidth(copy.segments).averageBps <= rung.maxrateBps * COPY_IS_ENOUGH
}

async function encodeLadder(
  ctx: Ctx,
  known: Transcode,
  rungs: readonly Rung[],
  durationMs: number | null,
  signal: AbortSignal,
): Promise<void> {
  const { videoId, mode } = known
  const plan = known.plan!
  const input: SourceInput = { from: 'file', demuxer: known.demuxer!, path: pathOfOriginal(ctx, videoId) }
  const keys = rungs.map((rung) => ({ videoId, generation: LADDER_GENERATION, rendition: rung.id }))
  const journal = await queries.listRenditions(ctx.db, videoId)
  const areAllWhole = keys.every((key) =>
    journal.some((of) => of.isWhole && of.generation === key.generation && of.rendition === key.rendition),
  )
  const encodeFrom = async (from: number) => {
    for (const key of keys) await queries.forgetFrom(ctx.db, key, from)
    const options = { input, plan, limits: limitsOf(ctx), rungs, withAudio: false, skipSegments: from }
    const run = { videoId, generation: LADDER_GENERATION, plan, durationMs, from, nice: NICE, signal }
    await encodeIntoBlobs(ctx, { ...run, job: encodeArguments(options) })
  }
  if (!areAllWhole) {
    // The last segment is made once more: entering after it would give an empty run.
    const from = Math.max(0, countFinished(journal, keys, plan) - 1)
    await encodeFrom(from).catch((error: unknown) => {
      if (!(error instanceof FfmpegError && error.cause instanceof HeaderChangedError)) throw error
      return encodeFrom(0)
    })
  }
  const manifest = composeManifest(
    await queries.listRenditions(ctx.db, videoId),
    plan,
    { generation: LADDER_GENERATION, kind: 'ladder' },
    ({ generation, rendition }) =>
      generation === LADDER_GENERATION ||
      rendition === AUDIO_ID ||
      (mode === 'encode' && rendition === plan.firstRung.id),
  )
  await inTransaction(ctx, (tx) => recordGeneration(ctx, tx, { videoId, manifest }))
  ctx.log.info({ videoId, renditions: manifest.videos.length }, 'transcoding.complete')
}
