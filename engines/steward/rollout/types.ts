/** What the judge of a rollout is fed, and what it answers. */

/**
 * Upper bounds of the latency buckets, in milliseconds, each 1.25 times the one before: 1 ms to 23 s. A request falls into the
 * first whose bound it does not exceed, and into one more, the last, when it exceeds all.
 */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from({ length: 46 }, (_, index) => 1.25 ** index)
export const LATENCY_BUCKET_COUNT = LATENCY_BOUNDS_MS.length + 1

/**
 * One second of one arm. Counts are of this second alone, not since the start. Null: this arm does not count it, which is
 * not the same as that there was none. Requests played back to an arm (golden ones) count like anybody's.
 */
export interface Sample {
  /** Of a clock that only goes forward, the same for both arms. */
  readonly atMs: number
  /** Ended within the second, whatever came of them, those that timed out or were shed included. */
  readonly requests: number
  /** Answered by 5xx without being shed, or cut off. */
  readonly errors: number
  readonly timeouts: number
  /** Turned away by admission control. */
  readonly shed: number
  /** Requests that were answered, by `LATENCY_BOUNDS_MS`; of `LATENCY_BUCKET_COUNT` numbers. */
  readonly latencyBuckets: readonly number[]
  readonly rssBytes: number | null
  /** Feed pages without a video, of an instance that has some. */
  readonly emptyFeeds: number | null
  readonly playbackStarts: number | null
  readonly playbackStartFailures: number | null
  /** The arm ended, or could not be loaded at all. */
  readonly crashed: boolean
}

/** Null: nothing was heard of the arm in this second. */
export interface Observation {
  readonly canary: Sample | null
  readonly baseline: Sample | null
}

/** In their order. `shadow`: played-back requests alone; `canary`: one process beside one baseline begun at the same moment. */
export const STAGES = ['shadow', 'canary', '5%', '25%', '50%', '100%'] as const
export type Stage = (typeof STAGES)[number]

export type Verdict =
  /** Stay in this stage: too little is known, or what is known is suspicious. */
  | 'hold'
  /** Go to the next stage; the judge counts itself as there from the next observation on. */
  | 'advance'
  /** The last stage is passed: the canary becomes the last good one. Final. */
  | 'promote'
  /** Take the release back now. Final. */
  | 'back'

export const MEASURES = [
  'crash',
  'silence',
  'failures',
  'p99',
  'p90',
  'shed',
  'memory',
  'empty-feeds',
  'playback-failures',
  'playback-starts',
] as const
export type Measure = (typeof MEASURES)[number]

/** What one measure says at this moment. */
export interface Evidence {
  readonly measure: Measure
  /** Since this stage began for rates, over the last seconds for the others; null: unknown. */
  readonly canary: number | null
  readonly baseline: number | null
  readonly unit: 'share' | 'bytes-per-s'
  /** How many times likelier than by chance, at the worst so far; null for what is no test. */
  readonly eValue: number | null
}

export interface Judgement {
  readonly verdict: Verdict
  /** The stage that the observation was made in. */
  readonly stage: Stage
  /** For a person, in one sentence. */
  readonly reason: string
  /** What decided; null where nothing speaks against the release. */
  readonly measure: Measure | null
  readonly evidence: readonly Evidence[]
}

/** What a stage asks for before the next one begins. */
export interface StageRule {
  readonly minMs: number
  /** Of the canary within this stage. */
  readonly minRequests: number
}

export interface JudgeOptions {
  /** Chance that a release as good as the baseline is taken back by a test, over all measures and its whole way. @default 0.001 */
  readonly alpha?: number
  /** @default STAGES: a code release without shadow leaves it out, say */
  readonly stages?: readonly Stage[]
  /** @default STAGE_RULES */
  readonly rules?: Partial<Readonly<Record<Stage, StageRule>>>
}

export interface Judge {
  readonly stage: Stage
  /**
   * Takes one second of both arms, in the order of time.
   *
   * After `promote` or `back` it answers the same again.
   *
   * @throws {RangeError} when the latency buckets of a sample are not `LATENCY_BUCKET_COUNT` numbers
   */
  observe(observation: Observation): Judgement
}
