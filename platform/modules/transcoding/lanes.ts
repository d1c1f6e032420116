/** The two lanes of jobs, and what becomes of a job that ended badly. */
import { availableParallelism } from 'node:os'
import { runBehind } from '../../../kit/admission/index.ts'
import { createEncoderDoor } from '../../app/admission.ts'
import type { Ctx } from '../../app/context.ts'
import { inTransaction, type Db, type Tx } from '../../infra/db/index.ts'
import { FfmpegError, isOutOfSpace } from '../../infra/ffmpeg/index.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import { coverQueue, findVideo, listGenerations, missingFileQueue, recordWait } from '../videos/index.ts'
import { refuseVideo } from './encoding.ts'
import { makeFirstPlayable } from './first-playable.ts'
import { improveVideo } from './improve.ts'
import { startWhileWanted, watchBacklog } from './governing.ts'
import { mendVideo } from './mending.ts'
import { makePoster } from './pictures.ts'
import { startReconciler } from './reconcile.ts'
import { askFor, lanes, type Lane, type TranscodeJob } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'

/** Crashes of the encoder by one source before that is left alone. */
const CRASHES_MAX = 2
/** A full disk is looked at again after this. */
const NO_SPACE_WAIT_S = 15

/** Asks for a video to be made playable from its whole original, when the transaction commits. Idempotent while it waits. */
export async function requestFirstPlayable(ctx: Ctx, tx: Db | Tx, job: TranscodeJob): Promise<void> {
  await askFor(ctx, tx, 'first-playable', job)
}

/**
 * Works the lane *first-playable* here, in slots of its own. Disposal stops the encoders and hands their jobs back at
 * once; it has to come before the context's.
 */
export async function startFirstPlayableLane(ctx: Ctx): Promise<AsyncDisposable> {
  // Two more than there are cores: some wait for a streaming encode to end.
  const concurrency = Math.max(2, availableParallelism()) + 2
  const handle = counted(ctx, concurrency, makeFirstPlayable)
  return startLane(ctx, 'first-playable', { concurrency, perGroup: 2 }, handle)
}

/** Works the lane *improve*, covers, and the reconciler here. Disposal as above. */
export async function startImproveLane(ctx: Ctx): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const concurrency = Math.max(1, Math.floor(availableParallelism() / 4))
  const handle = counted(ctx, concurrency, improveVideo)
  stack.use(
    await startWhileWanted(ctx, () => startLane(ctx, 'improve', { concurrency, perGroup: 1 }, handle)),
  )
  stack.use(watchBacklog(ctx))
  await ctx.jobs.work(coverQueue, {}, ({ data }) => remakePoster(ctx, data.videoId))
  await ctx.jobs.work(missingFileQueue, {}, async ({ data }) => {
    await mendVideo(ctx, data.videoId, 'presence')
  })
  stack.use(startReconciler(ctx))
  return stack.move()
}

type Handler = (ctx: Ctx, job: TranscodeJob, signal: AbortSignal) => Promise<void>

/** So that operators see how many encode here, of how many at most. */
function counted(ctx: Ctx, concurrency: number, handle: Handler): Handler {
  const door = createEncoderDoor(concurrency)
  ctx.vitals.addDoor(door)
  return (...input) => runBehind(door, () => handle(...input))
}

async function startLane(
  ctx: Ctx,
  lane: Lane,
  options: { concurrency: number; perGroup: number },
  handle: Handler,
): Promise<AsyncDisposable> {
  const stopping = new AbortController()
  const queue: Queue<TranscodeJob> = lanes[lane]
  const working = await ctx.jobs.work(queue, options, ({ data, signal }) =>
    runJob(ctx, lane, data, { signal, stopping: stopping.signal, handle }),
  )
  return {
    async [Symbol.asyncDispose]() {
      // In this order: what is handed back must not be taken here again.
      const stopped = working.stop()
      stopping.abort()
      await stopped
    },
  }
}

async function runJob(
  ctx: Ctx,
  lane: Lane,
  job: TranscodeJob,
  { signal, stopping, handle }: { signal: AbortSignal; stopping: AbortSignal; handle: Handler },
): Promise<void> {
  try {
    if (stopping.aborted) return await askFor(ctx, ctx.db, lane, job)
    await handle(ctx, job, AbortSignal.any([signal, stopping]))
  } catch (error) {
    // Handed back: another process takes it up without waiting for a heartbeat to fail.
    if (stopping.aborted) return await askFor(ctx, ctx.db, lane, job)
    await settleFailure(ctx, lane, job, error)
  }
}

const isQuarantining = (ctx: Ctx): boolean => !ctx.config.protectionsOff.has('upload-quarantine')

/** @throws the error when trying again may help. */
async function settleFailure(ctx: Ctx, lane: Lane, job: TranscodeJob, error: unknown): Promise<void> {
  const { videoId } = job
  if (isOutOfSpace(error)) {
    ctx.log.warn({ videoId }, 'transcoding.disk-full')
    return inTransaction(ctx, async (tx) => {
      await recordWait(ctx, tx, { videoId, waitsFor: 'space' })
      await askFor(ctx, tx, lane, job, NO_SPACE_WAIT_S)
    })
  }
  if (!(error instanceof FfmpegError)) throw error
  ctx.log.warn({ videoId, failure: error.failure, stderr: error.stderrTail }, 'transcoding.failed')
  switch (error.failure) {
    case 'bad-input':
    case 'output-too-large':
      return refuseVideo(ctx, videoId, {
        code: 'video-unreadable',
        reason: 'Its contents could not be decoded: they are damaged.',
      })
    case 'timeout':
      return refuseVideo(ctx, videoId, {
        code: 'video-too-slow',
        reason: 'Making it playable took longer than a video of its length may take.',
      })
    case 'crashed':
      if ((await queries.countCrash(ctx.db, videoId)) < CRASHES_MAX || !isQuarantining(ctx)) throw error
      return refuseVideo(ctx, videoId, {
        code: 'video-crashes-encoder',
        reason: `The encoder crashed ${CRASHES_MAX} times while reading it, so it was put aside.`,
      })
    default:
      throw error
  }
}

async function remakePoster(ctx: Ctx, videoId: string): Promise<void> {
  const video = await findVideo(ctx.db, videoId)
  const current = (await listGenerations(ctx.db, videoId)).find((row) => row.generation === video?.generation)
  const of = current?.manifest.videos[0]
  if (of) await makePoster(ctx, videoId, of)
}
