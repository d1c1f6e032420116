/** What works at this moment, as every process knows it: `engines/steward` with the senses of one process. */
import type { Restoration } from '../../../contract/operations.ts'
import type { FeatureMode, Maintenance, ServiceState, TakenBack } from '../../../contract/state.ts'
import {
  createSteward,
  DEPENDENCIES,
  FEATURES,
  STEPS,
  type Dependency,
  type Feature,
  type Level,
  type RestorationEvent,
  type Signals,
  type StepSignals,
  type StepView,
  type Thresholds,
  type Steward as EngineSteward,
  type StewardState,
} from '../../../engines/steward/index.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import type { Config } from '../config.ts'
import { openSensors, type GateCounts } from './sensors.ts'
import { createTraffic } from './traffic.ts'

export type { Dependency, Feature } from '../../../engines/steward/index.ts'

/** Looks of the steward. */
const LOOK_MS = 250

/** The operator's word, until it expires. */
export interface Orders {
  readonly level: {
    readonly level: Level
    readonly reason: string
    /** When it was given; left out: just now. */
    readonly sinceAt?: Date
    readonly untilAt: Date
  } | null
  readonly features: Partial<Record<Feature, { readonly reason: string; readonly untilAt: Date }>>
  readonly maintenance: Maintenance | null
  /** The last release that went back by itself. */
  readonly takenBack?: TakenBack | null
}

export const NO_ORDERS: Orders = { level: null, features: {}, maintenance: null }

/** What only an operator is shown. */
export interface StewardReport {
  readonly causes: readonly string[]
  readonly steps: readonly StepView[]
  readonly timeline: readonly (Omit<RestorationEvent, 'atMs'> & { readonly at: Date })[]
  readonly dependencies: Readonly<Record<Dependency, boolean>>
  readonly eventLoopP99Ms: number | null
  readonly memoryShare: number | null
  /** What this process's own load asks for. */
  readonly pressureLevel: Level
}

export interface Steward extends Disposable {
  /** Replaced as a whole on each change; reading it costs nothing. */
  readonly state: ServiceState
  /** How a feature works now. */
  modeOf(feature: Feature): FeatureMode
  /** Unknown counts as up. */
  isUp(dependency: Dependency): boolean
  /** Asked four times a second, so it must be cheap; null: unknown. Of several for one dependency, each must find it up. */
  addProbe(dependency: Dependency, look: Look): void
  /** Whether a step of the return (`engines/steward/steps.ts`) would work now; null: nothing is known against it. */
  addStepProbe(step: string, look: Look): void
  /** Whether a replica of the database can be read while the database itself is away. */
  watchReplica(canRead: () => boolean): void
  /** Counts of the door before this process's routes. */
  watchGate(read: () => GateCounts): void
  /** A request for a feature was let in, and ended. */
  note(feature: Feature, isOk: boolean, durationMs: number): void
  /** A request was kept from what it wanted. */
  noteWaiting(feature: Feature): void
  order(orders: Orders): void
  /** When levels rise; what is left out is as by default. */
  setThresholds(thresholds: Thresholds): void
  /** What the load of the process asks for that people talk to, where that is another one. */
  followPressure(level: Level): void
  onChange(handler: (state: ServiceState) => void): () => void
  report(): StewardReport
}

type Load = Pick<StewardReport, 'eventLoopP99Ms' | 'memoryShare'>

interface StewardOptions {
  readonly config: Pick<Config, 'protectionsOff'>
  readonly clock: Clock
  readonly log: Log
}

/** Begins to look; disposal ends it. */
export function openSteward({ config, clock, log }: StewardOptions): Steward {
  const { protectionsOff } = config
  const engine = createSteward({
    nowMs: clock.monotonicMs(),
    hasLevels: !protectionsOff.has('levels'),
    hasOrder: !protectionsOff.has('restoration'),
    hasDoubt: !protectionsOff.has('doubt'),
  })
  const sensors = openSensors()
  const traffic = createTraffic(FEATURES, STEPS)
  const probes = createProbes()
  const handlers = new Set<(state: ServiceState) => void>()
  let orders = NO_ORDERS
  let elsewhere: Level = 0
  let canReadReplica = () => false
  let load: Load = { eventLoopP99Ms: null, memoryShare: null }
  let shown = engine.state
  let state = present(shown, orders, clock)

  function look(): void {
    const nowMs = clock.monotonicMs()
    const seen = sensors.read(nowMs)
    load = seen
    const steps = probes.addTo(traffic.read(nowMs))
    const hasReplica = canReadReplica()
    show(engine.observe({ ...seen, dependencies: probes.look(), steps, elsewhere, hasReplica }, nowMs))
  }

  function show(now: StewardState): void {
    if (now === shown) return
    if (now.level !== shown.level)
      log.warn({ level: now.level, before: shown.level, causes: now.causes }, 'steward.level')
    shown = now
    publish()
  }

  function publish(): void {
    state = present(shown, orders, clock)
    for (const handler of handlers) handler(state)
  }

  const timer = setInterval(look, LOOK_MS)
  timer.unref()

  return {
    get state() {
      return state
    },
    setThresholds: (thresholds) => engine.setThresholds(thresholds),
    modeOf: (feature) => shown.features[feature].mode,
    isUp: (dependency) => engine.isUp(dependency),
    addProbe: probes.add,
    addStepProbe: probes.addForStep,
    watchReplica(canRead) {
      canReadReplica = canRead
    },
    watchGate: (read) => sensors.watchGate(read),
    note: traffic.note,
    noteWaiting: traffic.noteWaiting,
    order(given) {
      orders = given
      engine.give(toEngine(given, clock))
      look()
      publish()
    },
    followPressure(level) {
      elsewhere = level
    },
    onChange(handler) {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    report: () => ({ causes: shown.causes, ...load, ...reportOf(engine, clock) }),
    [Symbol.dispose]() {
      clearInterval(timer)
      sensors[Symbol.dispose]()
    },
  }
}

type Look = () => boolean | null

/** What is asked of each dependency and of each step of the way back. */
function createProbes() {
  const ofDependencies = new Map<Dependency, Look[]>()
  const ofSteps = new Map<string, Look>()
  return {
    add(dependency: Dependency, look: Look): void {
      ofDependencies.set(dependency, [...(ofDependencies.get(dependency) ?? []), look])
    },
    addForStep: (step: string, look: Look): void => void ofSteps.set(step, look),
    look: (): Signals['dependencies'] =>
      Object.fromEntries([...ofDependencies].map(([name, looks]) => [name, ask(looks)])),
    addTo(steps: Record<string, StepSignals>): Record<string, StepSignals> {
      for (const [step, look] of ofSteps) steps[step] = { ...steps[step], probe: look() }
      return steps
    },
  }
}

/** As everybody is told it: with times of the wall clock. */
function present({ level, sinceMs, features }: StewardState, orders: Orders, clock: Clock): ServiceState {
  const order = levelOrderOf(orders, clock)
  const at = (ms: number) => wallTimeOf(ms, clock).toISOString()
  const views = Object.fromEntries(
    FEATURES.map((feature) => {
      const { sinceMs: since, ...view } = features[feature]
      return [feature, { ...view, ...wordOn(feature, view, orders), since: at(since) }]
    }),
  ) as ServiceState['features']
  const { maintenance, takenBack = null } = orders
  return { level, since: at(sinceMs), features: views, order, maintenance, takenBack }
}

/** The operator's own words on a feature, and until when they hold: its own order's, else the level's. */
function wordOn(
  feature: Feature,
  { reason, note }: Pick<StewardState['features'][Feature], 'reason' | 'note'>,
  { level, features }: Orders,
): { note: string | null; until: string | null } {
  const order = reason !== 'operator' ? null : note === null ? level : (features[feature] ?? null)
  return { note: note ?? order?.reason ?? null, until: order?.untilAt.toISOString() ?? null }
}

/** What maintenance asks for is told as maintenance. */
function levelOrderOf({ level, maintenance }: Orders, clock: Clock): ServiceState['order'] {
  const now = clock.now()
  const isMaintained = maintenance !== null && maintenance.state !== 'announced'
  if (level === null || level.level === 0 || isMaintained || level.untilAt <= now) return null
  const { reason, sinceAt = now, untilAt } = level
  return { level: level.level, reason, since: sinceAt.toISOString(), until: untilAt.toISOString() }
}

/** The way back, as it is told outside the process. */
export function restorationOf({ steward, clock }: { steward: Steward; clock: Clock }): Restoration {
  const { steps, timeline } = steward.report()
  return {
    steps: steps.map(({ name, changedAtMs, ...step }) => ({
      ...step,
      step: name,
      changedAt: changedAtMs === null ? null : wallTimeOf(changedAtMs, clock).toISOString(),
    })),
    timeline: timeline.map(({ at, ...event }) => ({ ...event, at: at.toISOString() })),
  }
}

const reportOf = (engine: EngineSteward, clock: Clock) => ({
  steps: engine.steps,
  timeline: engine.timeline.map(({ atMs, ...event }) => ({ ...event, at: wallTimeOf(atMs, clock) })),
  dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, engine.isUp(name)])) as Record<
    Dependency,
    boolean
  >,
  pressureLevel: engine.pressureLevel,
})

/** When it was, by the wall clock, that the clock which only goes forward said so. */
const wallTimeOf = (monotonicMs: number, clock: Clock): Date =>
  new Date(clock.now().getTime() - (clock.monotonicMs() - monotonicMs))

/** Down as soon as one says so; unknown only when all do. */
function ask(looks: readonly Look[]): boolean | null {
  const seen = looks.map((look) => look())
  if (seen.includes(false)) return false
  return seen.includes(true) ? true : null
}

/** The operator's times are of the wall clock, the engine's of one that only goes forward. */
function toEngine({ level, features, maintenance }: Orders, clock: Clock) {
  const offsetMs = clock.monotonicMs() - clock.now().getTime()
  const toMs = (at: Date) => at.getTime() + offsetMs
  return {
    level: level && { level: level.level, reason: level.reason, untilMs: toMs(level.untilAt) },
    features: Object.fromEntries(
      Object.entries(features).map(([feature, { reason, untilAt }]) => [
        feature,
        { reason, untilMs: toMs(untilAt) },
      ]),
    ),
    isMaintenance: maintenance !== null && maintenance.state !== 'announced',
  }
}
