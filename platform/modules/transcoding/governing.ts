/** The lane *improve* gives way: it stops while processing is paused, and goes slowly while a backlog is worked off. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { lanes } from './transcoding.jobs.ts'

/** As many waiting are no backlog. */
const BACKLOG_MIN = 4
const LOOK_EVERY_MS = 2_000
/** An instance that is always behind is not slowed down for ever. */
const BACKLOG_MAX_MS = 120_000

/** Keeps the lane running except while processing is paused. Disposal ends it. */
export async function startWhileWanted(
  ctx: Ctx,
  start: () => Promise<AsyncDisposable>,
): Promise<AsyncDisposable> {
  let lane: AsyncDisposable | null = null
  let isClosing = false
  const adjust = async () => {
    const isWanted = !isClosing && ctx.steward.modeOf('processing') !== 'paused'
    if (isWanted && !lane) lane = await start()
    else if (!isWanted && lane) {
      const ending = lane
      lane = null
      await ending[Symbol.asyncDispose]()
    }
  }
  let adjusting = adjust()
  await adjusting
  const adjustNext = () => {
    adjusting = adjusting.then(adjust).catch((error: unknown) => {
      ctx.log.warn({ err: error }, 'transcoding.lane-not-adjusted')
    })
  }
  const stop = ctx.steward.onChange(adjustNext)
  return {
    async [Symbol.asyncDispose]() {
      stop()
      isClosing = true
      await adjusting
      await adjust()
    },
  }
}

/** Tells the steward, after each time that processing had to stop, when what piled up meanwhile has been worked off. */
export function watchBacklog(ctx: Ctx): AsyncDisposable {
  let isWorkedOff = false
  let sinceMs = ctx.clock.monotonicMs()
  ctx.steward.addStepProbe('backlog', () => isWorkedOff)
  const stop = ctx.steward.onChange(({ features }) => {
    if (features.processing.mode !== 'paused') return
    isWorkedOff = false
    sinceMs = ctx.clock.monotonicMs()
  })
  const looking = startUpkeep(ctx, {
    intervalMs: LOOK_EVERY_MS,
    async work() {
      if (isWorkedOff || ctx.steward.modeOf('processing') === 'paused') return
      const waiting = await ctx.jobs.countWaiting(lanes.improve)
      isWorkedOff =
        waiting === null || waiting <= BACKLOG_MIN || ctx.clock.monotonicMs() - sinceMs > BACKLOG_MAX_MS
    },
    failure: 'transcoding.backlog-unknown',
  })
  return {
    async [Symbol.asyncDispose]() {
      stop()
      await looking[Symbol.asyncDispose]()
    },
  }
}
