/** Signals about a service as a whole: chatter on open networks, and the service's own word. */
import { clamp, excessLogRatio } from './maths.ts'
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
import { rowFor, type Shape } from './shape.ts'
import type { ChatterSample, WordSample } from './types.ts'

export interface ChatterState {
  readonly rhythm: Rhythm
  readonly level: Level
  /** Smoothed counts and expectations: about the last three minutes. */
  count: number
  expected: number
  freshUntilMs: number
  atMs: number
}

const SMOOTH_MS = 180_000
const EXPECTED_MIN = 0.5
const COUNT_MIN = 4
const NOISE = 0.25
const FLOOR_PER_H = 0.6
export const CHATTER_MAX = 6

export const createChatterState = (): ChatterState => ({
  rhythm: createRhythm(),
  level: createLevel(),
  count: 0,
  expected: 0,
  freshUntilMs: 0,
  atMs: 0,
})

export function takeChatter(
  state: ChatterState,
  sample: ChatterSample,
  offsetMs: number,
  isCalm: boolean,
): void {
  if (!(sample.intervalMs > 0) || !(sample.count >= 0) || sample.atMs <= state.atMs) return
  const hours = sample.intervalMs / HOUR_MS
  const localMs = sample.atMs + offsetMs
  const multiplier = multiplierAt(state.rhythm, localMs)
  const expected = levelPerHour(state.level, FLOOR_PER_H) * multiplier * hours
  const kept = Math.exp(-sample.intervalMs / SMOOTH_MS)
  state.count = state.count * kept + sample.count
  state.expected = state.expected * kept + expected
  state.atMs = sample.atMs
  state.freshUntilMs = sample.atMs + 3 * sample.intervalMs + 30_000
  if (!isCalm) return
  const count =
    state.level.ageH < 1 ? sample.count : Math.min(sample.count, expected * 2 + 3 * Math.sqrt(expected) + 2)
  teachLevel(state.level, count, hours, multiplier)
  teachRhythm(state.rhythm, localMs, {
    observed: count,
    flat: levelPerHour(state.level, FLOOR_PER_H) * hours,
    hours,
  })
}

/** Log-odds that something is broken; null while nothing fresh is there. */
export function judgeChatter(state: ChatterState, nowMs: number, offsetMs: number): number | null {
  if (nowMs > state.freshUntilMs) return null
  if (state.count < COUNT_MIN) return 0
  const variance = NOISE + multiplierVariance(state.rhythm, nowMs + offsetMs)
  const score = excessLogRatio(state.count, Math.max(state.expected, EXPECTED_MIN), 1 / variance)
  const known = clamp(state.level.ageH, 0, 1)
  return clamp((score - 1) * known, 0, CHATTER_MAX)
}

export interface WordState {
  /** Per row; the last one is the service as a whole. */
  readonly status: (WordSample['status'] | null)[]
  readonly atMs: number[]
}

/** A feed that says nothing for so long has lost its voice. */
const WORD_FRESH_MS = 30 * 60_000

/** Services tend to say it late and small, so a confession weighs much more than a denial. */
const WORD_LOG_ODDS: Readonly<Record<WordSample['status'], number>> = {
  operational: -0.5,
  degraded: 3,
  partial: 4.5,
  major: 6,
  maintenance: 0,
}

export const createWordState = (shape: Shape): WordState => ({
  status: Array.from({ length: shape.rows }, () => null),
  atMs: Array.from({ length: shape.rows }, () => 0),
})

export function takeWord(state: WordState, shape: Shape, sample: WordSample): void {
  const row = rowFor(shape, sample.featureId)
  // A name that we don't know says nothing of the whole.
  if (sample.featureId !== null && row === shape.features) return
  if (sample.atMs < state.atMs[row]!) return
  state.status[row] = sample.status
  state.atMs[row] = sample.atMs
}

/** The service's word on a feature: its own line, else that on the whole. */
export function wordOn(
  state: WordState,
  shape: Shape,
  row: number,
  nowMs: number,
): WordSample['status'] | null {
  for (const at of [row, shape.features]) {
    const status = state.status[at] ?? null
    if (status !== null && nowMs - state.atMs[at]! <= WORD_FRESH_MS) return status
  }
  return null
}

export const judgeWord = (status: WordSample['status'] | null): number | null =>
  status === null ? null : WORD_LOG_ODDS[status]
