import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CAUSES, createDetector, type DetectorEvent, type DetectorSnapshot, type Sample } from './index.ts'
import {
  createFault,
  createMonth,
  createSeededRandom,
  createService,
  simulate,
  type Bin,
  type World,
} from './simulate/index.ts'

const HOUR_MS = 3_600_000

/** Six hours of one service, with one fault after two of them. */
function createWorld(seed: number): World {
  const random = createSeededRandom(seed)
  const { startMs, weather } = createMonth({ seed, days: 1 })
  const service = createService('medium', [], random)
  const cause = CAUSES[Math.abs(seed) % CAUSES.length]!
  const { outage, markers } = createFault(service, cause, startMs + 2 * HOUR_MS, random)
  return {
    seed,
    startMs,
    endMs: startMs + 6 * HOUR_MS,
    services: [service],
    outages: [outage],
    noises: [],
    words: [],
    markers: [...markers].sort((a, b) => a.atMs - b.atMs),
    weather,
    mixUps: new Map(),
  }
}

const modelsOf = (world: World) => world.services.map(({ model }) => model)

function play(
  world: World,
  change: (samples: readonly Sample[], bin: Bin) => readonly Sample[] = (samples) => samples,
) {
  const detector = createDetector(modelsOf(world))
  detector.advance(world.startMs)
  const events: DetectorEvent[] = []
  for (const bin of simulate(world)) {
    for (const sample of change(bin.samples, bin)) detector.observe(sample)
    events.push(...detector.advance(bin.endMs))
  }
  return { detector, events }
}

const seed = fc.integer({ min: 1, max: 1_000_000 })
const RUNS = { numRuns: 8 }

test('the same samples give the same events', () => {
  fc.assert(
    fc.property(seed, (n) => {
      const world = createWorld(n)
      expect(play(world).events).toEqual(play(world).events)
    }),
    RUNS,
  )
})

test('stopped at any time and restored from its snapshot as JSON, it goes on as if it had never stopped', () => {
  fc.assert(
    fc.property(seed, fc.integer({ min: 1, max: 2150 }), (n, stopAt) => {
      const world = createWorld(n)
      let detector = createDetector(modelsOf(world))
      detector.advance(world.startMs)
      const events: DetectorEvent[] = []
      let bin = 0
      for (const { endMs, samples } of simulate(world)) {
        for (const [at, sample] of samples.entries()) {
          detector.observe(sample)
          // In the middle of a bin, too.
          if (bin === stopAt && at === 0) {
            const saved = JSON.parse(JSON.stringify(detector.snapshot())) as DetectorSnapshot
            detector = createDetector(modelsOf(world), {}, saved)
          }
        }
        events.push(...detector.advance(endMs))
        bin++
      }
      const never = play(world)
      expect(events).toEqual(never.events)
      expect(detector.snapshot()).toEqual(never.detector.snapshot())
    }),
    RUNS,
  )
})

test('evidence that stops coming resolves nothing and turns nothing up', () => {
  fc.assert(
    fc.property(seed, fc.integer({ min: 1, max: 30 }), (n, minutes) => {
      const world = createWorld(n)
      const silentMs = world.startMs + 2 * HOUR_MS + minutes * 60_000
      const { detector, events } = play(world, (samples, { endMs }) => (endMs > silentMs ? [] : samples))
      const wasConfirmed = events.some(
        (event) =>
          event.kind !== 'collateral' && event.atMs <= silentMs && event.outage.confirmedAtMs !== null,
      )
      const isOver = events.some((event) => event.kind === 'outage-resolved' && event.atMs <= silentMs)
      if (!wasConfirmed || isOver) return
      const late = events.filter(
        ({ kind, atMs }) => kind === 'outage-resolved' && atMs > silentMs + 10 * 60_000,
      )
      expect(
        late.filter((event) => event.kind !== 'collateral' && event.outage.confirmedAtMs !== null),
      ).toEqual([])
      expect(detector.outages().length).toBeGreaterThan(0)
      expect(detector.cells('medium').every(({ state }) => state !== 'up')).toBe(true)
    }),
    RUNS,
  )
})

test('places that are blind, or that failed by our own fault, never make anything down', () => {
  fc.assert(
    fc.property(seed, fc.constantFrom('blind' as const, 'error' as const), (n, outcome) => {
      const { detector, events } = play(createWorld(n), (samples) =>
        samples.flatMap((sample) =>
          sample.kind === 'probes' ? [{ ...sample, outcome, failure: null, durationMs: null }] : [],
        ),
      )
      expect(events).toEqual([])
      expect(detector.cells('medium').every(({ state }) => state === 'unknown')).toBe(true)
    }),
    RUNS,
  )
})

test('in which order kinds arrive within a bin makes no difference', () => {
  const kinds = ['reports', 'probes', 'traffic', 'chatter', 'word', 'marker'] as const
  fc.assert(
    fc.property(seed, fc.shuffledSubarray([...kinds], { minLength: kinds.length }), (n, order) => {
      const world = createWorld(n)
      const sorted = play(world, (samples) =>
        [...samples].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
      )
      expect(sorted.events.map(({ kind, atMs }) => ({ kind, atMs }))).toEqual(
        play(world).events.map(({ kind, atMs }) => ({ kind, atMs })),
      )
    }),
    RUNS,
  )
})

test('what it remembers does not grow with time', () => {
  const world = createMonth({ seed: 5, days: 3 })
  const detector = createDetector(modelsOf(world))
  detector.advance(world.startMs)
  const sizes: number[] = []
  for (const { endMs, samples } of simulate(world)) {
    for (const sample of samples) detector.observe(sample)
    detector.advance(endMs)
    // Counted in values: numbers with more digits take no more memory.
    if ((endMs - world.startMs) % (24 * HOUR_MS) === 0)
      sizes.push(JSON.stringify(detector.snapshot()).match(/[,:[]/g)!.length)
  }
  expect(sizes).toHaveLength(3)
  expect(sizes[2]!).toBeLessThan(sizes[0]! * 1.1)
})

test('probabilities stay probabilities, and causes sum to 1', () => {
  fc.assert(
    fc.property(seed, (n) => {
      for (const event of play(createWorld(n)).events) {
        if (event.kind === 'collateral') continue
        const { outage } = event
        expect(outage.causes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1)
        for (const { posterior } of outage.cells)
          expect(posterior === null || (posterior >= 0 && posterior <= 1)).toBe(true)
        const { lowMs, medianMs, highMs } = outage.onset
        expect(lowMs <= medianMs && medianMs <= highMs).toBe(true)
      }
    }),
    RUNS,
  )
})
