/**
 * Coming back in order: a graph of steps, each of which opens after those before it.
 *
 * A step that nobody waits for opens after one good look. One at whose door more wait than can be served opens to 5, 25
 * and 100 % of the people, each behind a gate: windows in which enough of what was let in succeeded in time. A gate that
 * fails steps back its own step alone; steps that do not need each other go side by side.
 */
import type { Dependency } from './dependencies.ts'
import type { Feature, Level, Mode } from './levels.ts'

export interface Step {
  readonly name: string
  /** Steps that are open before this one begins; one that can't open now, for want of what it needs, holds up nobody. */
  readonly after: readonly string[]
  readonly needs: readonly Dependency[]
  /** How its features work until it opens. */
  readonly holds: Partial<Record<Feature, Mode>>
  /** Of the whole, until it opens. */
  readonly level: Level
}

export type StepState = 'closed' | 'opening' | 'open'

export interface StepView {
  readonly name: string
  readonly state: StepState
  /** Of the people: 0 while closed, 1 when open. */
  readonly share: number
  /** When it last changed; null: never. */
  readonly changedAtMs: number | null
  /** What it waits for, in words; null: nothing. */
  readonly waitsFor: string | null
}

/** What was let in to a step's features since the last look. */
export interface Window {
  readonly count: number
  readonly okCount: number
  readonly p99Ms: number | null
}

export interface StepSignals {
  /** Whether it would work now: null means that nothing is known against it. */
  readonly probe?: boolean | null
  /** Requests a second that the step keeps from what they want. */
  readonly waitingPerS?: number
  readonly window?: Window | null
}

export interface RestorationSignals {
  isUp(dependency: Dependency): boolean
  /** Requests a second that can be served; null: unknown. */
  readonly capacityPerS: number | null
  readonly steps: Readonly<Record<string, StepSignals>>
}

export interface RestorationEvent {
  readonly atMs: number
  readonly step: string
  readonly share: number
  readonly why: string
}

export interface Restoration {
  readonly steps: readonly StepView[]
  /** The newest last, bounded. */
  readonly timeline: readonly RestorationEvent[]
  observe(signals: RestorationSignals, nowMs: number): void
}

const SHARES = [0.05, 0.25, 1] as const
/** Good windows at a share before the next. */
const GOOD_WINDOWS = 4
/** A gate that saw nobody asks for this many windows instead. */
const EMPTY_WINDOWS = 8
/** A window of fewer says nothing about success. */
const WINDOW_MIN_COUNT = 5
const SUCCESS_MIN = 0.99
const P99_MAX_MS = 1_000
/** Where the capacity is not known yet: more than this at the door is a crowd. */
const CROWD_PER_S = 100
/** A step that fell back to its beginning tries again after this; twice as long each further time. */
const PAUSE_MS = 1_000
const PAUSE_MAX_MS = 30_000
const TIMELINE_MAX = 200

interface Progress {
  readonly step: Step
  state: StepState
  /** Index into SHARES while it opens. */
  stage: number
  goodWindows: number
  emptyWindows: number
  pauseMs: number
  pausedUntilMs: number
  changedAtMs: number | null
  waitsFor: string | null
}

/**
 * Starts with every step closed, as a process starts.
 *
 * @param steps in an order in which each comes after those that it names in `after`
 * @throws {RangeError} when a step names one that does not come before it: that also rules out cycles.
 */
export function createRestoration(steps: readonly Step[]): Restoration {
  const known = new Map<string, Progress>()
  for (const step of steps) {
    const missing = step.after.find((name) => !known.has(name))
    if (missing !== undefined)
      throw new RangeError(`${step.name} comes after ${missing}, which is not before it.`)
    known.set(step.name, beginningOf(step))
  }
  const all = [...known.values()]
  const timeline: RestorationEvent[] = []

  const note = (progress: Progress, why: string, nowMs: number) => {
    progress.changedAtMs = nowMs
    timeline.push({ atMs: nowMs, step: progress.step.name, share: shareOf(progress), why })
    if (timeline.length > TIMELINE_MAX) timeline.shift()
  }

  const waitsFor = ({ step }: Progress, signals: RestorationSignals): string | null => {
    const away = step.needs.find((name) => !signals.isUp(name))
    if (away !== undefined) return `${away} is away`
    const before = step.after.find((name) => {
      const other = known.get(name)!
      return other.state !== 'open' && other.step.needs.every((need) => signals.isUp(need))
    })
    if (before !== undefined) return `${before} comes first`
    return signals.steps[step.name]?.probe === false ? 'its probe fails' : null
  }

  return {
    timeline,
    get steps() {
      return all.map((progress) => ({
        name: progress.step.name,
        state: progress.state,
        share: shareOf(progress),
        changedAtMs: progress.changedAtMs,
        waitsFor: progress.waitsFor,
      }))
    },
    observe(signals, nowMs) {
      for (const progress of all) {
        const { step } = progress
        const lost = step.needs.find((name) => !signals.isUp(name))
        if (progress.state !== 'closed' && lost !== undefined) {
          close(progress)
          note(progress, `${lost} is away`, nowMs)
        }
        if (progress.state === 'open') continue
        progress.waitsFor = waitsFor(progress, signals)
        const own = signals.steps[step.name] ?? {}
        if (progress.state === 'closed') {
          if (progress.waitsFor !== null || nowMs < progress.pausedUntilMs) continue
          const isCrowded = (own.waitingPerS ?? 0) > (signals.capacityPerS ?? CROWD_PER_S)
          begin(progress, isCrowded)
          note(progress, isCrowded ? 'more wait than can be served' : 'one good probe, and no crowd', nowMs)
        } else {
          const why = pass(progress, own.window ?? null, nowMs)
          if (why !== null) note(progress, why, nowMs)
        }
      }
    },
  }
}

const beginningOf = (step: Step): Progress => ({
  step,
  state: 'closed',
  stage: 0,
  goodWindows: 0,
  emptyWindows: 0,
  pauseMs: PAUSE_MS,
  pausedUntilMs: -Infinity,
  changedAtMs: null,
  waitsFor: null,
})

const shareOf = ({ state, stage }: Progress): number =>
  state === 'open' ? 1 : state === 'closed' ? 0 : SHARES[stage]!

function close(progress: Progress): void {
  progress.state = 'closed'
  progress.stage = 0
}

function begin(progress: Progress, isCrowded: boolean): void {
  progress.state = isCrowded ? 'opening' : 'open'
  progress.stage = 0
  progress.goodWindows = 0
  progress.emptyWindows = 0
}

/** Lets a window through the gate; says what changed, or null. */
function pass(progress: Progress, window: Window | null, nowMs: number): string | null {
  if (window !== null && window.count >= WINDOW_MIN_COUNT && !isGood(window))
    return stepBack(progress, window, nowMs)
  if (window !== null && window.count > 0) progress.goodWindows++
  else progress.emptyWindows++
  if (progress.goodWindows < GOOD_WINDOWS && progress.emptyWindows < EMPTY_WINDOWS) return null
  progress.goodWindows = 0
  progress.emptyWindows = 0
  progress.stage++
  if (progress.stage < SHARES.length - 1) return 'the gate was passed'
  progress.state = 'open'
  progress.pauseMs = PAUSE_MS
  return 'the gate was passed'
}

const isGood = ({ count, okCount, p99Ms }: Window): boolean =>
  okCount >= count * SUCCESS_MIN && (p99Ms === null || p99Ms <= P99_MAX_MS)

function stepBack(progress: Progress, { count, okCount, p99Ms }: Window, nowMs: number): string {
  progress.goodWindows = 0
  progress.emptyWindows = 0
  if (progress.stage > 0) progress.stage--
  else {
    close(progress)
    progress.pausedUntilMs = nowMs + progress.pauseMs
    progress.pauseMs = Math.min(PAUSE_MAX_MS, progress.pauseMs * 2)
  }
  return `the gate failed: ${okCount} of ${count} succeeded, p99 ${p99Ms === null ? 'unknown' : `${Math.round(p99Ms)} ms`}`
}
