/**
 * Level, trend and rhythm of a rate: what is usual at this hour of the week.
 *
 * A rate is a level × a multiplier by hour of the week. The multiplier is learnt as observed over expected, each hour of
 * the week drawn towards that hour of any day, and that towards 1, by as much as few observations deserve.
 */
import { clamp, decayOver } from './maths.ts'

export const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const HOURS_PER_WEEK = 168
/** 1970 began on a Thursday; only that every week starts alike matters. */
const WEEK_MS = 7 * DAY_MS

/** Prior observations, in counts: how many it takes to believe in an hour as much as in what it is drawn towards. */
const PRIOR_COUNTS = 6
/** Half of what an hour of the week taught is forgotten after this many of its visits. */
const VISITS_HALF_LIFE = 8
/** How unlike its neighbours an hour may be before it was ever seen: relative variance. Days differ by about a factor of two. */
const UNSEEN_VARIANCE = 0.25
/** Visits of an hour of the day that quarter that variance. */
const VISITS_TO_KNOW = 3

export interface Rhythm {
  /** Per hour of the week: decayed sums. */
  readonly observed: Float64Array
  readonly expected: Float64Array
  /** Decayed number of hours observed, all regions together. */
  readonly visits: Float64Array
}

export const createRhythm = (): Rhythm => ({
  observed: new Float64Array(HOURS_PER_WEEK),
  expected: new Float64Array(HOURS_PER_WEEK),
  visits: new Float64Array(HOURS_PER_WEEK),
})

const hourOf = (localMs: number): number =>
  Math.floor((((localMs % WEEK_MS) + WEEK_MS) % WEEK_MS) / HOUR_MS) % HOURS_PER_WEEK

/** Teaches what was seen in `hours` around `localMs` where a flat rate of the same level would have given `flat`. */
export function teachRhythm(
  rhythm: Rhythm,
  localMs: number,
  seen: { observed: number; flat: number; hours: number },
): void {
  const hour = hourOf(localMs)
  const kept = decayOver(seen.hours, VISITS_HALF_LIFE)
  rhythm.observed[hour] = rhythm.observed[hour]! * kept + seen.observed
  rhythm.expected[hour] = rhythm.expected[hour]! * kept + seen.flat
  rhythm.visits[hour] = rhythm.visits[hour]! * kept + seen.hours
}

/** The hour of the day, over all days of the week. */
function ofDay(rhythm: Rhythm, hour: number): { multiplier: number; visits: number } {
  let [observed, expected, visits] = [0, 0, 0]
  for (let at = hour % 24; at < HOURS_PER_WEEK; at += 24) {
    observed += rhythm.observed[at]!
    expected += rhythm.expected[at]!
    visits += rhythm.visits[at]!
  }
  return { multiplier: (observed + PRIOR_COUNTS) / (expected + PRIOR_COUNTS), visits }
}

function ofHour(rhythm: Rhythm, hour: number): number {
  const day = ofDay(rhythm, hour)
  const visits = rhythm.visits[hour]!
  const expected = rhythm.expected[hour]!
  // One visit of an hour of the week, however many counts it had, is one draw of that hour's own noise.
  const prior = PRIOR_COUNTS + (visits > 0 ? (2 * expected) / Math.max(visits, 1) : 0)
  return (rhythm.observed[hour]! + prior * day.multiplier) / (expected + prior)
}

/** The multiplier at a local time, linear between the middles of hours. */
export function multiplierAt(rhythm: Rhythm, localMs: number): number {
  const before = localMs - HOUR_MS / 2
  const share = (((before % HOUR_MS) + HOUR_MS) % HOUR_MS) / HOUR_MS
  const from = ofHour(rhythm, hourOf(before))
  const to = ofHour(rhythm, hourOf(before + HOUR_MS))
  return clamp(from + (to - from) * share, 0.02, 50)
}

/** Relative variance of that multiplier: wide on the first day, small after the first week. */
export function multiplierVariance(rhythm: Rhythm, localMs: number): number {
  const { visits } = ofDay(rhythm, hourOf(localMs))
  return UNSEEN_VARIANCE / (1 + (visits * 3) / VISITS_TO_KNOW) ** 1.5
}

/** A level that follows growth: two memories of different length, and their difference as the trend. */
export interface Level {
  fastObserved: number
  fastExposure: number
  slowObserved: number
  slowExposure: number
  /** Hours ever observed. */
  ageH: number
}

export const createLevel = (): Level => ({
  fastObserved: 0,
  fastExposure: 0,
  slowObserved: 0,
  slowExposure: 0,
  ageH: 0,
})

const FAST_HALF_LIFE_H = 60
const SLOW_HALF_LIFE_H = 240
/** A trend needs more than one week behind it: before, it would be the rhythm that isn't known yet. */
const TREND_AFTER_H = 15 * 24
/** The lag of a memory is its half-life / ln 2; this is fast / (slow - fast). */
const TREND_EXPONENT = FAST_HALF_LIFE_H / (SLOW_HALF_LIFE_H - FAST_HALF_LIFE_H)
const MIN_HALF_LIFE_H = 1.5

/** Teaches `observed` in `hours`; `multiplier` is what the rhythm says of them. */
export function teachLevel(level: Level, observed: number, hours: number, multiplier: number): void {
  const exposure = hours * multiplier
  // Young levels forget fast: their first hours are not typical of the day.
  const fast = decayOver(hours, clamp(level.ageH / 3, MIN_HALF_LIFE_H, FAST_HALF_LIFE_H))
  const slow = decayOver(hours, clamp(level.ageH / 2, MIN_HALF_LIFE_H, SLOW_HALF_LIFE_H))
  level.fastObserved = level.fastObserved * fast + observed
  level.fastExposure = level.fastExposure * fast + exposure
  level.slowObserved = level.slowObserved * slow + observed
  level.slowExposure = level.slowExposure * slow + exposure
  level.ageH += hours
}

/** Per hour at multiplier 1, with `floorPerH` as the belief before anything was seen. */
export function levelPerHour(level: Level, floorPerH: number): number {
  const prior = 0.5
  const fast = (level.fastObserved + prior * floorPerH) / (level.fastExposure + prior)
  if (level.ageH < TREND_AFTER_H || level.slowObserved < 50) return fast
  const slow = level.slowObserved / level.slowExposure
  return fast * Math.pow(clamp(fast / slow, 0.8, 1.25), TREND_EXPONENT)
}
