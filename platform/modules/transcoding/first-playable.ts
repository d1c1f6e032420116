/** The lane *first-playable*: from a whole original to the first generation, by copying or by one rung. */
import {
  copyArguments,
  copyLimits,
  encodeArguments,
  audioArguments,
  judgeDuration,
  type Demuxer,
  type LadderPlan,
  type SourceInput,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { FfmpegError, HANDED_FILE } from '../../infra/ffmpeg/index.ts'
import { findVideo, originalKeyOf, recordGeneration } from '../videos/index.ts'
import { claimWork, type Claim } from './claims.ts'
import { encodeIntoBlobs, refuseVideo } from './encoding.ts'
import { inspectFile, limitsOf } from './inspection.ts'
import { judgeOriginal, settleWithoutOriginal } from './originals.ts'
import { makePoster } from './pictures.ts'
import { AUDIO_ID, composeManifest, countFinished, HeaderChangedError, type Sink } from './renditions.ts'
import { askFor, type TranscodeJob } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'

/** While an upload arrives nothing was made before. */
export const FIRST_GENERATION = 1

export interface Work {
  /** The number under which the first generation is made. */
  readonly generation: number
  readonly demuxer: Demuxer
  readonly mode: 'copy' | 'encode'
  readonly plan: LadderPlan
}

/**
 * Makes a video playable from its whole original. Idempotent; goes on after the segments that are there.
 *
 * @throws {FfmpegError} when the work was cut off or could not be done for no fault of the source.
 */
export async function makeFirstPlayable(ctx: Ctx, job: TranscodeJob, signal: AbortSignal): Promise<void> {
  const { videoId, accountId } = job
  await queries.ensureTranscode(ctx.db, { videoId, accountId, at: ctx.clock.now() })
  await using claim = await claimWork(ctx, videoId, signal)
  if (!claim) throw new FfmpegError('cancelled', 'It was cancelled while another worked on the video.')
  const held = AbortSignal.any([signal, claim.signal])
  const video = await findVideo(ctx.db, videoId)
  if (!video || video.deleted_at || video.failed_at || video.generation !== null) return
  const known = await queries.findTranscode(ctx.db, videoId)
  const generation = known?.firstGeneration ?? FIRST_GENERATION
  // What was lost once is not made again from an original that was lost with it.
  const original = await judgeOriginal(ctx, videoId, { isReadThrough: generation > FIRST_GENERATION })
  if (original !== 'there')
    return await settleWithoutOriginal(ctx, videoId, { state: original, playableHeight: null })
  const file = pathOfOriginal(ctx, videoId)
  const work = await settleWork(ctx, videoId, file, held)
  if (!work) return
  if (work.mode === 'copy') {
    const run = { videoId, generation, plan: work.plan, file, durationMs: null, signal: held }
    const input: SourceInput = { from: 'file', demuxer: work.demuxer, path: HANDED_FILE }
    const sinks = await encodeIntoBlobs(ctx, { ...run, job: copyArguments(input, work.plan, limitsOf(ctx)) })
    if (isGoodCopy(sinks)) return void (await publishFirst(ctx, job, work, { claim }))
    await giveUpCopy(ctx, videoId, work, sinks)
  }
  await encodeFirstRung(ctx, job, work, file, held)
  await publishFirst(ctx, job, { ...work, mode: 'encode' }, { claim })
}

/**
 * Records the first generation, asks for the rest, lets it begin, and makes the poster if there is none.
 *
 * @param poster that is in the making: nobody waits for it before the video plays.
 * @returns false when the source was refused after all.
 */
export async function publishFirst(
  ctx: Ctx,
  job: TranscodeJob,
  work: Work,
  { claim, poster }: { readonly claim: Claim; readonly poster?: Promise<void> | undefined },
): Promise<boolean> {
  const { videoId } = job
  const journal = await queries.listRenditions(ctx.db, videoId)
  const isWanted = ({ rendition, generation }: (typeof journal)[number]) =>
    generation === work.generation &&
    (work.mode === 'copy' || rendition === AUDIO_ID || rendition === work.plan.firstRung.id)
  const isShown = journal.some((of) => of.track.kind === 'video' && isWanted(of) && of.segments.length > 0)
  if (!isShown) {
    const reason = 'None of its frames could be decoded: they are damaged.'
    await refuseVideo(ctx, videoId, { code: 'video-unreadable', reason })
    return false
  }
  const kind = work.mode === 'copy' ? 'copied' : 'first-rung'
  const manifest = composeManifest(journal, work.plan, { generation: work.generation, kind }, isWanted)
  const tooLong = judgeDuration(manifest.durationMs, limitsOf(ctx))
  if (tooLong) {
    await refuseVideo(ctx, videoId, tooLong)
    return false
  }
  await inTransaction(ctx, async (tx) => {
    await recordGeneration(ctx, tx, { videoId, manifest })
    await askFor(ctx, tx, 'improve', job)
  })
  ctx.log.info({ videoId, kind }, 'transcoding.playable')
  await claim.release()
  await poster
  await ensurePoster(ctx, videoId, manifest.videos[0]!)
  return true
}

/**
 * A copy is kept only if each of its segments stands alone, none is long, and all together are no heavier than players
 * bear: the index may have lied, or there was none.
 */
export function isGoodCopy(sinks: readonly Sink[]): boolean {
  const [picture] = sinks
  return (
    picture !== undefined &&
    picture.isIndependent &&
    picture.longestMs <= copyLimits.maxKeyframeGapS * 1000 + 2000 &&
    // Fragments add up to some percent to what the source says of itself.
    picture.storedBytes * 8000 <= copyLimits.maxBitrateBps * 1.05 * Math.max(1000, picture.storedMs)
  )
}

/** What was copied is forgotten, so that it is not taken for a rung of the same size; from now on it is to be encoded. */
export async function giveUpCopy(
  ctx: Ctx,
  videoId: string,
  work: Work,
  sinks: readonly Sink[],
): Promise<void> {
  for (const { key } of sinks) await queries.forgetFrom(ctx.db, key, 0)
  await queries.savePlan(ctx.db, videoId, { ...work, mode: 'encode', at: ctx.clock.now() })
}

/** Where the original lies as a file. @throws {Error} when the blob store has none. */
export function pathOfOriginal(ctx: Ctx, videoId: string): string {
  const path = ctx.blobs.localPath(originalKeyOf(videoId))
  if (path === null) throw new Error('The encoder needs originals on a local disk.')
  return path
}

/** What was decided while the bytes arrived, or what the whole file says. Null: refused. */
async function settleWork(
  ctx: Ctx,
  videoId: string,
  path: string,
  signal: AbortSignal,
): Promise<Work | null> {
  const known = await queries.findTranscode(ctx.db, videoId)
  const generation = known?.firstGeneration ?? FIRST_GENERATION
  if (known?.plan && known.demuxer && known.mode)
    return { plan: known.plan, demuxer: known.demuxer, mode: known.mode, generation }
  const found = await inspectFile(ctx, path, signal)
  if (found.kind === 'refused') {
    await refuseVideo(ctx, videoId, found.refusal)
    return null
  }
  await queries.savePlan(ctx.db, videoId, { ...found, at: ctx.clock.now() })
  return { ...found, generation }
}

async function encodeFirstRung(
  ctx: Ctx,
  { videoId }: TranscodeJob,
  { plan, demuxer, generation }: Work,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const journal = await queries.listRenditions(ctx.db, videoId)
  const key = { videoId, generation, rendition: plan.firstRung.id }
  const isWhole = (rendition: string) =>
    journal.some((of) => of.generation === generation && of.rendition === rendition && of.isWhole)
  const base = { videoId, generation, plan, file, durationMs: null, signal }
  const input: SourceInput = { from: 'file', demuxer, path: HANDED_FILE }
  const options = { input, plan, limits: limitsOf(ctx), rungs: [plan.firstRung] }
  // The last segment is made once more: entering after it would give an empty run.
  const from = isWhole(key.rendition) ? 0 : Math.max(0, countFinished(journal, [key], plan) - 1)
  if (from === 0) {
    if (isWhole(key.rendition) && (plan.audio.mode === 'none' || isWhole(AUDIO_ID))) return
    await encodeIntoBlobs(ctx, { ...base, job: encodeArguments({ ...options, withAudio: true }) })
    return
  }
  try {
    await queries.forgetFrom(ctx.db, key, from)
    const job = encodeArguments({ ...options, withAudio: false, skipSegments: from })
    await encodeIntoBlobs(ctx, { ...base, job, from })
  } catch (error) {
    if (!(error instanceof FfmpegError && error.cause instanceof HeaderChangedError)) throw error
    await encodeIntoBlobs(ctx, { ...base, job: encodeArguments({ ...options, withAudio: true }) })
    return
  }
  if (plan.audio.mode !== 'none' && !isWhole(AUDIO_ID))
    await encodeIntoBlobs(ctx, { ...base, job: audioArguments(input, plan, limitsOf(ctx)) })
}

/** A video without a poster is still a video: a failure is logged, and the reconciler tries again. */
async function ensurePoster(ctx: Ctx, videoId: string, of: Parameters<typeof makePoster>[2]): Promise<void> {
  const video = await findVideo(ctx.db, videoId)
  const firstMs = of.segments[0]?.durationMs ?? 0
  // While the bytes arrived, only the first segment was there to choose from.
  const isChosen = video?.poster_version !== null && (video?.cover_at_ms ?? 0) < firstMs
  if (isChosen) return
  await makePoster(ctx, videoId, of).catch((error: unknown) =>
    ctx.log.warn({ err: error, videoId }, 'transcoding.no-poster'),
  )
}
