/** Keeps the standby shelf filled: constant work in the worker, every few seconds, whatever happens. */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { openShelfMaker } from './shelf-maker.ts'

const ROUND_INTERVAL_MS = 5_000
/** What somebody must not see any more gets to the shelf sooner. */
const NEWS_INTERVAL_MS = 1_000
const NEWS = new Set<DomainEvent['kind']>(['video-changed', 'video-deleted', 'blocked'])

/** Runs until disposal. */
export function startStandbyJobs(ctx: Ctx): AsyncDisposable {
  const maker = openShelfMaker(ctx)
  let hasNews = false
  let madeAtMs = -Infinity
  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (event) => {
    if (NEWS.has((event as DomainEvent).kind)) hasNews = true
  })
  const repeating = startUpkeep(ctx, {
    intervalMs: NEWS_INTERVAL_MS,
    async work() {
      const nowMs = ctx.clock.monotonicMs()
      if (!hasNews && nowMs - madeAtMs < ROUND_INTERVAL_MS) return
      hasNews = false
      madeAtMs = nowMs
      await maker.makeOnce()
    },
    // The shelf stays as it was: that is what it is for.
    failure: 'standby.not-made',
  })
  return {
    async [Symbol.asyncDispose]() {
      stopListening()
      await repeating[Symbol.asyncDispose]()
      await maker[Symbol.asyncDispose]()
    },
  }
}
