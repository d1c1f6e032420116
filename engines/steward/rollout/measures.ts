/** The measures of a rollout that are tests: what counts as an event in which arm, and when it is enough. */
import { firstBucketAbove, noLatencies, quantileOf, sumOf } from './latency.ts'
import { createSecondsTest } from './seconds-test.ts'
import { createSequentialTest, type Counted } from './sequential-test.ts'
import { STAGES, type Evidence, type Measure, type Sample } from './types.ts'

interface Rule {
  readonly measure: Measure
  /** Of α: they add up to 1, so that α holds over all measures together (Bonferroni). */
  readonly alphaShare: number
  /** Of the odds, up to which a difference does not matter. */
  readonly toleratedRatio: number
  /** Of both arms, that count fully. @default MAX_EVENTS_PER_S */
  readonly maxEventsPerS?: number
  /** Events of one second have one cause, such as a collection of garbage: a rate shows in several of the last seconds. */
  readonly minSeconds: number
  /** Null: the arm does not count it. */
  count(sample: Sample, slow: SlowBuckets | null): Counted | null
  /** One pause makes many requests slow: it has to be seen second after second, too. */
  readonly isClustered?: boolean
  /** The canary is worse when it has fewer. */
  readonly isFewerWorse?: boolean
}

/** From which bucket on a request is slow, by the quantile of the baseline that it is so many times above. */
interface SlowBuckets {
  readonly p99: number
  readonly p90: number
}

/** So many that have one cause, as a pause of a process or of the database, are not much more than one. */
const MAX_EVENTS_PER_S = 4
/** Whether it is only one pause is what the seconds are looked at for. */
const MAX_SLOW_PER_S = 12
/** What has no pause as its cause comes more nearly one by one. */
const MAX_SEPARATE_EVENTS_PER_S = 8

const RULES: readonly Rule[] = [
  {
    measure: 'failures',
    alphaShare: 0.35,
    toleratedRatio: 1.1,
    minSeconds: 3,
    count: ({ requests, errors, timeouts }) => ({ trials: requests, events: errors + timeouts }),
  },
  {
    measure: 'p99',
    alphaShare: 0.2,
    toleratedRatio: 1.5,
    maxEventsPerS: MAX_SLOW_PER_S,
    minSeconds: 5,
    isClustered: true,
    count: (sample, slow) => countSlow(sample, slow?.p99),
  },
  {
    measure: 'p90',
    alphaShare: 0.15,
    toleratedRatio: 1.5,
    maxEventsPerS: MAX_SLOW_PER_S,
    minSeconds: 8,
    isClustered: true,
    count: (sample, slow) => countSlow(sample, slow?.p90),
  },
  {
    measure: 'shed',
    alphaShare: 0.1,
    toleratedRatio: 2,
    // Limits that adapt turn away in spells, and not at the same moment in two processes.
    minSeconds: 12,
    count: ({ requests, shed }) => ({ trials: requests, events: shed }),
  },
  {
    measure: 'empty-feeds',
    alphaShare: 0.05,
    toleratedRatio: 1.5,
    maxEventsPerS: MAX_SEPARATE_EVENTS_PER_S,
    minSeconds: 3,
    count: ({ requests, emptyFeeds }) =>
      emptyFeeds === null ? null : { trials: requests, events: emptyFeeds },
  },
  {
    measure: 'playback-failures',
    alphaShare: 0.1,
    toleratedRatio: 1.5,
    maxEventsPerS: MAX_SEPARATE_EVENTS_PER_S,
    minSeconds: 3,
    count: ({ playbackStarts, playbackStartFailures }) =>
      playbackStarts === null || playbackStartFailures === null
        ? null
        : { trials: playbackStarts + playbackStartFailures, events: playbackStartFailures },
  },
  {
    measure: 'playback-starts',
    alphaShare: 0.05,
    toleratedRatio: 2,
    maxEventsPerS: MAX_SEPARATE_EVENTS_PER_S,
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
/** The last seconds, in which events have to be spread. */
const SPREAD_S = 30
/** What is over since so long is no reason any more to go back. */
const FRESH_S = 3
/** Evidence of seconds that slowness needs besides. One equal process in so many comes to it by pauses of its own alone. */
const DENSE = 300
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
  const limit = 1 / (alpha * rule.alphaShare)
  const createTest = () => createSequentialTest(rule.toleratedRatio, rule.maxEventsPerS ?? MAX_EVENTS_PER_S)
  const whole = createTest()
  const ofStages = [createTest()]
  const seconds = rule.isClustered ? createSecondsTest() : null
  let totals = { canary: { trials: 0, events: 0 }, baseline: { trials: 0, events: 0 } }
  const hadEvents: boolean[] = []
  let [quietS, eValueMax, isKnown] = [0, 1, false]

  /** A mean of such processes is one, too; stages not begun yet stand at 1. */
  function weigh(): number {
    const begun = ofStages.reduce((sum, { eValue }) => sum + eValue, 0)
    return (whole.eValue + (begun + STAGES.length - ofStages.length) / STAGES.length) / 2
  }

  /** Not only in total. */
  const isDense = (): boolean => seconds === null || seconds.eValue >= DENSE

  return {
    enterStage(): void {
      ofStages.push(createTest())
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
      seconds?.add(suspect, other)
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
        isOver: isSpread && isWorseHere && quietS <= FRESH_S && eValueMax >= limit && isDense(),
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
