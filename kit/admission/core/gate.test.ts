import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRandom, simulate, type Outcome, type Scene } from './fixtures/simulate.ts'
import { Gate, COMES_LATER_MS, RANK_COUNT, rankOf, retryAfterS, Ticket, type PriorityClass } from './index.ts'

const openGate = (options: Partial<ConstructorParameters<typeof Gate>[0]> = {}) =>
  new Gate({ random: createRandom(1), initial: 1, min: 1, isFixed: true, ...options })

function ask(gate: Gate, priorityClass: PriorityClass, nowMs = 0, deadlineMs = Infinity): Ticket {
  const ticket = new Ticket(priorityClass, 0, 0, deadlineMs)
  gate.ask(ticket, nowMs)
  return ticket
}

test('who finds room goes in; who does not waits, the higher class before the lower', () => {
  const gate = openGate()
  const [first, low, high] = [ask(gate, 2), ask(gate, 3), ask(gate, 1)]
  expect([first.state, low.state, high.state]).toEqual(['admitted', 'waiting', 'waiting'])

  gate.leave(first, 1)

  expect([gate.next(1), gate.next(1)]).toEqual([high, null])
  gate.leave(high, 2)
  expect(gate.next(2)).toBe(low)
})

test('in a burst a lower class goes first where it came so much earlier', () => {
  const gate = openGate()
  const first = ask(gate, 1)
  const [low, early, late] = [
    ask(gate, 2),
    ask(gate, 1, COMES_LATER_MS[2] - 1),
    ask(gate, 1, COMES_LATER_MS[2] + 1),
  ]

  const order = [first, early, low].map((leaving) => {
    gate.leave(leaving, 70)
    return gate.next(70)
  })

  expect(order).toEqual([early, low, late])
})

test('class 0 waits for class 0 alone', () => {
  const gate = openGate({ initial: 2 })
  const below = [ask(gate, 1), ask(gate, 3)]
  const top = [ask(gate, 0), ask(gate, 0), ask(gate, 0)]
  expect([...below, ...top].map(({ state }) => state)).toEqual([
    'admitted',
    'admitted',
    'admitted',
    'admitted',
    'waiting',
  ])
})

test('nobody is let in who waited for longer than the bound, or could not be answered in time', () => {
  const gate = openGate({ waitMs: 50 })
  const first = ask(gate, 2)
  const [patient, hurried, late] = [ask(gate, 2), ask(gate, 2, 0, 20), ask(gate, 2, 10, 9)]
  expect(late.refusal).toBe('deadline')
  gate.expire(30)
  expect([patient.state, hurried.state]).toEqual(['waiting', 'waiting'])
  gate.expire(51)
  expect([patient.refusal, hurried.refusal]).toEqual(['waited', 'waited'])

  const next = ask(gate, 2, 60, 70)
  gate.leave(first, 71)

  expect(gate.next(71)).toBeNull()
  expect(next.refusal).toBe('deadline')
})

test('a long line is served from its new end, and takes no newcomers before that', () => {
  const gate = openGate({ waitMs: 100 })
  const first = ask(gate, 2, 0)
  const [old, young] = [ask(gate, 2, 0), ask(gate, 2, 79)]
  expect(ask(gate, 2, 81).refusal).toBe('full')
  gate.leave(first, 91)
  expect(gate.next(91)).toBe(young)
  expect(old.state).toBe('waiting')
})

test('where memory ends, who comes with a higher class takes the place of the lowest', () => {
  const gate = openGate({ maxWaiting: 2 })
  ask(gate, 1)
  const [low, middle] = [ask(gate, 3), ask(gate, 2)]

  const high = ask(gate, 1)

  expect([low.refusal, middle.state, high.state]).toEqual(['full', 'waiting', 'waiting'])
  expect(ask(gate, 3).refusal).toBe('full')
})

test('leaving twice frees one place', () => {
  const gate = openGate()
  const first = ask(gate, 1)
  gate.leave(first, 1)
  gate.leave(first, 2)
  expect([ask(gate, 1, 3).state, ask(gate, 1, 3).state]).toEqual(['admitted', 'waiting'])
})

test('one request that takes for ever neither pins the limit nor counts as what requests take', () => {
  let limit = 0
  const load: Scene = {
    seed: 3,
    durationMs: 30_000,
    servers: 12,
    // One in some two thousand takes a minute.
    serviceMs: (nowMs) => (Math.floor(nowMs) % 2_000 === 0 ? 60_000 : 20),
    variation: 0.5,
    ratePerS: () => 150,
    onSecond: (_nowMs, gate) => (limit = gate.settledLimit),
  }
  const { gate } = simulate(load)
  expect(limit).toBeGreaterThan(6)
  expect(limit).toBeLessThan(40)
  expect(gate.usualMs).toBeLessThan(40)
})

const POOL: Scene = {
  seed: 1,
  durationMs: 20_000,
  countFromMs: 4_000,
  servers: 10,
  serviceMs: () => 20,
  ratePerS: () => 0,
}
const MIX = [0.1, 0.3, 0.3, 0.3] as const
const CAPACITY_PER_S = 500
const atLoad = (times: number, more: Partial<Scene> = {}): Outcome =>
  simulate({ ...POOL, ratePerS: (_nowMs, each) => CAPACITY_PER_S * times * MIX[each], ...more })
const goodputOf = ({ byClass }: Outcome) =>
  byClass.reduce((sum, { served }) => sum + served, 0) / (CAPACITY_PER_S * 16)
const shareOf = ({ byClass }: Outcome, each: PriorityClass) => byClass[each]!.served / byClass[each]!.offered

test.each([
  [2, 0.95, 0.999],
  [5, 0.93, 0.995],
  [10, 0.9, 0.9],
])('at %i times what can be served, as much as can be is, the top class first', (times, goodput, top) => {
  const outcome = atLoad(times)
  expect(goodputOf(outcome)).toBeGreaterThan(goodput)
  expect(shareOf(outcome, 0)).toBeGreaterThanOrEqual(top)
  expect(outcome.broken).toEqual([])
})

test('half of what can be served is served wholly', () => {
  const outcome = atLoad(0.5)
  for (const each of [0, 1, 2, 3] as const) expect(shareOf(outcome, each)).toBe(1)
})

test('half a second after an overload nobody is turned away any more', () => {
  const { byClass } = simulate({
    ...POOL,
    durationMs: 9_000,
    countFromMs: 5_500,
    ratePerS: (nowMs, each) => CAPACITY_PER_S * (nowMs < 5_000 ? 5 : 0.5) * MIX[each],
  })
  expect(byClass.map(({ refused }) => refused)).toEqual([0, 0, 0, 0])
})

test('a silence that is no chance ends a cut at once: it was made for a load that is over', () => {
  const isInForce: boolean[] = []
  atLoad(5, {
    durationMs: 6_000,
    ratePerS: (nowMs, each) => (nowMs < 4_800 ? CAPACITY_PER_S * 5 * MIX[each] : nowMs < 4_940 ? 0 : 50),
    onSecond: (_nowMs, gate) => isInForce.push(gate.isCutInForce),
  })
  expect(isInForce.slice(3, 6)).toEqual([true, true, false])
})

test('a crowd that can be served within the bound is served, each class of it', () => {
  // As many as are served in 150 ms, at one moment.
  const { byClass } = simulate({
    ...POOL,
    durationMs: 2_000,
    countFromMs: 0,
    ratePerS: (nowMs, each) => (nowMs >= 1_000 && nowMs < 1_010 ? CAPACITY_PER_S * 15 * MIX[each] : 50),
  })
  expect(byClass.slice(0, 3).map(({ refused }) => refused)).toEqual([0, 0, 0])
})

test('over half an hour at twice the load the limit stays where it is', { timeout: 300_000 }, () => {
  const byMinute: number[] = []
  let sum = 0
  atLoad(2, {
    durationMs: 31 * 60_000,
    onSecond(nowMs, gate) {
      sum += gate.settledLimit
      if (nowMs % 60_000 !== 0) return
      if (nowMs > 0) byMinute.push(sum / 60)
      sum = 0
    },
  })
  const [, settled, ...later] = byMinute as [number, number, ...number[]]
  for (const limit of later) expect(Math.abs(limit / settled - 1)).toBeLessThan(0.25)
})

test('most persons of the class that the cut goes through are served wholly or not at all', () => {
  const { byRank } = atLoad(4, { durationMs: 60_000, countFromMs: 10_000 })
  const ranks = byRank.slice(RANK_COUNT, 2 * RANK_COUNT).map(({ served, offered }) => served / offered)
  const whole = ranks.filter((share) => share > 0.85).length
  const none = ranks.filter((share) => share < 0.15).length
  expect(whole).toBeGreaterThan(RANK_COUNT * 0.2)
  expect(none).toBeGreaterThan(RANK_COUNT * 0.2)
  expect(whole + none).toBeGreaterThan(RANK_COUNT * 0.55)
})

test('a person keeps a rank for the hour, and all ranks are equally likely', () => {
  const inHour = (hour: number) => rankOf('ada', 7, hour * 3_600_000)
  expect(rankOf('ada', 7, 3_600_000 * 5 + 3_599_999)).toBe(inHour(5))
  expect(new Set(Array.from({ length: 24 }, (_, hour) => inHour(hour))).size).toBeGreaterThan(8)
  const counts = Array.from({ length: RANK_COUNT }, () => 0)
  for (let person = 0; person < 6_400; person++) counts[rankOf(`person-${person}`, 7, 0)]! += 1
  expect(Math.min(...counts)).toBeGreaterThan(60)
  expect(Math.max(...counts)).toBeLessThan(145)
})

test('the time to come again is whole seconds, spread, and longer for lower classes', () => {
  const random = createRandom(5)
  for (const each of [0, 1, 2, 3] as const) {
    const times = new Set(Array.from({ length: 200 }, () => retryAfterS(each, random)))
    expect(times.size).toBeGreaterThan(1)
    for (const time of times) expect(Number.isInteger(time) && time >= 1).toBe(true)
  }
  expect(retryAfterS(3, () => 0)).toBeGreaterThan(retryAfterS(1, () => 0.999))
})

test('what goes on with what has begun goes before all, and is not cut', () => {
  const gate = openGate({ waitMs: 100, isFixed: true })
  const first = ask(gate, 1)
  const high = ask(gate, 1, 0)
  const going = new Ticket(3)
  going.isBegun = true
  gate.ask(going, 90)
  expect(ask(gate, 1, 91).refusal).toBe('full')

  gate.leave(first, 95)

  expect(gate.next(95)).toBe(going)
  expect(high.state).toBe('waiting')
})

test('before a pool whose size is known, what takes several turns is finished, and as much is served', () => {
  const STEPS = 3
  const served = (times: number) => {
    const { byClass } = simulate({
      ...POOL,
      durationMs: 18_000,
      variation: 0.3,
      steps: () => STEPS,
      gate: { waitMs: 500, initial: 10, max: 10 },
      ratePerS: (_nowMs, each) => (CAPACITY_PER_S / STEPS) * times * MIX[each],
    })
    return { byClass, goodput: (byClass.reduce((sum, each) => sum + each.served, 0) * STEPS) / 500 / 14 }
  }
  expect(served(0.7).byClass.map(({ refused }) => refused)).toEqual([0, 0, 0, 0])
  for (const times of [2, 5, 10]) expect(served(times).goodput).toBeGreaterThan(0.92)
})

test('before such a pool, as much is served where one class takes many more turns than another', () => {
  const steps = [1, 1, 4, 4] as const
  const perS = 500 / MIX.reduce((sum, part, each) => sum + part * steps[each]!, 0)
  const goodput = (times: number) => {
    const { byClass } = simulate({
      ...POOL,
      durationMs: 18_000,
      variation: 0.1,
      steps: (each) => steps[each],
      gate: { waitMs: 500, initial: 10, max: 10 },
      ratePerS: (_nowMs, each) => perS * times * MIX[each],
    })
    return byClass.reduce((sum, each, level) => sum + each.served * steps[level]!, 0) / 500 / 14
  }
  for (const times of [2, 5, 10]) expect(goodput(times)).toBeGreaterThan(0.95)
})

/** One thread, that stands still now and then, and a crowd that asks again as soon as it is answered, whatever the answer. */
const crowdOf = (clients: number, more: Partial<Scene['crowd']> = {}): Outcome =>
  simulate({
    seed: 1,
    durationMs: 15_000,
    countFromMs: 3_000,
    servers: 1,
    variation: 0.8,
    serviceMs: (nowMs) => (nowMs < 600 ? 6 : Math.floor(nowMs) % 3_000 < 12 ? 30 : 0.5),
    ratePerS: () => 0,
    gate: { threadIdleMs: () => 0 },
    crowd: { clients, class: 1, refusalMs: 0.1, ...more },
  })
const CROWD_SERVED = 12 * 2_000

test('a crowd that comes again at once is served whole where it can be within the bound, as one person or as many', () => {
  for (const outcome of [crowdOf(128), crowdOf(128, { person: 5 }), crowdOf(300)]) {
    const { served, refused } = outcome.byClass[1]!
    expect(served).toBeGreaterThan(CROWD_SERVED * 0.95)
    expect(refused).toBeLessThan(served * 0.05)
  }
})

test('where it cannot be, those who come again at once are held, and the thread serves instead of saying no', () => {
  for (const clients of [600, 1_000]) {
    const { served } = crowdOf(clients).byClass[1]!
    expect(served).toBeGreaterThan(CROWD_SERVED * 0.85)
  }
})

test.each([
  [0.5, 1],
  [0.5, 3],
  [2, 1],
] as const)(
  'at %d times what can be served, one who floods class %i takes nobody else’s share',
  (times, flooded) => {
    const calm = atLoad(times)
    const flood = atLoad(times, { flood: { class: flooded, ratePerS: CAPACITY_PER_S * 10 } })
    for (const each of [0, 1] as const)
      expect(shareOf(flood, each)).toBeGreaterThan(shareOf(calm, each) * 0.97)
    expect(goodputOf(flood)).toBeGreaterThan(goodputOf(calm) * 0.93)
    expect(flood.gate.refusedOf(flooded, 'share')).toBeGreaterThan(0)
  },
)

test('whoever floods is served where nobody else wants anything', () => {
  const { gate } = simulate({ ...POOL, flood: { class: 2, ratePerS: CAPACITY_PER_S * 4 } })
  expect(gate.admittedOf(2)).toBeGreaterThan(CAPACITY_PER_S * 20 * 0.93)
})

test('work that goes on behind another door holds no place, and its time there is not counted', () => {
  const gate = new Gate({ random: createRandom(1), initial: 1, min: 1 })
  const [slow, next] = [ask(gate, 2), ask(gate, 2)]
  expect([slow.state, next.state]).toEqual(['admitted', 'waiting'])

  gate.stepAway(slow, 1)
  gate.stepAway(slow, 2)
  expect(gate.next(2)).toBe(next)
  gate.stepBack(slow, 500)
  expect(gate.inFlight).toBe(1)
  gate.stepBack(slow, 1_000)
  expect(gate.inFlight).toBe(2)

  gate.leave(slow, 1_003)
  expect([gate.inFlight, slow.awayMs]).toEqual([1, 999])
  gate.stepAway(next, 1_004)
  gate.leave(next, 1_010)
  expect(gate.inFlight).toBe(0)
})

/** Load that rises, falls and changes its kind, before a pool that slows down and comes back, and calm in the end. */
const scenes = fc.record({
  seed: fc.integer({ min: 1, max: 1e9 }),
  servers: fc.integer({ min: 1, max: 30 }),
  serviceMs: fc.integer({ min: 2, max: 60 }),
  variation: fc.double({ min: 0, max: 1, noNaN: true }),
  peaks: fc.array(fc.double({ min: 0, max: 12, noNaN: true }), { minLength: 4, maxLength: 4 }),
  slowness: fc.double({ min: 1, max: 10, noNaN: true }),
  patienceMs: fc.constantFrom(Infinity, 50, 500),
  goneShare: fc.constantFrom(0, 0.2),
  maxWaiting: fc.constantFrom(0, 10, 1_000),
})

test('whatever comes: no class before a higher one, nobody late, memory bounded, and all served again in the end', () => {
  fc.assert(
    fc.property(scenes, ({ peaks, slowness, serviceMs, servers, maxWaiting, ...scene }) => {
      const CALM_MS = 12_000
      const perS = (servers / serviceMs) * 1_000
      const scale = Math.min(1, 400 / perS)
      const outcome = simulate({
        ...scene,
        durationMs: 16_000,
        countFromMs: CALM_MS + 1_000,
        servers,
        serviceMs: (nowMs) => (serviceMs / scale) * (nowMs > 2_000 && nowMs < 5_000 ? slowness : 1),
        ratePerS: (nowMs, each) => perS * scale * (nowMs < 6_000 ? peaks[each]! : 0.1),
        gate: { maxWaiting },
      })
      expect(outcome.broken).toEqual([])
      expect(outcome.mostWaiting).toBeLessThanOrEqual(maxWaiting)
      if (maxWaiting < 100 || scene.patienceMs < Infinity) return
      for (const { offered, refused } of outcome.byClass) expect(refused).toBeLessThanOrEqual(offered * 0.05)
    }),
    { numRuns: 60, seed: 4_711 },
  )
})
