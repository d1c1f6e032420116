/** One run of the encoder into the blobs, and what its bad end means for the video. */
import type { FfmpegJob, LadderPlan } from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { runFfmpeg, type RunInput } from '../../infra/ffmpeg/index.ts'
import { recordFailure, recordProgress } from '../videos/index.ts'
import { createSink, type Sink, type SinkOptions } from './renditions.ts'
import { limitsOf } from './inspection.ts'

export interface EncodeRun extends Pick<RunInput, 'file' | 'stdin' | 'nice' | 'shareNow' | 'signal'> {
  readonly videoId: string
  readonly generation: number
  readonly plan: LadderPlan
  readonly job: FfmpegJob
  /** The position of the first segment. @default 0 */
  readonly from?: number
  /** Of the source; null: unknown. */
  readonly durationMs: number | null
  /** @default enough for the slowest machine that can serve a video at all */
  readonly timeoutMs?: number
  readonly onSegment?: SinkOptions['onSegment']
}

const PROGRESS_EVERY_MS = 1_000
/** The encoder's speed counts from its start, before anything is made: at first it is next to nothing. */
const ESTIMATE_AFTER_MADE_MS = 1_000
const ESTIMATE_AFTER_WORK_MS = 3_000

/**
 * Runs the encoder; every finished segment is kept, whatever happens after it.
 *
 * @throws {FfmpegError}
 */
export async function encodeIntoBlobs(ctx: Ctx, run: EncodeRun): Promise<Sink[]> {
  const seconds = run.durationMs === null ? limitsOf(ctx).maxDurationS : run.durationMs / 1000
  const { videoId, generation, plan, from = 0 } = run
  const sinks = run.job.outputs.map((output) =>
    createSink(ctx, {
      videoId,
      generation,
      plan,
      output,
      from,
      ...(run.onSegment && { onSegment: run.onSegment }),
    }),
  )
  // What is written late must not get between the files of the next try.
  await using _written = { [Symbol.asyncDispose]: async () => void (await settleAll(sinks)) }
  const { cpuS } = await runFfmpeg({
    args: run.job.args,
    limits: {
      timeoutMs: run.timeoutMs ?? 120_000 + seconds * 30_000,
      cpuS: 60 + seconds * 30,
      outputBytes: 64 * 1024 * 1024 + seconds * 8 * 1024 * 1024,
    },
    outputs: sinks.map((sink) => (chunk) => sink.consume(chunk)),
    onProgress: throttleProgress(ctx, run),
    ...(run.file && { file: run.file }),
    ...(run.stdin && { stdin: run.stdin }),
    ...(run.nice && { nice: run.nice }),
    ...(run.shareNow && { shareNow: run.shareNow }),
    ...(run.signal && { signal: run.signal }),
  })
  for (const sink of sinks) await sink.finish()
  ctx.log.info({ videoId, generation, outputs: sinks.length, cpuS }, 'transcoding.encoded')
  return sinks
}

const settleAll = (sinks: readonly Sink[]) => Promise.all(sinks.map((sink) => sink.settle()))

/** Records the failure of a source: what is wrong with it, by a code of the errors' table. */
export async function refuseVideo(
  ctx: Ctx,
  videoId: string,
  refusal: { readonly code: string; readonly reason: string },
): Promise<void> {
  await inTransaction(ctx, (tx) =>
    recordFailure(ctx, tx, { videoId, code: refusal.code, reason: refusal.reason }),
  )
  ctx.log.info({ videoId, code: refusal.code }, 'transcoding.refused')
}

/** How long the rest takes, at the speed so far (film time by work time); null as long as that tells nothing. */
export function estimateTimeLeftS(so: {
  readonly leftMs: number
  readonly madeMs: number
  readonly workedMs: number
  readonly speed: number | null
}): number | null {
  if (!so.speed || so.madeMs < ESTIMATE_AFTER_MADE_MS || so.workedMs < ESTIMATE_AFTER_WORK_MS) return null
  return so.leftMs / 1000 / so.speed
}

function throttleProgress(ctx: Ctx, run: EncodeRun): RunInput['onProgress'] {
  const { durationMs, videoId, plan, from = 0 } = run
  if (durationMs === null || run.stdin) return undefined
  const skippedMs = (from * plan.gopFrames * plan.fps.den * 1000) / plan.fps.num
  const startedAtMs = ctx.clock.monotonicMs()
  let toldAtMs = -Infinity
  return ({ outTimeMs, speed }) => {
    const nowMs = ctx.clock.monotonicMs()
    if (outTimeMs === null || nowMs - toldAtMs < PROGRESS_EVERY_MS) return
    toldAtMs = nowMs
    const doneMs = Math.min(durationMs, skippedMs + outTimeMs)
    const timeLeftS = estimateTimeLeftS({
      leftMs: durationMs - doneMs,
      madeMs: outTimeMs,
      workedMs: nowMs - startedAtMs,
      speed,
    })
    // A number on a page: when it can't be written, the work goes on.
    recordProgress(ctx, ctx.db, { videoId, progress: doneMs / durationMs, timeLeftS }).catch(
      (error: unknown) => ctx.log.warn({ err: error, videoId }, 'transcoding.progress-lost'),
    )
  }
}
