/** Random schedules of faults on the virtual clock: what must hold at every moment, and the way back from all of them. */
import fc from 'fast-check'
import { test } from 'vitest'
import { HEALTHY, LOOK_MS, Play } from './fixtures.ts'
import { DEPENDENCIES, FALLS, type Dependency } from './dependencies.ts'
import { DOUBT_MS } from './doubt.ts'
import { FEATURES, isWorse, LEVELS, modeAt } from './levels.ts'
import { createSteward, NO_ORDERS, type Orders, type Signals } from './steward.ts'

const loads = fc.record({
  eventLoopP99Ms: fc.constantFrom(null, 1, 90, 120, 250, 500, 2_000, 5_000),
  busyShare: fc.constantFrom(null, 0.1, 0.95, 1),
  memoryShare: fc.constantFrom(null, 0.2, 0.79, 0.85, 0.95, 0.99),
  refusedClass: fc.constantFrom(null, 0 as const, 1 as const, 2 as const, 3 as const),
  capacityPerS: fc.constantFrom(null, 10, 1_000),
})
const dependencies = fc.record(
  Object.fromEntries(
    DEPENDENCIES.map((name) => [name, fc.constantFrom(true, true, true, false, null)]),
  ) as Record<(typeof DEPENDENCIES)[number], fc.Arbitrary<boolean | null>>,
)
const stepSignals = fc.dictionary(
  fc.constantFrom('journal', 'sign-in', 'uploads', 'comments-and-search', 'ranking'),
  fc.record({
    probe: fc.constantFrom(null, true, false),
    waitingPerS: fc.constantFrom(0, 50, 5_000),
    window: fc.constantFrom(
      null,
      { count: 100, okCount: 100, p99Ms: 10 },
      { count: 100, okCount: 50, p99Ms: 10 },
    ),
  }),
)
const orders: fc.Arbitrary<Orders> = fc.record({
  level: fc.option(
    fc.record({
      level: fc.constantFrom(...LEVELS),
      reason: fc.constant('a drill'),
      untilMs: fc.integer({ min: 0, max: 60_000 }),
    }),
  ),
  features: fc.dictionary(
    fc.constantFrom(...FEATURES),
    fc.record({ reason: fc.constant('a drill'), untilMs: fc.integer({ min: 0, max: 60_000 }) }),
  ) as fc.Arbitrary<Orders['features']>,
  isMaintenance: fc.boolean(),
})
const phase = fc.record({
  /** The process stands still before it. */
  asleepMs: fc.constantFrom(0, 0, 0, 900, 1_000, 6_000),
  forMs: fc.integer({ min: LOOK_MS, max: 8_000 }),
  loads,
  dependencies,
  steps: stepSignals,
  orders: fc.option(orders),
})

test('whatever happens, nothing is better than its level, its dependencies and the operator allow; and all comes back', () => {
  fc.assert(
    fc.property(fc.array(phase, { minLength: 1, maxLength: 12 }), (phases) => {
      const steward = createSteward({ nowMs: 0 })
      const play = new Play(steward)
      let given: Orders = NO_ORDERS
      const isSure = followAbsences()
      for (const { asleepMs, forMs, orders: next, loads: load, ...signals } of phases) {
        if (next) steward.give((given = next))
        const now: Signals = { ...HEALTHY, ...load, ...signals }
        play.nowMs += asleepMs
        for (const endMs = play.nowMs + forMs; play.nowMs < endMs;) {
          play.run(now, LOOK_MS)
          check(steward.state, now, { given, isAway: isSure(now.dependencies, play.nowMs) }, play.nowMs)
        }
      }
      steward.give(NO_ORDERS)
      // The longest of quiet, of doubt about a dependency and of pauses after failing gates.
      play.run({}, 200_000)
      if (steward.state.level !== 0 || FEATURES.some((each) => steward.state.features[each].mode !== 'on'))
        throw new Error(`not back: ${JSON.stringify(steward.state)}`)
    }),
    { numRuns: 200, seed: 20_260_101 },
  )

  function check(
    state: ReturnType<typeof createSteward>['state'],
    signals: Signals,
    { given, isAway }: { given: Orders; isAway: (name: Dependency) => boolean },
    nowMs: number,
  ): void {
    for (const feature of FEATURES) {
      const { mode, reason, share } = state.features[feature]
      const atLeast = (wanted: ReturnType<typeof modeAt>, why: string) => {
        if (isWorse(wanted, mode)) throw new Error(`${feature} is ${mode} at ${nowMs} in spite of ${why}`)
      }
      if ((mode === 'on') !== (reason === null)) throw new Error(`${feature} is ${mode} because of ${reason}`)
      if (mode === 'on' && share !== 1) throw new Error(`${feature} is on for ${share}`)
      for (const name of DEPENDENCIES)
        if (isAway(name)) {
          atLeast(FALLS[name].features[feature] ?? 'on', `${name} away`)
          atLeast(modeAt(FALLS[name].level, feature), `${name} away`)
        }
      const order = given.features[feature]
      if (order && nowMs < order.untilMs) atLeast('paused', 'the operator')
      if (given.level && nowMs < given.level.untilMs)
        atLeast(modeAt(given.level.level, feature), 'the level that was ordered')
      if (mode === 'kept' && isAway('journal')) throw new Error(`${feature} is kept without a journal`)
    }
  }
})

/** What nobody may doubt: it fell while others were there and who looks was awake, or it has been away for long enough. */
function followAbsences() {
  const absences = new Map<Dependency, { looks: number; isDoubtful: boolean }>()
  const there = new Set<Dependency>()
  let lookedAtMs = 0
  let wokeAtMs = -Infinity
  return (seen: Signals['dependencies'], nowMs: number) => {
    if (nowMs - lookedAtMs >= 1_000) wokeAtMs = nowMs
    lookedAtMs = nowMs
    const known = DEPENDENCIES.filter((name) => typeof seen[name] === 'boolean')
    const isAll = known.every((name) => seen[name] === false)
    for (const name of known) {
      const absence = absences.get(name)
      if (seen[name]) absences.delete(name)
      else if (absence) absence.looks++
      else {
        const isDoubtful = there.has(name) && (isAll || nowMs - wokeAtMs < 2_000)
        absences.set(name, { looks: 0, isDoubtful })
      }
    }
    for (const name of known) if (seen[name]) there.add(name)
    for (const name of known) if (!seen[name]) there.delete(name)
    return (name: Dependency) => {
      const absence = absences.get(name)
      if (!absence || seen[name] !== false) return false
      return !absence.isDoubtful || absence.looks * LOOK_MS >= DOUBT_MS
    }
  }
}
