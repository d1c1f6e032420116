/** What works at this moment, as every process knows it: `engines/steward` with the senses of one process. */
import type { FeatureMode, Maintenance, ServiceState } from '../../../contract/state.ts'
import {
  createSteward,
  DEPENDENCIES,
  FEATURES,
  STEPS,
  type Dependency,
  type Feature,
  type Level,
  type RestorationEvent,
  type StepView,
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
  readonly level: { readonly level: Level; readonly reason: string; readonly untilAt: Date } | null
  readonly features: Partial<Record<Feature, { readonly reason: string; readonly untilAt: Date }>>
  readonly maintenance: Maintenance | null
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
  addProbe(dependency: Dependency, look: () => boolean | null): void
  /** Whether a step of the return (`engines/steward/steps.ts`) would work now; null: nothing is known against it. */
  addStepProbe(step: string, look: () => boolean | null): void
  /** Counts of the door before this process's routes. */
  watchGate(read: () => GateCounts): void
  /** A request for a feature was let in, and ended. */
  note(feature: Feature, isOk: boolean, durationMs: number): void
  /** A request was kept from what it wanted. */
  noteWaiting(feature: Feature): void
  order(orders: Orders): void
  /** What the load of the process asks for that people talk to, where that is another one. */
  followPressure(level: Level): void
  onChange(handler: (state: ServiceState) => void): () => void
  report(): StewardReport
}

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
  })
  const sensors = openSensors()
  const traffic = createTraffic(FEATURES, STEPS)
  const probes = new Map<Dependency, (() => boolean | null)[]>()
  const stepProbes = new Map<string, () => boolean | null>()
  const handlers = new Set<(state: ServiceState) => void>()
  let orders = NO_ORDERS
  let elsewhere: Level = 0
  let load = { eventLoopP99Ms: null as number | null, memoryShare: null as number | null }
  let shown = engine.state
  let state = present(shown)

  function present(now: StewardState): ServiceState {
    const nowMs = clock.monotonicMs()
    const wallMs = clock.now().getTime()
    const at = (ms: number) => new Date(wallMs - (nowMs - ms)).toISOString()
    const features = Object.fromEntries(
      FEATURES.map((feature) => {
        const { sinceMs, ...view } = now.features[feature]
        return [feature, { ...view, since: at(sinceMs) }]
      }),
    ) as ServiceState['features']
    return { level: now.level, since: at(now.sinceMs), features, maintenance: orders.maintenance }
  }

  function look(): void {
    const nowMs = clock.monotonicMs()
    const seen = sensors.read(nowMs)
    load = seen
    const steps = traffic.read(nowMs)
    for (const [step, probe] of stepProbes) steps[step] = { ...steps[step], probe: probe() }
    const dependencies = Object.fromEntries([...probes].map(([name, looks]) => [name, ask(looks)]))
    show(engine.observe({ ...seen, dependencies, steps, elsewhere }, nowMs))
  }

  function show(now: StewardState): void {
    if (now === shown) return
    if (now.level !== shown.level)
      log.warn({ level: now.level, before: shown.level, causes: now.causes }, 'steward.level')
    shown = now
    publish()
  }

  function publish(): void {
    state = present(shown)
    for (const handler of handlers) handler(state)
  }

  const timer = setInterval(look, LOOK_MS)
  timer.unref()

  return {
    get state() {
      return state
    },
    modeOf: (feature) => shown.features[feature].mode,
    isUp: (dependency) => engine.isUp(dependency),
    addProbe(dependency, probe) {
      probes.set(dependency, [...(probes.get(dependency) ?? []), probe])
    },
    addStepProbe: (step, probe) => void stepProbes.set(step, probe),
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
    report: () => ({
      causes: shown.causes,
      steps: engine.steps,
      timeline: engine.timeline.map(({ atMs, ...event }) => ({
        ...event,
        at: new Date(clock.now().getTime() - (clock.monotonicMs() - atMs)),
      })),
      dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, engine.isUp(name)])) as Record<
        Dependency,
        boolean
      >,
      ...load,
      pressureLevel: engine.pressureLevel,
    }),
    [Symbol.dispose]() {
      clearInterval(timer)
      sensors[Symbol.dispose]()
    },
  }
}

/** Down as soon as one says so; unknown only when all do. */
function ask(looks: readonly (() => boolean | null)[]): boolean | null {
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
