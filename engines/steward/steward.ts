/**
 * What works at this moment, and how: out of how loaded the processes are, what they stand on, what the operator says and
 * how far the return has come. Pure: the time comes with each look, and the same looks give the same states.
 */
import { createDependencies, FALLS, type Dependency } from './dependencies.ts'
import { createDoubt } from './doubt.ts'
import { FEATURES, isWorse, LEVELS, modeAt, type Feature, type Level, type Mode } from './levels.ts'
import { createPressure, type PressureSignals, type Thresholds } from './pressure.ts'
import {
  createRestoration,
  type RestorationEvent,
  type Step,
  type StepSignals,
  type StepView,
} from './restoration.ts'
import { STEPS } from './steps.ts'

export type Reason = 'overload' | 'operator' | 'maintenance' | 'recovering' | Dependency

export interface Signals extends PressureSignals {
  readonly dependencies: Partial<Record<Dependency, boolean | null>>
  /** Requests a second that can be served; null: unknown. */
  readonly capacityPerS: number | null
  readonly steps: Readonly<Record<string, StepSignals>>
  /** Whether a replica of the database can be read. @default false */
  readonly hasReplica?: boolean
  /** The level that the load of the process asks for that people talk to, where that is another one. @default 0 */
  readonly elsewhere?: Level
}

/** The operator's word, until it expires. Times in ms of the clock that `observe` is given. */
export interface Orders {
  readonly level: { readonly level: Level; readonly reason: string; readonly untilMs: number } | null
  readonly features: Partial<Record<Feature, { readonly reason: string; readonly untilMs: number }>>
  /** Maintenance goes on: what people bring is paused. */
  readonly isMaintenance: boolean
}

export const NO_ORDERS: Orders = { level: null, features: {}, isMaintenance: false }

export interface FeatureView {
  readonly mode: Mode
  readonly sinceMs: number
  /** Null while it is on. */
  readonly reason: Reason | null
  /** What part of the people it is open to while it comes back. */
  readonly share: number
  readonly note: string | null
}

export interface StewardState {
  readonly level: Level
  readonly sinceMs: number
  /** Why, most pressing first. */
  readonly causes: readonly string[]
  readonly features: Readonly<Record<Feature, FeatureView>>
}

export interface StewardOptions {
  readonly nowMs: number
  /** @default STEPS */
  readonly steps?: readonly Step[]
  /** Whether it decides on levels by itself; off: operators and dependencies alone. @default true */
  readonly hasLevels?: boolean
  /** Whether it comes back step by step; off: everything opens at once. @default true */
  readonly hasOrder?: boolean
  /** Whether it doubts its own look when everything falls at once; off: each look is believed. @default true */
  readonly hasDoubt?: boolean
}

export interface Steward {
  readonly state: StewardState
  /** What this process's own load asks for. */
  readonly pressureLevel: Level
  readonly steps: readonly StepView[]
  readonly timeline: readonly RestorationEvent[]
  isUp(dependency: Dependency): boolean
  give(orders: Orders): void
  /** When levels rise; what is left out is as by default. */
  setThresholds(thresholds: Thresholds): void
  /** A look, about four times a second: answers the state, the same object when nothing has changed. */
  observe(signals: Signals, nowMs: number): StewardState
}

/** What a replica of the database can serve, with its age. */
const READ_FROM_REPLICA: readonly Feature[] = ['search', 'profiles']

/** During maintenance nobody's work is begun that would be cut off. */
const MAINTENANCE_HOLDS: Partial<Record<Feature, Mode>> = { uploads: 'paused', processing: 'paused' }

/**
 * Begins at level 0 with every feature on; the first look closes what has not come back yet.
 *
 * Times are in ms of a clock that only goes forward.
 */
export function createSteward(options: StewardOptions): Steward {
  const { nowMs, steps = STEPS, hasLevels = true, hasOrder = true, hasDoubt = true } = options
  const pressure = createPressure()
  const dependencies = createDependencies(nowMs)
  const doubt = createDoubt()
  const restoration = createRestoration(hasOrder ? steps : [])
  let orders = NO_ORDERS
  let state: StewardState = beginning(nowMs)

  return {
    get state() {
      return state
    },
    get pressureLevel() {
      return pressure.state.level
    },
    get steps() {
      return restoration.steps
    },
    timeline: restoration.timeline,
    isUp: (dependency) => dependencies.isUp(dependency),
    give(given) {
      orders = given
    },
    setThresholds: pressure.setThresholds,
    observe(signals, atMs) {
      const seen = signals.dependencies
      dependencies.observe(hasDoubt ? doubt.weigh(seen, atMs) : seen, atMs)
      if (hasLevels) pressure.observe(signals, atMs)
      restoration.observe({ ...signals, isUp: (dependency) => dependencies.isUp(dependency) }, atMs)
      state = settle(state, decide(signals, atMs), atMs)
      return state
    },
  }

  function decide({ elsewhere = 0, hasReplica = false }: Signals, atMs: number): Draft {
    const draft = new Draft()
    if (elsewhere > 0) draft.fall(elsewhere, 'overload', 'the process that people talk to is overloaded')
    if (pressure.state.level > 0)
      draft.fall(pressure.state.level, 'overload', pressure.state.because.join('; '))
    for (const name of dependencies.away()) {
      draft.fall(FALLS[name].level, name, `${name} is away`)
      for (const [feature, mode] of entriesOf(FALLS[name].features)) draft.lower(feature, mode, name)
    }
    if (doubt.doubted.length > 0)
      draft.mark(
        0,
        `whoever looks is doubted: ${doubt.doubted.join(', ')} failed together or after a standstill`,
      )
    for (const view of restoration.steps) {
      if (view.state === 'open') continue
      const step = steps.find(({ name }) => name === view.name)!
      // What it needs says by itself why.
      const reason = step.needs.find((name) => !dependencies.isUp(name)) ?? 'recovering'
      draft.mark(step.level, `${step.name}: ${view.waitsFor ?? 'opening'}`)
      for (const [feature, mode] of entriesOf(step.holds)) draft.lower(feature, mode, reason, view.share)
    }
    if (hasReplica) for (const feature of READ_FROM_REPLICA) draft.substitute(feature, 'cached')
    give(draft, atMs)
    // What can't be written down is not taken.
    if (!dependencies.isUp('journal'))
      for (const feature of FEATURES)
        if (draft.modeOf(feature) === 'kept') draft.lower(feature, 'paused', 'journal')
    return draft
  }

  function give(draft: Draft, atMs: number): void {
    if (orders.isMaintenance)
      for (const [feature, mode] of entriesOf(MAINTENANCE_HOLDS)) draft.lower(feature, mode, 'maintenance')
    if (orders.level && atMs < orders.level.untilMs)
      draft.fall(orders.level.level, orders.isMaintenance ? 'maintenance' : 'operator', orders.level.reason)
    for (const [feature, order] of entriesOf(orders.features))
      if (atMs < order.untilMs) draft.lower(feature, 'paused', 'operator', 0, order.reason)
  }
}

interface DraftFeature {
  mode: Mode
  reason: Reason | null
  share: number
  note: string | null
}

/** A state in the making: each feature gets the worst mode that anything asks for, by the first that asks for it. */
class Draft {
  level: Level = 0
  readonly causes: string[] = []
  readonly features = new Map<Feature, DraftFeature>(
    FEATURES.map((feature) => [feature, { mode: 'on', reason: null, share: 1, note: null }]),
  )

  modeOf(feature: Feature): Mode {
    return this.features.get(feature)!.mode
  }

  /** The whole falls to a level, and each feature with it. */
  fall(level: Level, reason: Reason, cause: string): void {
    this.mark(level, cause)
    for (const feature of FEATURES) this.lower(feature, modeAt(level, feature), reason)
  }

  /** The level is shown, and its features are left to others. */
  mark(level: Level, cause: string): void {
    this.level = LEVELS[Math.max(this.level, level)]!
    this.causes.push(cause)
  }

  /** @param share of the people who have the feature as it should be in spite of it */
  lower(feature: Feature, mode: Mode, reason: Reason, share = 0, note: string | null = null): void {
    const known = this.features.get(feature)!
    if (mode === 'on' || (known.mode !== 'on' && !isWorse(mode, known.mode))) return
    this.features.set(feature, { mode, reason, share, note })
  }

  /** What falls for want of the database alone is had in this mode all the same. */
  substitute(feature: Feature, mode: Mode): void {
    const known = this.features.get(feature)!
    const isForDatabase = known.reason === 'database' || known.reason === 'recovering'
    if (isForDatabase && isWorse(known.mode, mode)) this.features.set(feature, { ...known, mode })
  }
}

function beginning(nowMs: number): StewardState {
  const view: FeatureView = { mode: 'on', sinceMs: nowMs, reason: null, share: 1, note: null }
  return {
    level: 0,
    sinceMs: nowMs,
    causes: [],
    features: Object.fromEntries(FEATURES.map((feature) => [feature, view])) as Record<Feature, FeatureView>,
  }
}

/** What stayed as it was keeps its time; when all did, the state is the one before. */
function settle(before: StewardState, draft: Draft, nowMs: number): StewardState {
  let isChanged = before.level !== draft.level || before.causes.join() !== draft.causes.join()
  const features = {} as Record<Feature, FeatureView>
  for (const [feature, now] of draft.features) {
    const then = before.features[feature]
    const isSame =
      then.mode === now.mode &&
      then.reason === now.reason &&
      then.share === now.share &&
      then.note === now.note
    features[feature] = isSame ? then : { ...now, sinceMs: then.mode === now.mode ? then.sinceMs : nowMs }
    isChanged ||= !isSame
  }
  if (!isChanged) return before
  return {
    level: draft.level,
    sinceMs: before.level === draft.level ? before.sinceMs : nowMs,
    causes: draft.causes,
    features,
  }
}

const entriesOf = <K extends string, V>(record: Partial<Record<K, V>>): [K, V][] =>
  Object.entries(record) as [K, V][]
