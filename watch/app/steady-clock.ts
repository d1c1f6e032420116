/** Wall-clock time that never goes back, however the machine's clock is set: detection and records rely on it. */
import type { Clock } from '../../kit/clock.ts'

/** While the machine's clock is behind ours, ours runs at this share of its pace until they meet. */
const CATCH_UP_PACE = 0.5

/** Wraps the machine's clock. A jump forwards is followed at once (a machine that slept); one backwards is waited out. */
export function createSteadyClock(clock: Clock): Clock {
  let lastWallMs = clock.now().getTime()
  let lastMonotonicMs = clock.monotonicMs()
  function advance(): number {
    const monotonicMs = clock.monotonicMs()
    const elapsedMs = Math.max(0, monotonicMs - lastMonotonicMs)
    lastMonotonicMs = monotonicMs
    lastWallMs = Math.max(clock.now().getTime(), lastWallMs + elapsedMs * CATCH_UP_PACE)
    return lastWallMs
  }
  return { now: () => new Date(advance()), monotonicMs: () => clock.monotonicMs() }
}
