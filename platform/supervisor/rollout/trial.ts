/** The trial of a release: golden requests first, then more and more people, until the judge has seen enough. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReleaseEvidence, ReleasePhase } from '../../../contract/releases.ts'
import {
  createJudge,
  noLatencies,
  type Sample,
  type Stage,
  type Verdict,
} from '../../../engines/steward/rollout/index.ts'
import type { ArmCounts, TrialArm } from './arm.ts'
import type { GoldenStore } from './golden-store.ts'
import { startReplay, type Replay, type ReplayCounts } from './replay.ts'

export interface TrialOptions {
  readonly canary: TrialArm
  readonly baseline: TrialArm
  readonly golden: GoldenStore
  setShare(share: number): void
  readonly onPhase: (
    phase: ReleasePhase,
    share: number,
    detail: string,
    evidence?: readonly ReleaseEvidence[],
  ) => void
}

export interface TrialEnd {
  readonly isGood: boolean
  readonly reason: string
}

/** Of new connections, what the new code gets in each stage. */
const SHARES: Readonly<Record<Stage, number>> = {
  shadow: 0,
  canary: 0.01,
  '5%': 0.05,
  '25%': 0.25,
  '50%': 0.5,
  '100%': 1,
}
const JUDGE_INTERVAL_MS = 1_000
/** A crash is seen between two looks of the judge. */
const CRASH_LOOK_MS = 50
/** What each side is asked in a second at least, with what people ask of it. */
const ASKED_PER_S = 50
/** How long the first requests of a process take says nothing of what comes: the code is being compiled. */
export const COLD_MS = 4_000
/** Also where people ask enough: what they do not happen to ask for is seen, too. */
const GOLDEN_MIN_PER_S = 5
/** A judge that can't tell holds; after so long at one share somebody has to look. */
const STAGE_MAX_MS = 10 * 60_000

/** @param signal an operator wants it back, or everything is being stopped */
export async function judgeTrial(options: TrialOptions, signal: AbortSignal): Promise<TrialEnd> {
  const { canary, baseline, golden, onPhase } = options
  using replay = startReplay({
    ports: { canary: canary.port, baseline: baseline.port },
    requests: golden.list,
    onStale: golden.forget,
  })
  let ratePerS = ASKED_PER_S
  replay.setRate(ratePerS)
  const judge = createJudge()
  // What they counted as they started is nobody's.
  for (const arm of [canary, baseline]) arm.takeCounts()
  const beganMs = performance.now()
  let stageBeganMs = beganMs
  let verdict: Verdict = 'hold'
  while (verdict === 'hold' || verdict === 'advance') {
    const { stage } = judge
    options.setShare(SHARES[stage])
    await untilNextLook(canary, signal)
    if (signal.aborted) return { isGood: false, reason: String((signal.reason as Error).message) }
    const isCold = performance.now() - beganMs < COLD_MS
    const seen = { canary: sampleOf(canary, replay, isCold), baseline: sampleOf(baseline, replay, isCold) }
    const judgement = judge.observe(seen)
    ;({ verdict } = judgement)
    onPhase(stage === 'shadow' ? 'shadow' : 'canary', SHARES[stage], judgement.reason, judgement.evidence)
    if (verdict === 'promote' || verdict === 'back')
      return { isGood: verdict === 'promote', reason: judgement.reason }
    if (verdict === 'advance') stageBeganMs = performance.now()
    if (performance.now() - stageBeganMs > STAGE_MAX_MS) break
    ratePerS = rateBeside(ratePerS, seen.canary, seen.baseline)
    replay.setRate(ratePerS)
  }
  return { isGood: false, reason: 'Nothing was certain after ten minutes in one stage.' }
}

/** A crash is not waited for. */
async function untilNextLook(canary: TrialArm, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < JUDGE_INTERVAL_MS; waitedMs += CRASH_LOOK_MS) {
    if (canary.isCrashed || signal.aborted) break
    await sleep(CRASH_LOOK_MS, undefined, { signal }).catch(() => {})
  }
}

function sampleOf(arm: TrialArm, replay: Replay, isCold: boolean): Sample | null {
  const counts = arm.takeCounts()
  const asked = replay.take(arm.name === 'canary' ? 'canary' : 'baseline')
  const sample = toSample(counts, asked, arm.isCrashed)
  return isCold ? withoutLatencies(sample) : sample
}

export const withoutLatencies = (sample: Sample | null): Sample | null =>
  sample && { ...sample, latencyBuckets: noLatencies() }

/** What broke before the process could count it is counted by who asked. Null: nothing was heard in any way. */
export function toSample(counts: ArmCounts | null, asked: ReplayCounts, crashed: boolean): Sample | null {
  const unanswered = asked.broken + asked.timeouts
  if (counts === null && unanswered === 0 && !crashed) return null
  return {
    atMs: performance.now(),
    requests: (counts?.requests ?? 0) + unanswered,
    errors: (counts?.errors ?? 0) + asked.broken + asked.different,
    timeouts: (counts?.timeouts ?? 0) + asked.timeouts,
    shed: counts?.shed ?? 0,
    latencyBuckets: counts?.latencyBuckets ?? noLatencies(),
    rssBytes: counts?.rssBytes ?? null,
    emptyFeeds: counts?.emptyFeeds ?? null,
    playbackStarts: counts && counts.playbackStarts - counts.playbackStartFailures,
    playbackStartFailures: counts?.playbackStartFailures ?? null,
    crashed,
  }
}

/** Tops up what people ask of the side that gets less. @param askedPerS of golden requests so far */
function rateBeside(askedPerS: number, ...samples: readonly (Sample | null)[]): number {
  const fewest = Math.min(...samples.map((sample) => sample?.requests ?? 0))
  const people = Math.max(0, fewest - askedPerS)
  return Math.max(GOLDEN_MIN_PER_S, ASKED_PER_S - people)
}
