/**
 * Probes: the last word of each monitor at each vantage point, and what they say together of a cell.
 *
 * A vantage point's failures are one witness, however often it repeats them; another vantage point is a second one.
 * `blind` and `error` teach nothing: they neither accuse nor acquit.
 */
import { clamp } from './maths.ts'
import { rowFor, type Shape } from './shape.ts'
import type { ProbeFailure, ProbeSample } from './types.ts'

/** A result holds for so many of its intervals, and some time for the check itself. */
const FRESH_INTERVALS = 2.5
const FRESH_EXTRA_MS = 20_000
/** One that has been silent for this long is forgotten with all it taught. */
const FORGET_MS = 7 * 86_400_000
const FLIPS_KEPT = 0.93
/** More than any configuration asks for; a hostile agent can't fill the memory. */
const TRACKS_MAX = 20_000
/** How often a healthy check fails, before it is known, and how many checks that belief is worth. */
const FLAKY_PRIOR = 0.003
const FLAKY_WEIGHT = 300
const FAILS_WHEN_BROKEN = 0.95

export interface ProbeTrack {
  readonly vantageId: string
  /** Rows that the monitor covers; few rows: a specific witness. */
  rows: number[]
  /** -1: the vantage point stands for the whole world. */
  column: number
  asn: number | null
  atMs: number
  freshUntilMs: number
  outcome: 'ok' | 'failed' | 'blind'
  failure: ProbeFailure | null
  /** Checks in a row with this outcome. */
  run: number
  /** How often it went from one outcome to the other lately: decayed by each check. */
  flips: number
  lastOkMs: number | null
  failingSinceMs: number | null
  /** Decayed counts behind the rate at which it fails when nothing is wrong. */
  checks: number
  fails: number
  /** Of the logarithm of the duration of good checks. */
  durationMean: number
  durationSpread: number
  durations: number
  slowRun: number
}

export interface ProbeState {
  readonly tracks: Map<string, ProbeTrack>
  /** Last time any vantage point had a connection, and last time any result came. */
  sightedMs: number | null
  heardMs: number | null
  /** Until when the next result of any monitor may take. */
  freshUntilMs: number
}

export const createProbeState = (): ProbeState => ({
  tracks: new Map(),
  sightedMs: null,
  heardMs: null,
  freshUntilMs: 0,
})

/**
 * Takes a result; `isCalm` says that nothing is suspected, so that a failure may be counted as flakiness.
 *
 * @returns whether it can change what the probes say: one more success among successes can't.
 */
export function takeProbe(state: ProbeState, shape: Shape, sample: ProbeSample, isCalm: boolean): boolean {
  const key = JSON.stringify([sample.monitorId, sample.vantageId])
  const isBlind = sample.outcome === 'blind' || sample.outcome === 'error'
  state.heardMs = Math.max(state.heardMs ?? 0, sample.atMs)
  if (!isBlind) state.sightedMs = Math.max(state.sightedMs ?? 0, sample.atMs)
  state.freshUntilMs = Math.max(
    state.freshUntilMs,
    sample.atMs + sample.intervalMs * FRESH_INTERVALS + FRESH_EXTRA_MS,
  )
  let track = state.tracks.get(key)
  if (track === undefined) {
    if (state.tracks.size >= TRACKS_MAX) return false
    track = createTrack(sample)
    state.tracks.set(key, track)
  } else if (sample.atMs < track.atMs) return false
  describeTrack(track, shape, sample)
  if (isBlind) {
    track.outcome = 'blind'
    track.run = 0
    return true
  }
  const outcome = sample.outcome === 'ok' ? 'ok' : 'failed'
  const isFlip = track.outcome !== outcome && track.outcome !== 'blind'
  track.flips = track.flips * FLIPS_KEPT + (isFlip ? 1 : 0)
  track.run = track.outcome === outcome ? track.run + 1 : 1
  track.outcome = outcome
  track.failure = outcome === 'ok' ? null : sample.failure
  countFlakiness(track, outcome, isCalm)
  if (outcome === 'ok') {
    track.lastOkMs = sample.atMs
    track.failingSinceMs = null
    if (sample.durationMs !== null) takeDuration(track, sample.durationMs, isCalm)
  } else track.failingSinceMs ??= sample.atMs
  return outcome === 'failed' || track.run <= 2 || track.flips > FLIPS_TO_MIND || track.slowRun > 0
}

function createTrack(sample: ProbeSample): ProbeTrack {
  return {
    vantageId: sample.vantageId,
    rows: [],
    column: -1,
    asn: null,
    atMs: sample.atMs,
    freshUntilMs: 0,
    outcome: 'blind',
    failure: null,
    run: 0,
    flips: 0,
    lastOkMs: null,
    failingSinceMs: null,
    checks: 0,
    fails: 0,
    durationMean: 0,
    durationSpread: 0.3,
    durations: 0,
    slowRun: 0,
  }
}

/** What the sample says of its monitor; the configuration may have changed since the last one. */
function describeTrack(track: ProbeTrack, shape: Shape, sample: ProbeSample): void {
  track.rows = sample.featureIds.map((id) => rowFor(shape, id)).filter((row) => row < shape.features)
  track.column = sample.region === null ? -1 : (shape.columnOf.get(sample.region) ?? -1)
  track.asn = sample.asn
  track.atMs = sample.atMs
  track.freshUntilMs = sample.atMs + sample.intervalMs * FRESH_INTERVALS + FRESH_EXTRA_MS
}

function countFlakiness(track: ProbeTrack, outcome: 'ok' | 'failed', isCalm: boolean): void {
  // Only the first failure of a run: a broken target is not a flaky check.
  if (outcome === 'failed' && (track.run > 1 || !isCalm)) return
  track.checks = track.checks * 0.9998 + 1
  track.fails = track.fails * 0.9998 + (outcome === 'failed' ? 1 : 0)
}

export const flakinessOf = (track: ProbeTrack): number =>
  clamp((track.fails + FLAKY_PRIOR * FLAKY_WEIGHT) / (track.checks + FLAKY_WEIGHT), 0.0005, 0.5)

/** How many spreads above its usual duration a check has to be, again and again, to be called slow. */
const SLOW_SPREADS = 4
const DURATIONS_TO_KNOW = 20

function takeDuration(track: ProbeTrack, durationMs: number, isCalm: boolean): void {
  const value = Math.log(Math.max(durationMs, 1))
  const deviation = value - track.durationMean
  const isKnown = track.durations >= DURATIONS_TO_KNOW
  const isSlow = isKnown && deviation > SLOW_SPREADS * Math.max(track.durationSpread, 0.1)
  track.slowRun = isSlow ? track.slowRun + 1 : 0
  if (isSlow && !isCalm) return
  // A median and a mean deviation by small steps: what is rare moves them little.
  const step = Math.max(1 / (track.durations + 1), 0.01)
  track.durations += 1
  if (track.durations === 1) track.durationMean = value
  else track.durationMean += step * clamp(deviation, -3 * track.durationSpread, 3 * track.durationSpread)
  track.durationSpread += step * (Math.min(Math.abs(deviation), 1) * 1.25 - track.durationSpread)
}

export const isFresh = (track: ProbeTrack, nowMs: number): boolean =>
  track.outcome !== 'blind' && nowMs <= track.freshUntilMs

/** Drops what has been silent for a week. */
export function forgetProbes(state: ProbeState, nowMs: number): void {
  for (const [key, track] of state.tracks) if (nowMs - track.atMs > FORGET_MS) state.tracks.delete(key)
}

/**
 * A single failure is discounted for the many checks that could have failed by chance; repetitions add what is left after
 * the hiccups that outlast a check.
 */
const ONCE_MAX = 4.2
const REPEATED = [0, 2, 6.6, 8.2] as const

/** One break and one return are no flapping. */
const FLIPS_TO_MIND = 1.3

/** Whether its successes are to be believed: the more it flapped, the more of them in a row it takes. */
export const isSettled = (track: ProbeTrack): boolean =>
  track.run >= 2 + 1.5 * Math.max(track.flips - FLIPS_TO_MIND, 0)

/** Log-odds that one vantage point's failures are worth by themselves. */
export function accusationOf(track: ProbeTrack): number {
  const once = Math.min(Math.log(FAILS_WHEN_BROKEN / flakinessOf(track)), ONCE_MAX)
  // A place that is alone needs more rounds to be believed as much as two that agree.
  return once + REPEATED[Math.min(track.run, REPEATED.length) - 1]!
}
