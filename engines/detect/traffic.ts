/** Traffic: requests of each cell against their own level and rhythm, and the share of them that fails. */
import { clamp } from './maths.ts'
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
import { columnFor, cellOf, rowFor, type Shape } from './shape.ts'
import type { TrafficSample } from './types.ts'

export interface TrafficCell {
  readonly level: Level
  atMs: number
  freshUntilMs: number
  /** Observed over expected of the last interval, and smoothed over about three. */
  ratio: number
  smoothRatio: number
  /** Mean absolute deviation of log(ratio) when nothing is wrong. */
  spread: number
  errorRate: number | null
  usualErrorRate: number
  diversity: number | null
  /** Log-odds that it is broken. */
  logOdds: number
  /** Intervals in a row that looked alike. */
  badRun: number
  goodRun: number
  /** Since when it has been below the usual. */
  badSinceMs: number | null
  lastGoodMs: number | null
}

export interface TrafficState {
  readonly rhythm: Rhythm
  /** Per cell; null until the first sample. */
  readonly cells: (TrafficCell | null)[]
}

export const createTrafficState = (shape: Shape): TrafficState => ({
  rhythm: createRhythm(),
  cells: Array.from({ length: shape.features * shape.regions }, () => null),
})

/** Before this much has been seen, no level is known. */
const LEARN_FIRST_H = 0.25
/** Fewer requests than this in an interval can vanish by chance. */
const REQUESTS_TO_JUDGE = 20
/** What is left in a fault worth the name. */
const DROP_RATIO = 0.6
const HEALTHY_RATIO = 0.8
const MAX = 10
const FRESH_INTERVALS = 2.5
const FRESH_EXTRA_MS = 60_000

function createCell(): TrafficCell {
  return {
    level: createLevel(),
    atMs: 0,
    freshUntilMs: 0,
    ratio: 1,
    smoothRatio: 1,
    spread: 0.12,
    errorRate: null,
    usualErrorRate: 0.005,
    diversity: null,
    logOdds: 0,
    badRun: 0,
    goodRun: 0,
    badSinceMs: null,
    lastGoodMs: null,
  }
}

/** Takes one interval; `isCalm` says that it may teach what is usual. An unknown number of requests changes nothing. */
export function takeTraffic(state: TrafficState, shape: Shape, sample: TrafficSample, isCalm: boolean): void {
  const row = rowFor(shape, sample.featureId)
  const column = columnFor(shape, sample.region)
  if (row >= shape.features || column >= shape.regions || sample.requests === null) return
  if (!(sample.intervalMs > 0) || !(sample.requests >= 0)) return
  const index = cellOf(shape, row, column)
  const cell = (state.cells[index] ??= createCell())
  if (sample.atMs <= cell.atMs) return
  const hours = sample.intervalMs / HOUR_MS
  const localMs = sample.atMs + shape.offsetMs[column]!
  const multiplier = multiplierAt(state.rhythm, localMs)
  const expected = levelPerHour(cell.level, 0) * multiplier * hours
  const isKnown = cell.level.ageH >= LEARN_FIRST_H
  cell.atMs = sample.atMs
  cell.freshUntilMs = sample.atMs + sample.intervalMs * FRESH_INTERVALS + FRESH_EXTRA_MS
  cell.ratio = isKnown ? (sample.requests + 1) / (expected + 1) : 1
  cell.smoothRatio += 0.4 * (cell.ratio - cell.smoothRatio)
  cell.diversity = sample.diversity
  cell.errorRate =
    sample.errors === null || sample.requests < REQUESTS_TO_JUDGE
      ? null
      : clamp(sample.errors / sample.requests, 0, 1)
  if (isKnown) {
    const unknownRhythm = multiplierVariance(state.rhythm, localMs)
    judge(cell, sample.atMs, { expected, spread: Math.sqrt(cell.spread ** 2 * 2 + unknownRhythm) })
  }
  if (!isCalm || cell.logOdds > 1) return
  learn(state, cell, { sample, hours, localMs, multiplier, expected, isKnown })
}

function judge(cell: TrafficCell, atMs: number, usual: { expected: number; spread: number }): void {
  const byDrop = usual.expected < REQUESTS_TO_JUDGE ? 0 : judgeDrop(cell.ratio, usual.spread)
  const byErrors = judgeErrors(cell)
  const now = Math.max(byDrop, byErrors)
  const isBad = now > 1
  cell.badRun = isBad ? cell.badRun + 1 : 0
  const isGood = !isBad && cell.smoothRatio >= HEALTHY_RATIO && usual.expected >= REQUESTS_TO_JUDGE
  cell.goodRun = isGood ? cell.goodRun + 1 : 0
  if (isGood) cell.lastGoodMs = atMs
  if (!isBad) cell.badSinceMs = null
  else cell.badSinceMs ??= atMs
  // A single interval may be a counter that was read late.
  const cap = cell.badRun >= 2 ? MAX : MAX * 0.7
  cell.logOdds = isBad ? Math.min(now, cap) : byErrors < 0 ? -2.5 : isGood ? -1 : 0
}

/** A drop against the noise that is usual, tempered: traffic has heavier tails than a normal distribution. */
function judgeDrop(ratio: number, spread: number): number {
  if (ratio > DROP_RATIO) return 0
  const z = Math.log(ratio) / Math.max(spread, 0.08)
  return clamp((z * z) / 4 - 1.5, 0, MAX)
}

function judgeErrors(cell: TrafficCell): number {
  if (cell.errorRate === null) return 0
  const usual = Math.max(cell.usualErrorRate, 0.002)
  if (cell.errorRate > 0.05 && cell.errorRate > 4 * usual)
    return clamp(4 + 2 * Math.log(cell.errorRate / Math.max(0.05, 4 * usual)) + 2, 0, MAX)
  return cell.errorRate < 0.02 || cell.errorRate < 2 * usual ? -1 : 0
}

function learn(
  state: TrafficState,
  cell: TrafficCell,
  seen: {
    sample: TrafficSample
    hours: number
    localMs: number
    multiplier: number
    expected: number
    isKnown: boolean
  },
): void {
  const requests = seen.sample.requests!
  const capped = seen.isKnown ? clamp(requests, seen.expected * 0.5, seen.expected * 2 + 5) : requests
  teachLevel(cell.level, capped, seen.hours, seen.multiplier)
  const flat = levelPerHour(cell.level, 0) * seen.hours
  // Each cell weighs the same in the rhythm: a share of a hundred counts an hour.
  const unit = flat > 0 ? (100 * seen.hours) / flat : 0
  const share =
    1 /
    Math.max(
      state.cells.reduce((sum, each) => sum + (each === null ? 0 : 1), 0),
      1,
    )
  teachRhythm(state.rhythm, seen.localMs, {
    observed: capped * unit * share,
    flat: flat * unit * share,
    hours: seen.hours * share,
  })
  if (seen.isKnown && cell.level.ageH > 1) {
    const deviation = Math.min(Math.abs(Math.log(cell.ratio)), 1)
    cell.spread += 0.002 * (deviation * 1.25 - cell.spread)
  }
  if (cell.errorRate !== null) cell.usualErrorRate += 0.005 * (cell.errorRate - cell.usualErrorRate)
}

export const isTrafficFresh = (cell: TrafficCell | null, nowMs: number): cell is TrafficCell =>
  cell !== null && nowMs <= cell.freshUntilMs
