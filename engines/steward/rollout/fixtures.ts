/** Series of two arms as releases make them: seeded, with what is uneven in real ones. */
import { bucketOf, noLatencies } from './latency.ts'
import type { Observation, Sample } from './types.ts'

/** mulberry32: uniform in [0, 1). */
export function createSeries(seed: number) {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return { random, gaussian }
}

/** How an arm behaves from a second of its life on; everything is as usual where it is left out. */
export interface Fault {
  readonly failureShare?: number
  readonly latencyFactor?: number
  readonly leakBytesPerS?: number
  readonly crashAtS?: number
  readonly emptyFeedShare?: number
  readonly playbackFailureShare?: number
  readonly fewerPlaybacksFactor?: number
  readonly shedShare?: number
}

/** What differs from one site and one rollout to the next. */
export interface Site {
  /** Of each arm, played-back requests included. */
  readonly requestsPerS: number
  readonly failureShare: number
  readonly medianMs: number
  /** Of the logarithm of latencies. */
  readonly spread: number
}

export function drawSite(random: () => number): Site {
  return {
    requestsPerS: 25 + random() * 75,
    failureShare: random() < 0.5 ? 0 : random() * 0.004,
    medianMs: 3 + random() * 20,
    spread: 0.5 + random() * 0.7,
  }
}

const MIB = 1024 ** 2

/**
 * Plays seconds of two arms. Both are cold at first; now and then one of them collects garbage, which makes the requests of
 * a moment slow; now and then the database stutters, which is felt by both, and by one of them more.
 */
export function* playArms(seed: number, fault: Fault, given: Partial<Site> = {}): Generator<Observation> {
  const { random, gaussian } = createSeries(seed)
  const site = { ...drawSite(random), ...given }
  const arms = [createArm(site, fault), createArm(site, {})] as const
  let stutterS = 0
  for (let second = 0; ; second++) {
    if (stutterS > 0) stutterS -= 1
    else if (random() < 0.01) stutterS = 1 + Math.floor(random() * 4)
    const play = (arm: Arm) => arm.play({ second, isStuttering: stutterS > 0, random, gaussian })
    yield { canary: play(arms[0]), baseline: play(arms[1]) }
  }
}

interface Moment {
  readonly second: number
  readonly isStuttering: boolean
  readonly random: () => number
  readonly gaussian: () => number
}

interface Arm {
  play(moment: Moment): Sample
}

function createArm(site: Site, fault: Fault): Arm {
  let rssBytes = 180 * MIB
  let [heapBytes, fullBytes] = [0, 20 * MIB]
  return {
    play({ second, isStuttering, random, gaussian }) {
      const requests = Math.max(0, Math.round(site.requestsPerS + Math.sqrt(site.requestsPerS) * gaussian()))
      const warmth = 1 + 3 * Math.exp(-second / 4)
      const pauseMs = random() < 0.06 ? 30 + random() * 150 : 0
      const stutter = isStuttering ? 2 + random() * 6 : 1
      const failureShare =
        site.failureShare + (isStuttering ? 0.01 * random() : 0) + (fault.failureShare ?? 0)
      const buckets = noLatencies()
      let [errors, timeouts, emptyFeeds, starts, startFailures, shed] = [0, 0, 0, 0, 0, 0]
      for (let request = 0; request < requests; request++) {
        let latencyMs = site.medianMs * Math.exp(site.spread * gaussian()) * warmth * stutter
        if (random() < 0.1) latencyMs += pauseMs
        latencyMs *= fault.latencyFactor ?? 1
        buckets[bucketOf(latencyMs)]! += 1
        if (random() < failureShare) errors += 1
        else if (isStuttering && random() < 0.002) timeouts += 1
        if (random() < (fault.shedShare ?? 0) + (isStuttering ? 0.01 : 0)) shed += 1
        if (random() < 0.1 * (fault.emptyFeedShare ?? 0.001)) emptyFeeds += 1
        if (random() >= 0.15 * (fault.fewerPlaybacksFactor ?? 1)) continue
        if (random() < (fault.playbackFailureShare ?? 0.002)) startFailures += 1
        else starts += 1
      }
      rssBytes += (second < 20 ? 3 * MIB * Math.exp(-second / 6) : 0) + (fault.leakBytesPerS ?? 0)
      // Collected when it is full, which is not always at the same fill.
      heapBytes += (0.5 + random()) * 1.2 * MIB
      if (heapBytes > fullBytes) [heapBytes, fullBytes] = [random() * 4 * MIB, (12 + random() * 30) * MIB]
      return {
        atMs: second * 1_000,
        requests,
        errors,
        timeouts,
        shed,
        latencyBuckets: buckets,
        rssBytes: rssBytes + heapBytes + Math.abs(gaussian()) * 2 * MIB,
        emptyFeeds,
        playbackStarts: starts,
        playbackStartFailures: startFailures,
        crashed: fault.crashAtS !== undefined && second >= fault.crashAtS,
      }
    },
  }
}
