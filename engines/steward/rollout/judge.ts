/**
 * Compares a release (the canary) with what it is to replace (the baseline), second by second.
 *
 * How to feed it: begin one process of each at the same moment, so that both are equally cold, and give both the same kind
 * of requests, played-back (golden) ones included. Once a second call `observe` with what each arm counted within that
 * second. Follow the verdict: `advance` gives the canary the next stage's share of the people; `promote` and `back` end it.
 * An arm that says nothing is null, a figure that it does not count is null; neither is ever 0.
 *
 *     const judge = createJudge()
 *     every second: const { verdict, reason } = judge.observe({ canary: sampleOf(next), baseline: sampleOf(current) })
 */
import { noLatencies, quantileOf } from './latency.ts'
import { createMemoryWatch } from './memory.ts'
import { createMeasures, type MeasureView } from './measures.ts'
import {
  LATENCY_BUCKET_COUNT,
  STAGES,
  type Judge,
  type Judgement,
  type JudgeOptions,
  type Measure,
  type Observation,
  type Sample,
  type Stage,
  type StageRule,
  type Verdict,
} from './types.ts'

/** So many failed requests of the canary, at so many times the baseline's rate, need no test. */
export const HARD_ERRORS_MIN = 20
export const HARD_ERRORS_RATIO = 5

/** Longer ago is the tests' alone: over a long time, few failures of the baseline's make any ratio by chance. */
const HARD_ERRORS_WINDOW_S = 60

/** A canary that is silent for so long while the baseline speaks hangs. */
const SILENT_S = 5

/** With 400 requests, one that fails 2 of 100 is suspicious in 99 of 100 cases, and waits until it is certain. */
export const STAGE_RULES: Readonly<Record<Stage, StageRule>> = {
  shadow: { minMs: 3_000, minRequests: 60 },
  canary: { minMs: 12_000, minRequests: 400 },
  '5%': { minMs: 8_000, minRequests: 200 },
  '25%': { minMs: 8_000, minRequests: 400 },
  '50%': { minMs: 8_000, minRequests: 400 },
  '100%': { minMs: 20_000, minRequests: 800 },
}

/** A quantile over so many seconds must be so many times the baseline's before slow requests count as slowness. */
const LATENCY_WINDOW_S = 20
const LATENCY_RATIO_MIN = 2
/** For so many seconds in a row: one collection of garbage moves a quantile for a moment. */
const LATENCY_RATIO_S = 3

const DEFAULT_ALPHA = 0.001

/** Begins in the first stage. */
export function createJudge(options: JudgeOptions = {}): Judge {
  const { alpha = DEFAULT_ALPHA, stages = STAGES } = options
  const rules = { ...STAGE_RULES, ...options.rules }
  const measures = createMeasures(alpha)
  const whole = createWholeRun()
  let at = 0
  let here = { elapsedMs: 0, requests: 0 }
  let final: Judgement | null = null

  function weigh({ canary, baseline }: Observation): Judgement {
    const stage = stages[at]!
    whole.add(canary, baseline)
    if (canary && baseline) {
      measures.add(canary, baseline)
      here = { elapsedMs: here.elapsedMs + whole.sinceMs, requests: here.requests + canary.requests }
    }
    const views = [...measures.views(), ...whole.views()]
    const judge = (verdict: Verdict, reason: string, measure: Measure | null = null): Judgement => ({
      verdict,
      stage,
      reason,
      measure,
      evidence: views.map(({ evidence }) => evidence),
    })

    const hard = whole.findHard(canary)
    if (hard) return judge('back', hard.reason, hard.measure)
    const over = views.find((view) => view.isOver && whole.mayCount(view))
    if (over) return judge('back', describe(over), over.evidence.measure)
    const wait = reasonToWait(rules[stage], here)
    if (wait) return judge('hold', wait)
    const suspicious = views.find((view) => view.isSuspicious && whole.mayCount(view))
    if (suspicious)
      return judge('hold', `Not certain yet: ${describe(suspicious)}`, suspicious.evidence.measure)
    if (canary === null || baseline === null)
      return judge('hold', 'One of the two is not heard at the moment.')
    const next = stages[at + 1]
    if (next === undefined)
      return judge('promote', 'It went its whole way and is no worse than the one before.')
    return judge('advance', `No worse than the one before so far: ${next} is next.`)
  }

  return {
    get stage() {
      return stages[at]!
    },
    observe(observation) {
      if (final) return final
      const judgement = weigh(observation)
      if (judgement.verdict === 'promote' || judgement.verdict === 'back') final = judgement
      if (judgement.verdict === 'advance') {
        at += 1
        here = { elapsedMs: 0, requests: 0 }
        measures.enterStage()
      }
      return judgement
    },
  }
}

/** The longest time that one observation may stand for: what was not looked at has not been passed well. */
const OBSERVATION_MAX_MS = 2_000

/** Failures and requests of some seconds. */
interface Seconds {
  canary: number
  baseline: number
  canaryRequests: number
  baselineRequests: number
}

/** What is not told by counting events: ends, silence, a plain excess of errors, p99 and memory. */
function createWholeRun() {
  const memory = createMemoryWatch()
  const recent: { readonly canary: readonly number[]; readonly baseline: readonly number[] }[] = []
  const seconds: Seconds[] = []
  const failed: Seconds = { canary: 0, baseline: 0, canaryRequests: 0, baselineRequests: 0 }
  const slowerS = { p99: 0, p90: 0 }
  let [silentS, lastMs, sinceMs] = [0, null as number | null, 0]

  function latencyOf(arm: 'canary' | 'baseline', share: number): number | null {
    const sum = noLatencies()
    for (const second of recent) second[arm].forEach((count, index) => (sum[index]! += count))
    return quantileOf(sum, share)
  }

  function isSlower(share: number): boolean {
    const [canaryMs, baselineMs] = [latencyOf('canary', share), latencyOf('baseline', share)]
    return canaryMs !== null && baselineMs !== null && canaryMs >= LATENCY_RATIO_MIN * baselineMs
  }

  function countFailures(canary: Sample | null, baseline: Sample | null): void {
    const second: Seconds = {
      canary: (canary?.errors ?? 0) + (canary?.timeouts ?? 0),
      baseline: (baseline?.errors ?? 0) + (baseline?.timeouts ?? 0),
      canaryRequests: canary?.requests ?? 0,
      baselineRequests: baseline?.requests ?? 0,
    }
    seconds.push(second)
    const past = seconds.length > HARD_ERRORS_WINDOW_S ? seconds.shift()! : null
    for (const key of Object.keys(failed) as (keyof Seconds)[])
      failed[key] += second[key] - (past?.[key] ?? 0)
  }

  return {
    get sinceMs() {
      return sinceMs
    },
    add(canary: Sample | null, baseline: Sample | null): void {
      for (const sample of [canary, baseline]) if (sample) check(sample)
      const atMs = (canary ?? baseline)?.atMs ?? lastMs
      sinceMs =
        lastMs === null || atMs === null ? 0 : Math.min(Math.max(0, atMs - lastMs), OBSERVATION_MAX_MS)
      lastMs = atMs
      silentS = canary === null && baseline !== null ? silentS + 1 : 0
      countFailures(canary, baseline)
      if (!canary || !baseline) return
      recent.push({ canary: canary.latencyBuckets, baseline: baseline.latencyBuckets })
      if (recent.length > LATENCY_WINDOW_S) recent.shift()
      slowerS.p99 = isSlower(0.99) ? slowerS.p99 + 1 : 0
      slowerS.p90 = isSlower(0.9) ? slowerS.p90 + 1 : 0
      if (canary.rssBytes !== null && baseline.rssBytes !== null)
        memory.add(canary.rssBytes, baseline.rssBytes)
    },
    /** What needs no test. */
    findHard(canary: Sample | null): { reason: string; measure: Measure } | null {
      if (canary?.crashed) return { measure: 'crash', reason: 'Its process ended.' }
      if (silentS >= SILENT_S)
        return {
          measure: 'silence',
          reason: `Nothing was heard of it for ${SILENT_S} s, while the other one spoke.`,
        }
      const rate = failed.canary / Math.max(failed.canaryRequests, 1)
      const usual = failed.baseline / Math.max(failed.baselineRequests, 1)
      if (failed.canary < HARD_ERRORS_MIN || rate <= HARD_ERRORS_RATIO * usual) return null
      return {
        measure: 'failures',
        reason: `${failed.canary} of its ${failed.canaryRequests} requests failed (${percent(rate)}; usual: ${percent(usual)}).`,
      }
    },
    /** Slow requests are slowness only where the quantile itself says so, too. */
    mayCount({ evidence }: MeasureView): boolean {
      const { measure } = evidence
      return (measure !== 'p99' && measure !== 'p90') || slowerS[measure] >= LATENCY_RATIO_S
    },
    views(): MeasureView[] {
      const { canaryBytesPerS, baselineBytesPerS, isLeaking } = memory.view()
      return [
        {
          evidence: {
            measure: 'memory',
            canary: canaryBytesPerS,
            baseline: baselineBytesPerS,
            unit: 'bytes-per-s',
            eValue: null,
          },
          isOver: isLeaking,
          isSuspicious: false,
        },
      ]
    },
  }
}

function check({ latencyBuckets }: Sample): void {
  if (latencyBuckets.length !== LATENCY_BUCKET_COUNT)
    throw new RangeError(
      `A sample has ${LATENCY_BUCKET_COUNT} latency buckets, not ${latencyBuckets.length}.`,
    )
}

function reasonToWait(
  { minMs, minRequests }: StageRule,
  here: { elapsedMs: number; requests: number },
): string | null {
  if (here.elapsedMs < minMs) return `${Math.ceil((minMs - here.elapsedMs) / 1_000)} s more in this stage.`
  if (here.requests < minRequests) return `${minRequests - here.requests} requests more in this stage.`
  return null
}

const WORDS: Readonly<Record<Measure, string>> = {
  crash: 'Its process ended',
  silence: 'Nothing is heard of it',
  failures: 'More of its requests fail',
  p99: 'Its slowest requests are slower: more of them take twice the usual p99',
  p90: 'It is slower: more of its requests take 1.5 times the usual p90',
  shed: 'It turns more requests away',
  memory: 'Its memory grows, and that of the one before does not',
  'empty-feeds': 'More of its feed pages are empty',
  'playback-failures': 'More videos do not begin to play',
  'playback-starts': 'Fewer videos are begun',
}

function describe({ evidence: { measure, canary, baseline, unit } }: MeasureView): string {
  const tell = (value: number | null): string =>
    value === null ? 'unknown' : unit === 'share' ? percent(value) : `${Math.round(value / 1_024)} KiB/s`
  return `${WORDS[measure]} (${tell(canary)}; the one before: ${tell(baseline)}).`
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`
