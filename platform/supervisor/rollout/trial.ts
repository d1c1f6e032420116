/** The trial of a release: golden requests first, then more and more people, until the judge has seen enough. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReleasePhase } from '../../../contract/operations.ts'
import type { ArmCounts, TrialArm } from './arm.ts'
import type { GoldenStore } from './golden-store.ts'
import { startReplay, type Replay, type ReplayCounts } from './replay.ts'

/** What one side of a trial did in one second, as the judge takes it; null: unknown. */
export interface Sample {
  readonly atMs: number
  readonly requests: number
  readonly errors: number
  readonly timeouts: number
  readonly shed: number
  /** As `LATENCY_BOUNDS_MS` bounds them. */
  readonly latencyBuckets: readonly number[]
  readonly rssBytes: number | null
  readonly feeds: number
  readonly emptyFeeds: number
  readonly playbackStarts: number
  readonly playbackStartFailures: number
  readonly crashed: boolean
}

export interface Verdict {
  readonly verdict: 'hold' | 'advance' | 'promote' | 'back'
  readonly reason: string
}

export interface Judge {
  /** Once a second, one of each side. */
  judge(samples: { readonly canary: Sample; readonly baseline: Sample }): Verdict
}

export interface TrialOptions {
  readonly canary: TrialArm
  readonly baseline: TrialArm
  readonly golden: GoldenStore
  readonly judge: Judge
  setShare(share: number): void
  readonly onPhase: (phase: ReleasePhase, share: number, detail: string) => void
}

export interface TrialEnd {
  readonly isGood: boolean
  readonly reason: string
}

/** Nobody but golden requests, then these shares of all new connections. */
export const SHARES = [0, 0.05, 0.25, 0.5, 1] as const
const JUDGE_INTERVAL_MS = 1_000
/** A crash is seen between two looks of the judge. */
const CRASH_LOOK_MS = 50
/** What each side is asked in a second at least, with what people ask of it. */
const ASKED_PER_S = 50
/** Also where people ask enough: what they do not happen to ask for is seen, too. */
const GOLDEN_MIN_PER_S = 5
/** A judge that can't tell holds; after so long at one share somebody has to look. */
const STAGE_MAX_MS = 10 * 60_000

/** @param signal an operator wants it back, or everything is being stopped */
export async function judgeTrial(options: TrialOptions, signal: AbortSignal): Promise<TrialEnd> {
  const { canary, baseline, golden, judge, onPhase } = options
  using replay = startReplay({
    ports: { canary: canary.port, baseline: baseline.port },
    requests: golden.list,
    onStale: golden.forget,
  })
  let ratePerS = ASKED_PER_S
  replay.setRate(ratePerS)
  // What they counted as they started is nobody's.
  for (const arm of [canary, baseline]) arm.takeCounts()
  for (const share of SHARES) {
    options.setShare(share)
    const phase = share === 0 ? 'shadow' : 'canary'
    const endsAtMs = performance.now() + STAGE_MAX_MS
    for (let verdict: Verdict['verdict'] = 'hold'; verdict === 'hold';) {
      const isCrashed = await untilNextLook(canary, signal)
      if (signal.aborted) return { isGood: false, reason: String((signal.reason as Error).message) }
      const samples = { canary: sampleOf(canary, replay), baseline: sampleOf(baseline, replay) }
      const found = judge.judge(samples)
      if (isCrashed || found.verdict === 'back')
        return { isGood: false, reason: isCrashed ? 'The new code crashed.' : found.reason }
      onPhase(phase, share, found.reason)
      ;({ verdict } = found)
      if (verdict === 'promote') return { isGood: true, reason: found.reason }
      if (performance.now() > endsAtMs)
        return { isGood: false, reason: `Nothing was certain after ten minutes: ${found.reason}` }
      ratePerS = rateBeside(ratePerS, samples.canary, samples.baseline)
      replay.setRate(ratePerS)
    }
  }
  return { isGood: true, reason: 'Every share was as good as the old code.' }
}

/** @returns whether it crashed meanwhile */
async function untilNextLook(canary: TrialArm, signal: AbortSignal): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < JUDGE_INTERVAL_MS; waitedMs += CRASH_LOOK_MS) {
    if (canary.isCrashed || signal.aborted) break
    await sleep(CRASH_LOOK_MS, undefined, { signal }).catch(() => {})
  }
  return canary.isCrashed
}

function sampleOf(arm: TrialArm, replay: Replay): Sample {
  const counts = arm.takeCounts()
  const asked = replay.take(arm.name === 'canary' ? 'canary' : 'baseline')
  return toSample(counts, asked, arm.isCrashed)
}

/** What broke before the process counted it is counted by who asked. */
export function toSample(counts: ArmCounts | null, asked: ReplayCounts, crashed: boolean): Sample {
  const unseen = asked.broken + asked.timeouts
  return {
    atMs: performance.now(),
    requests: (counts?.requests ?? 0) + unseen,
    errors: (counts?.errors ?? 0) + asked.broken + asked.different,
    timeouts: (counts?.timeouts ?? 0) + asked.timeouts,
    shed: counts?.shed ?? 0,
    latencyBuckets: counts?.latencyBuckets ?? [],
    rssBytes: counts?.rssBytes ?? null,
    feeds: counts?.feeds ?? 0,
    emptyFeeds: counts?.emptyFeeds ?? 0,
    playbackStarts: counts?.playbackStarts ?? 0,
    playbackStartFailures: counts?.playbackStartFailures ?? 0,
    crashed,
  }
}

/** Tops up what people ask of the side that gets less. @param askedPerS of golden requests so far */
function rateBeside(askedPerS: number, ...samples: readonly Sample[]): number {
  const fewest = Math.min(...samples.map(({ requests }) => requests))
  const people = Math.max(0, fewest - askedPerS)
  return Math.max(GOLDEN_MIN_PER_S, ASKED_PER_S - people)
}
