/** Notices that this process itself stood still (a busy machine, a stopped process, a sleeping laptop). */
import type { Clock } from '../../../kit/clock.ts'

export interface StallWatch extends Disposable {
  /** The longest standstill that touched the time since this moment of the monotonic clock. */
  longestSinceMs(sinceMs: number): number
}

const BEAT_MS = 250
const KEPT = 64

/** Begins to watch. */
export function watchStalls(clock: Clock): StallWatch {
  const stalls: { readonly atMs: number; readonly durationMs: number }[] = []
  let lastBeatMs = clock.monotonicMs()
  const beat = () => {
    const nowMs = clock.monotonicMs()
    const durationMs = nowMs - lastBeatMs - BEAT_MS
    if (durationMs > BEAT_MS) {
      stalls.push({ atMs: nowMs, durationMs })
      if (stalls.length > KEPT) stalls.shift()
    }
    lastBeatMs = nowMs
  }
  const timer = setInterval(beat, BEAT_MS)
  timer.unref()
  return {
    longestSinceMs(sinceMs) {
      const running = clock.monotonicMs() - lastBeatMs - BEAT_MS
      return Math.max(
        0,
        running,
        ...stalls.filter(({ atMs }) => atMs >= sinceMs).map(({ durationMs }) => durationMs),
      )
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
