/** The measures of a rollout that are tests: what counts as an event in which arm, and when it is enough. */
import { firstBucketAbove, noLatencies, quantileOf, sumOf } from './latency.ts'
import { createSequentialTest, type Counted, type SequentialTest } from './sequential-test.ts'
import { STAGES, type Evidence, type Measure, type Sample } from './types.ts'

interface Rule {
  readonly measure: Measure
  /** Of the odds, up to which a difference does not matter. */
  readonly toleratedRatio: number
  /** Events of one second have one cause, such as a collection of garbage: a rate shows in several of the last seconds. */
  readonly minSeconds: number
  /** Null: the arm does not count it. */
  count(sample: Sample, slow: SlowBuckets | null): Counted | null
  /** The canary is worse when it has fewer. */
  readonly isFewerWorse?: boolean
}

/** From which bucket on a request is slow, by the quantile of the baseline that it is so many times above. */
interface SlowBuckets {
  readonly p99: number
  readonly p90: number
}

const RULES: readonly Rule[] = [
  {
    measure: 'failures',
    toleratedRatio: 1.1,
    minSeconds: 3,
    count: ({ requests, errors, timeouts }) => ({ trials: requests, events: errors + timeouts }),
  },
  {
    measure: 'p99',
    toleratedRatio: 1.5,
    minSeconds: 5,
    count: (sample, slow) => countSlow(sample, slow?.p99),
  },
  {
    measure: 'p90',
    toleratedRatio: 1.5,
    minSeconds: 8,
    count: (sample, slow) => countSlow(sample, slow?.p90),
  },
  {
    measure: 'shed',
    toleratedRatio: 2,
    // Limits that adapt turn away in spells, and not at the same moment in two processes.
    minSeconds: 12,
    count: ({ requests, shed }) => ({ trials: requests, events: shed }),
  },
  {
    measure: 'empty-feeds',
    toleratedRatio: 1.5,
    minSeconds: 3,
    count: ({ requests, emptyFeeds }) =>
      emptyFeeds === null ? null : { trials: requests, events: emptyFeeds },
  },
  {
    measure: 'playback-failures',
    toleratedRatio: 1.5,
    minSeconds: 3,
    count: ({ playbackStarts, playbackStartFailures }) =>
      playbackStarts === null || playbackStartFailures === null
        ? null
        : { trials: playbackStarts + playbackStartFailures, events: playbackStartFailures },
  },
  {
    measure: 'playback-starts',
    toleratedRatio: 2,
    minSeconds: 8,
    isFewerWorse: true,
    count: ({ requests, playbackStarts }) =>
      playbackStarts === null ? null : { trials: requests, events: playbackStarts },
  },
]

/** So many times slower than 99 of 100 requests of the baseline is slow, and so many times slower than 9 of 10. */
const SLOW_RATIO = { p99: 2, p90: 1.5 } as const
/** Of what is known of the baseline, each second: processes get warm. */
const KEPT_SHARE = 0.95
/** Of the baseline, before its p99 means anything. */
const SLOW_AFTER_REQUESTS = 100
/** A suspicion without a new event for so long was chance, or is over. */
const SUSPICION_S = 30
/** Of both arms, that count fully: so many that have one cause are not much more than one. */
const MAX_EVENTS_PER_S = 4
/** The last seconds, in which events have to be spread. */
const SPREAD_S = 30
/** What is over since so long is no reason any more to go back. */
const FRESH_S = 3
/** Evidence that keeps a release where it is: 1 in 20. */
const SUSPICIOUS = 20

export interface MeasureView {
  readonly evidence: Evidence
  readonly isOver: boolean
  readonly isSuspicious: boolean
}

export interface Measures {
  add(canary: Sample, baseline: Sample): void
  /** Figures begin anew, and so does one part of each test: a fault that only shows there is not outweighed by what was well before. */
  enterStage(): void
  views(): MeasureView[]
}

/** Begins in the first stage. */
export function createMeasures(alpha: number): Measures {
  const measures = RULES.map((rule) => createMeasure(rule, alpha))
  const known = noLatencies()
  let slow: SlowBuckets | null = null
  return {
    enterStage() {
      for (const measure of measures) measure.enterStage()
    },
    add(canary, baseline) {
      for (const measure of measures) measure.add(canary, baseline, slow)
      // Only what was before a second may set what counts as slow in it.
      baseline.latencyBuckets.forEach((count, index) => (known[index] = known[index]! * KEPT_SHARE + count))
      slow = sumOf(known) < SLOW_AFTER_REQUESTS ? null : slowBucketsOf(known)
    },
    views: () => measures.map((measure) => measure.view()),
  }
}

function createMeasure(rule: Rule, alpha: number) {
  const whole = createSequentialTest(rule.toleratedRatio, MAX_EVENTS_PER_S)
  const ofStages: SequentialTest[] = [createSequentialTest(rule.toleratedRatio, MAX_EVENTS_PER_S)]
  let totals = { canary: { trials: 0, events: 0 }, baseline: { trials: 0, events: 0 } }
  const hadEvents: boolean[] = []
  let [quietS, eValueMax, isKnown] = [0, 1, false]

  /** A mean of such processes is one, too; stages not begun yet stand at 1. */
  function weigh(): number {
    const begun = ofStages.reduce((sum, { eValue }) => sum + eValue, 0)
    return (whole.eValue + (begun + STAGES.length - ofStages.length) / STAGES.length) / 2
  }

  return {
    enterStage(): void {
      ofStages.push(createSequentialTest(rule.toleratedRatio, MAX_EVENTS_PER_S))
      totals = { canary: { trials: 0, events: 0 }, baseline: { trials: 0, events: 0 } }
    },
    add(canarySample: Sample, baselineSample: Sample, slow: SlowBuckets | null): void {
      const canary = rule.count(canarySample, slow)
      const baseline = rule.count(baselineSample, slow)
      if (canary === null || baseline === null) return
      isKnown = true
      totals = { canary: plus(totals.canary, canary), baseline: plus(totals.baseline, baseline) }
      const [suspect, other] = rule.isFewerWorse ? [baseline, canary] : [canary, baseline]
      for (const test of [whole, ofStages.at(-1)!]) test.add(suspect, other)
      quietS = suspect.events > 0 ? 0 : quietS + 1
      hadEvents.push(suspect.events > 0)
      if (hadEvents.length > SPREAD_S) hadEvents.shift()
      eValueMax = Math.max(eValueMax, weigh())
    },
    view(): MeasureView {
      const eValue = isKnown ? eValueMax : null
      const isSpread = hadEvents.filter(Boolean).length >= rule.minSeconds
      const [suspect, other] = rule.isFewerWorse
        ? [totals.baseline, totals.canary]
        : [totals.canary, totals.baseline]
      // What an earlier stage spoke for, this one has to bear out: overload comes to one side first, then to the other.
      const isWorseHere = (shareOf(suspect) ?? 0) > rule.toleratedRatio * (shareOf(other) ?? 0)
      return {
        evidence: {
          measure: rule.measure,
          canary: shareOf(totals.canary),
          baseline: shareOf(totals.baseline),
          unit: 'share',
          eValue,
        },
        isOver: isSpread && isWorseHere && quietS <= FRESH_S && eValueMax >= 1 / alpha,
        isSuspicious: weigh() >= SUSPICIOUS && quietS < SUSPICION_S,
      }
    },
  }
}

const slowBucketsOf = (known: readonly number[]): SlowBuckets => ({
  p99: firstBucketAbove(SLOW_RATIO.p99 * quantileOf(known, 0.99)!),
  p90: firstBucketAbove(SLOW_RATIO.p90 * quantileOf(known, 0.9)!),
})

const countSlow = ({ latencyBuckets }: Sample, slowBucket: number | undefined): Counted | null =>
  slowBucket === undefined
    ? null
    : { trials: sumOf(latencyBuckets), events: sumOf(latencyBuckets.slice(slowBucket)) }

const plus = (one: Counted, other: Counted): Counted => ({
  trials: one.trials + other.trials,
  events: one.events + other.events,
})

const shareOf = ({ trials, events }: Counted): number | null => (trials === 0 ? null : events / trials)
