/** The lane *improve*: the whole ladder as one more generation, from one decode, reusing what the first one has. */
import {
  encodeArguments,
  measureBandwidth,
  type MediaManifest,
  type Rung,
  type SourceInput,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { FfmpegError, HANDED_FILE } from '../../infra/ffmpeg/index.ts'
import { findVideo, listGenerations, recordComplete, recordGeneration } from '../videos/index.ts'
import { claimWork } from './claims.ts'
import { encodeIntoBlobs } from './encoding.ts'
import { pathOfOriginal } from './first-playable.ts'
import { limitsOf } from './inspection.ts'
import { judgeOriginal, settleWithoutOriginal } from './originals.ts'
import { makePreview } from './pictures.ts'
import { composeManifest, countFinished, HeaderChangedError } from './renditions.ts'
import type { TranscodeJob } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'
import type { Transcode } from './transcoding.queries.ts'

const NICE = 10
/** Of the time, while other things have to come first. */
const REDUCED_SHARE = 0.2
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
  if (!video || video.deleted_at || video.failed_at || video.is_complete || !known?.plan) return
  const generations = await listGenerations(ctx.db, videoId)
  const base = generations.find((row) => row.generation === video.generation)?.manifest
  if (!base) return
  const rungs = missingRungs(known, base)
  let best = base
  if (rungs.length === 0) await inTransaction(ctx, (tx) => recordComplete(ctx, tx, videoId))
  else {
    const original = await judgeOriginal(ctx, videoId, { isReadThrough: isSecondTry(known) })
    if (original !== 'there')
      return await settleWithoutOriginal(ctx, videoId, {
        state: original,
        playableHeight: video.playable_height,
      })
    best = await encodeLadder(ctx, known, { base, rungs, signal: AbortSignal.any([signal, claim.signal]) })
  }
  // Of the smallest rendition: a full picture would be decoded only to be made small.
  await makePreview(ctx, videoId, best.videos.at(-1)!).catch((error: unknown) =>
    ctx.log.warn({ err: error, videoId }, 'transcoding.no-preview'),
  )
}

/** Numbers go up when files were lost: then the original may have suffered too. */
const isSecondTry = ({ ladderGeneration }: Transcode) => ladderGeneration > 2

function missingRungs({ mode, plan }: Transcode, base: MediaManifest): readonly Rung[] {
  const { rungs } = plan!
  if (mode === 'encode') return rungs.filter((rung) => !base.videos.some((of) => of.id === rung.id))
  return rungs.length === 1 && isEnough(base.videos[0]!, rungs[0]!) ? [] : rungs
}

function isEnough(copy: { segments: Parameters<typeof measureBandwidth>[0] }, rung: Rung): boolean {
  return measureBandwidth(copy.segments).averageBps <= rung.maxrateBps * COPY_IS_ENOUGH
}

interface LadderWork {
  /** What is played meanwhile: its sound, and its picture if that was encoded, are part of the ladder. */
  readonly base: MediaManifest
  readonly rungs: readonly Rung[]
  readonly signal: AbortSignal
}

/** @returns what is played from now on. */
async function encodeLadder(
  ctx: Ctx,
  known: Transcode,
  { base, rungs, signal }: LadderWork,
): Promise<MediaManifest> {
  const { videoId, mode, ladderGeneration: generation } = known
  const plan = known.plan!
  const input: SourceInput = { from: 'file', demuxer: known.demuxer!, path: HANDED_FILE }
  const file = pathOfOriginal(ctx, videoId)
  const keys = rungs.map((rung) => ({ videoId, generation, rendition: rung.id }))
  const journal = await queries.listRenditions(ctx.db, videoId)
  const areAllWhole = keys.every((key) =>
    journal.some((of) => of.isWhole && of.generation === key.generation && of.rendition === key.rendition),
  )
  const encodeFrom = async (from: number) => {
    for (const key of keys) await queries.forgetFrom(ctx.db, key, from)
    const options = { input, plan, limits: limitsOf(ctx), rungs, withAudio: false, skipSegments: from }
    const shareNow = () => (ctx.steward.modeOf('processing') === 'on' ? 1 : REDUCED_SHARE)
    const { durationMs } = base
    const run = { videoId, generation, plan, file, durationMs, from, nice: NICE, shareNow, signal }
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
  const made = composeManifest(
    await queries.listRenditions(ctx.db, videoId),
    plan,
    { generation, kind: 'ladder' },
    (rendition) => rendition.generation === generation,
  )
  const ladder = joinLadder(made, base, mode === 'encode')
  await publishLadder(ctx, videoId, base, ladder)
  return ladder
}

/** Puts the new rungs and what is kept of the base together, the best first. */
function joinLadder(made: MediaManifest, base: MediaManifest, keepsPicture: boolean): MediaManifest {
  const videos = [...made.videos, ...(keepsPicture ? base.videos : [])].toSorted(
    (a, b) => b.width * b.height - a.width * a.height,
  )
  const { width, height } = videos[0]!
  return { ...made, videos, audio: base.audio, width, height }
}

async function publishLadder(
  ctx: Ctx,
  videoId: string,
  base: MediaManifest,
  manifest: MediaManifest,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await recordGeneration(ctx, tx, { videoId, manifest })
    // The row is locked from here on: what was discarded meanwhile is no part of it.
    const kept = await listGenerations(tx, videoId)
    if (!kept.some((row) => row.generation === base.generation))
      throw new Error(`Generation ${base.generation} was lost while the ladder was made on it.`)
  })
  ctx.log.info({ videoId, renditions: manifest.videos.length }, 'transcoding.complete')
}
