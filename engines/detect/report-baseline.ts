/**
 * How many reports are usual: per feature and region, at this hour, and how sure that is.
 *
 * Learnt from blocks of ten minutes in which nothing was suspected; what is far above the expectation counts only up to
 * a cap. So neither an outage nor a flood teaches that it is normal.
 */
import { clamp, decayOver } from './maths.ts'
import {
  createLevel,
  createRhythm,
  HOUR_MS,
  levelPerHour,
  multiplierAt,
  multiplierVariance,
  teachLevel,
  teachRhythm,
  type Level,
  type Rhythm,
} from './rhythm.ts'
import { BIN_MS, type Shape } from './shape.ts'

/** What is believed of a region before its first report: one in a hundred minutes. */
const FLOOR_PER_H = 0.6
const SHARE_HALF_LIFE_H = 14 * 24
/** Counts that the shares of features start with, spread evenly. */
const SHARE_PRIOR = 12
/** Relative variance of a rate around its rhythm, before it was measured, and how many blocks that belief is worth. */
const NOISE_PRIOR = 0.07
const NOISE_PRIOR_BLOCKS = 40
const NOISE_HALF_LIFE_BLOCKS = 2000

export interface ReportBaseline {
  readonly rhythm: Rhythm
  /** Per column. */
  readonly levels: Level[]
  /** Per row × column: decayed counts, for the shares of features. */
  readonly shares: Float64Array
  /** Decayed sums behind the relative variance. */
  noise: { excess: number; square: number }
  /** Of the block that is being learnt: counts per row × column, and the clean time behind them. */
  readonly block: Float64Array
  blockMs: number
  /** What is expected in one bin, per row × column; and the relative variance of that. */
  readonly perBin: Float64Array
  variance: number
}

export function createReportBaseline(shape: Shape): ReportBaseline {
  const cells = shape.rows * shape.columns
  return {
    rhythm: createRhythm(),
    levels: Array.from({ length: shape.columns }, createLevel),
    shares: new Float64Array(cells),
    noise: { excess: 0, square: 0 },
    block: new Float64Array(cells),
    blockMs: 0,
    perBin: new Float64Array(cells),
    variance: 1,
  }
}

/** Hours of clean observation so far. */
export const learntHours = (baseline: ReportBaseline): number => baseline.levels[0]!.ageH

/** Gamma shape of the true rate around the expected one: measured noise, an unknown rhythm and few observations together. */
export const rateShape = (baseline: ReportBaseline): number => 1 / baseline.variance

/** Folds the block into the baseline, and forgets it. `atMs` is its middle. */
export function learnBlock(baseline: ReportBaseline, shape: Shape, atMs: number): void {
  const hours = baseline.blockMs / HOUR_MS
  if (hours <= 0) return
  const usual = baseline.perBin
  const bins = baseline.blockMs / BIN_MS
  const kept = decayOver(hours, SHARE_HALF_LIFE_H)
  let [total, expected] = [0, 0]
  for (let column = 0; column < shape.columns; column++) {
    let [observed, mean] = [0, 0]
    for (let row = 0; row < shape.rows; row++) {
      const cell = row * shape.columns + column
      observed += baseline.block[cell]!
      mean += usual[cell]! * bins
      baseline.shares[cell] = baseline.shares[cell]! * kept + baseline.block[cell]!
    }
    total += observed
    expected += mean
    teachColumn(baseline, shape, { column, observed, mean, hours, atMs })
  }
  learnNoise(baseline, total, expected)
  baseline.block.fill(0)
  baseline.blockMs = 0
}

function teachColumn(
  baseline: ReportBaseline,
  shape: Shape,
  seen: { column: number; observed: number; mean: number; hours: number; atMs: number },
): void {
  const level = baseline.levels[seen.column]!
  const localMs = seen.atMs + shape.offsetMs[seen.column]!
  const multiplier = multiplierAt(baseline.rhythm, localMs)
  // Until there is an hour to compare with, nothing says what is too much.
  const cap =
    level.ageH < 1
      ? Infinity
      : seen.mean + 3 * Math.sqrt(seen.mean + seen.mean * seen.mean * baseline.variance) + 2
  const observed = Math.min(seen.observed, cap)
  teachLevel(level, observed, seen.hours, multiplier)
  const flat = levelPerHour(level, FLOOR_PER_H) * seen.hours
  teachRhythm(baseline.rhythm, localMs, { observed, flat, hours: seen.hours / shape.columns })
}

function learnNoise(baseline: ReportBaseline, total: number, expected: number): void {
  if (learntHours(baseline) < 24 || expected <= 0) return
  const kept = decayOver(1, NOISE_HALF_LIFE_BLOCKS)
  const difference = Math.min(total, expected * 4) - expected
  // What the rhythm doesn't know yet is counted elsewhere; what Poisson noise explains is no noise of the rate.
  const excess = difference * difference - expected - expected * expected * baseline.variance * 0.1
  baseline.noise.excess = baseline.noise.excess * kept + excess / (1 + expected)
  baseline.noise.square = baseline.noise.square * kept + (expected * expected) / (1 + expected)
}

/** Works out what is expected now. Its result holds for some minutes. */
export function expectReports(baseline: ReportBaseline, shape: Shape, nowMs: number): void {
  const perRow = new Float64Array(shape.rows)
  for (let row = 0; row < shape.rows; row++) {
    for (let column = 0; column < shape.columns; column++)
      perRow[row]! += baseline.shares[row * shape.columns + column]!
  }
  const counted = perRow.reduce((sum, each) => sum + each, 0)
  const perColumn = Array.from({ length: shape.columns }, (_, column) => {
    let ofColumn = 0
    for (let row = 0; row < shape.rows; row++) ofColumn += baseline.shares[row * shape.columns + column]!
    return ofColumn
  })
  const perHours = expectColumns(baseline, shape, nowMs, perColumn)
  for (let column = 0; column < shape.columns; column++) {
    const perHour = perHours[column]!
    const ofColumn = perColumn[column]!
    for (let row = 0; row < shape.rows; row++) {
      const usualShare = (perRow[row]! + SHARE_PRIOR / shape.rows) / (counted + SHARE_PRIOR)
      const share =
        (baseline.shares[row * shape.columns + column]! + SHARE_PRIOR * usualShare) / (ofColumn + SHARE_PRIOR)
      baseline.perBin[row * shape.columns + column] = (perHour * share * BIN_MS) / HOUR_MS
    }
  }
  baseline.variance = varianceNow(baseline, shape, nowMs)
}

/** Reports an hour, per column. What names no region comes from all of them, and so follows their sum. */
function expectColumns(
  baseline: ReportBaseline,
  shape: Shape,
  nowMs: number,
  perColumn: readonly number[],
): number[] {
  const perHours = perColumn.map(
    (_, column) =>
      levelPerHour(baseline.levels[column]!, FLOOR_PER_H) *
      multiplierAt(baseline.rhythm, nowMs + shape.offsetMs[column]!),
  )
  const nameless = perColumn[shape.regions]!
  const named = perColumn.reduce((sum, count) => sum + count, 0) - nameless
  if (named >= nameless) {
    const sum = perHours.slice(0, shape.regions).reduce((total, each) => total + each, 0)
    perHours[shape.regions] = (sum * (nameless + 1)) / (named + 10)
  }
  return perHours
}

function varianceNow(baseline: ReportBaseline, shape: Shape, nowMs: number): number {
  const { excess, square } = baseline.noise
  // The prior is worth forty blocks of ten reports.
  const weight = NOISE_PRIOR_BLOCKS * 9
  const noise = clamp((Math.max(excess, 0) + NOISE_PRIOR * weight) / (square + weight), 0.04, 0.6)
  const observed = baseline.levels.reduce((sum, level) => sum + level.fastObserved, 0)
  const rhythm = multiplierVariance(baseline.rhythm, nowMs + shape.offsetMs[shape.regions]!)
  return clamp(noise + rhythm + 1 / (1 + observed), 0.02, 2)
}
