/** What people ask of each feature, counted for the gates through which it comes back. Costs a few additions a request. */
import type { Feature, Step, StepSignals, Window } from '../../../engines/steward/index.ts'

/** Upper bounds of the buckets that latencies fall into, in ms: powers of two up to 16 s. */
const BUCKETS = 15

class FeatureCounts {
  waiting = 0
  count = 0
  okCount = 0
  readonly latencies = new Uint32Array(BUCKETS)

  reset(): void {
    this.waiting = 0
    this.count = 0
    this.okCount = 0
    this.latencies.fill(0)
  }
}

export interface Traffic {
  /** Was let in, and ended. */
  note(feature: Feature, isOk: boolean, durationMs: number): void
  /** Was kept from what it wanted. */
  noteWaiting(feature: Feature): void
  /** What each step's features saw since the look before. */
  read(nowMs: number): Record<string, StepSignals>
}

/** @param steps whose features are among `features` */
export function createTraffic(features: readonly Feature[], steps: readonly Step[]): Traffic {
  const counts = new Map(features.map((feature) => [feature, new FeatureCounts()]))
  let readAtMs: number | null = null
  return {
    note(feature, isOk, durationMs) {
      const of = counts.get(feature)!
      of.count += 1
      if (isOk) of.okCount += 1
      of.latencies[Math.min(BUCKETS - 1, Math.ceil(Math.log2(Math.max(1, durationMs))))]! += 1
    },
    noteWaiting(feature) {
      counts.get(feature)!.waiting += 1
    },
    read(nowMs) {
      const seconds = readAtMs === null ? null : (nowMs - readAtMs) / 1_000
      readAtMs = nowMs
      const signals: Record<string, StepSignals> = {}
      for (const step of steps) {
        const own = Object.keys(step.holds).map((feature) => counts.get(feature as Feature)!)
        const waiting = own.reduce((sum, each) => sum + each.waiting, 0)
        signals[step.name] = { waitingPerS: seconds ? waiting / seconds : 0, window: windowOf(own) }
      }
      for (const each of counts.values()) each.reset()
      return signals
    },
  }
}

function windowOf(counts: readonly FeatureCounts[]): Window {
  const count = counts.reduce((sum, each) => sum + each.count, 0)
  const okCount = counts.reduce((sum, each) => sum + each.okCount, 0)
  if (count === 0) return { count, okCount, p99Ms: null }
  let left = count * 0.01
  for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
    left -= counts.reduce((sum, each) => sum + each.latencies[bucket]!, 0)
    if (left < 0) return { count, okCount, p99Ms: 2 ** bucket }
  }
  return { count, okCount, p99Ms: null }
}
