/**
 * The level that overload asks for: up at once, down one at a time after a while of quiet.
 *
 * Each figure has a threshold a level; the worst of them counts. While a level does not help, the next follows. Who comes
 * down and has to go up again at once stays up longer the next time, so that a load at the edge does not make it swing.
 */
import { LEVELS, type Level } from './levels.ts'

export interface PressureSignals {
  /** How late timers fire in the busiest process, 99th percentile of the last second; null: unknown. */
  readonly eventLoopP99Ms: number | null
  /** Share of its memory limit that the fullest process uses; null: unknown. */
  readonly memoryShare: number | null
  /** Part of the time in which the busiest process had something to do; null: unknown. */
  readonly busyShare: number | null
  /** The most important class of requests of which more than 2 % are being refused; null: none. */
  readonly refusedClass: 0 | 1 | 2 | 3 | null
}

export interface PressureState {
  readonly level: Level
  /** What asks for it, most pressing first; empty at 0. */
  readonly because: readonly string[]
}

/** From this value on the level is asked for; index 0 is level 1. */
const EVENT_LOOP_MS = [100, 200, 400, 1_000, 3_000]
const MEMORY_SHARE = [0.8, 0.86, 0.9, 0.94, 0.97]
/** From here on nothing is left for what nobody waits for: level 1, and no more however long it lasts. */
const BUSY_SHARE = 0.97
const BUSY_CALM_SHARE = 0.9
/** A class is refused although the level below already spares it what it can. */
const LEVEL_OF_REFUSED_CLASS: readonly Level[] = [4, 3, 2, 1]
/** A figure has fallen below its threshold when it is a fifth below: noise at the edge is no calm. */
const CALM_SHARE = 0.8

/** One look is noise (a collection, a start); two in a row are not. Looks come four times a second. */
const LOOKS_TO_RISE = 2
/** A level that does not help is followed by the next. */
const NO_HELP_MS = 3_000
/** Levels that rise because one below did not help end here: what is cut off then is decided by the figures alone. */
const NO_HELP_MAX: Level = 4
const QUIET_MS = 10_000
const QUIET_MAX_MS = 80_000
/** Once it has been quiet for that long, each further level goes after this. */
const NEXT_DOWN_MS = 2_500
/** Whoever rises again this soon after going down has gone down too early. */
const RELAPSE_MS = 30_000

/** From which value on each level above 0 is asked for; what is left out is as it is by default. */
export interface Thresholds {
  readonly eventLoopMs?: readonly number[] | undefined
  readonly memoryShare?: readonly number[] | undefined
}

export interface Pressure {
  readonly state: PressureState
  /** Replaces those before. */
  setThresholds(thresholds: Thresholds): void
  observe(signals: PressureSignals, nowMs: number): PressureState
}

/** Begins at level 0, with no threshold changed. */
export function createPressure(): Pressure {
  let state: PressureState = { level: 0, because: [] }
  let looks = 0
  let changedAtMs = -Infinity
  let wentDownAtMs = -Infinity
  let lastLoudAtMs = -Infinity
  let quietMs = QUIET_MS
  let thresholds: Thresholds = {}

  const move = (level: Level, because: readonly string[], nowMs: number) => {
    if (level > state.level && nowMs - wentDownAtMs < RELAPSE_MS)
      quietMs = Math.min(QUIET_MAX_MS, quietMs * 2)
    if (level < state.level) wentDownAtMs = nowMs
    changedAtMs = nowMs
    state = { level, because }
  }

  return {
    get state() {
      return state
    },
    setThresholds(given) {
      thresholds = given
    },
    observe(signals, nowMs) {
      const asked = judge(signals, 1, thresholds)
      looks = asked.level > 0 ? looks + 1 : 0
      if (judge(signals, CALM_SHARE, thresholds).level > 0) lastLoudAtMs = nowMs
      if (looks >= LOOKS_TO_RISE && asked.level > state.level) move(asked.level, asked.because, nowMs)
      else if (isHelpless(judge({ ...signals, busyShare: null }, 1, thresholds).level, nowMs - changedAtMs))
        move(LEVELS[state.level + 1]!, [...asked.because, `level ${state.level} did not help`], nowMs)
      else if (state.level > 0 && canFall(nowMs)) move(LEVELS[state.level - 1]!, state.because, nowMs)
      if (state.level === 0 && nowMs - wentDownAtMs > RELAPSE_MS) quietMs = QUIET_MS
      if (state.level === 0 && state.because.length > 0) state = { level: 0, because: [] }
      return state
    },
  }

  function isHelpless(asked: Level, heldMs: number): boolean {
    return (
      asked > 0 &&
      looks >= LOOKS_TO_RISE &&
      state.level > 0 &&
      state.level < NO_HELP_MAX &&
      heldMs >= NO_HELP_MS
    )
  }

  function canFall(nowMs: number): boolean {
    const isFirst = wentDownAtMs < lastLoudAtMs
    return nowMs - lastLoudAtMs >= quietMs && (isFirst || nowMs - changedAtMs >= NEXT_DOWN_MS)
  }
}

function judge(
  signals: PressureSignals,
  share: number,
  { eventLoopMs = EVENT_LOOP_MS, memoryShare: memoryShares = MEMORY_SHARE }: Thresholds,
): PressureState {
  const { eventLoopP99Ms, memoryShare, busyShare, refusedClass } = signals
  const asks: { level: Level; words: string }[] = []
  const ask = (level: Level, words: string) => void (level > 0 && asks.push({ level, words }))
  if (eventLoopP99Ms !== null)
    ask(
      levelOf(eventLoopP99Ms, eventLoopMs, share),
      `the event loop is ${Math.round(eventLoopP99Ms)} ms late`,
    )
  if (memoryShare !== null)
    ask(levelOf(memoryShare, memoryShares, share), `${Math.round(memoryShare * 100)} % of the memory is used`)
  if (busyShare !== null && busyShare >= BUSY_SHARE * (share < 1 ? BUSY_CALM_SHARE : 1))
    ask(1, `the process is busy for ${Math.round(busyShare * 100)} % of the time`)
  if (refusedClass !== null)
    ask(LEVEL_OF_REFUSED_CLASS[refusedClass]!, `requests of class P${refusedClass} are refused`)
  asks.sort((a, b) => b.level - a.level)
  return { level: asks[0]?.level ?? 0, because: asks.map(({ words }) => words) }
}

const levelOf = (value: number, thresholds: readonly number[], share: number): Level =>
  LEVELS[thresholds.filter((threshold) => value >= threshold * share).length]!
