import { expect, test } from 'vitest'
import { createDetector } from './index.ts'
import type {
  Detector,
  DetectorEvent,
  DetectorSnapshot,
  MaintenanceWindow,
  Outage,
  ProbeSample,
  Sample,
  ServiceModel,
} from './types.ts'

const START_MS = Date.UTC(2026, 0, 5)
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const SERVICE: ServiceModel = {
  id: 'clips',
  features: [
    { id: 'feed', dependsOn: [], tier: 'core' },
    { id: 'video', dependsOn: [], tier: 'edge' },
  ],
  regions: ['eu', 'us'],
  neighbours: [],
}

interface World {
  readonly fails?: (atMs: number, featureId: string, vantageId: string) => boolean
  readonly outcome?: (atMs: number) => ProbeSample['outcome'] | null
  /** How checks fail; left out: by time. */
  readonly failure?: ProbeSample['failure']
  readonly reportsPerMin?: (atMs: number) => number
}

const VANTAGES = [
  ['eu-1', 'eu'],
  ['eu-2', 'eu'],
  ['us-1', 'us'],
  ['us-2', 'us'],
] as const

/** Probes each minute from four places, and evenly spaced reports on the video from both regions. */
function* samplesOf(
  world: World,
  fromMs: number,
  toMs: number,
): Generator<{ atMs: number; samples: Sample[] }> {
  let owed = 0
  for (let atMs = fromMs; atMs < toMs; atMs += 10_000) {
    const samples: Sample[] = []
    for (const [n, [vantageId, region]] of VANTAGES.entries()) {
      for (const [m, featureId] of ['feed', 'video'].entries()) {
        if ((atMs / 10_000 + n + 2 * m) % 6 !== 0) continue
        const outcome = world.outcome?.(atMs) ?? 'ok'
        const isFailing = outcome === 'ok' && world.fails?.(atMs, featureId, vantageId) === true
        if (world.outcome?.(atMs) === null) continue
        samples.push({
          kind: 'probes',
          serviceId: 'clips',
          atMs,
          monitorId: featureId,
          featureIds: [featureId],
          vantageId,
          region,
          asn: null,
          outcome: isFailing ? 'failed' : outcome,
          failure: isFailing ? (world.failure ?? 'timeout') : null,
          durationMs: 120,
          intervalMs: MINUTE_MS,
        })
      }
    }
    owed += (world.reportsPerMin?.(atMs) ?? 0) / 6
    if (owed >= 1) {
      const count = Math.floor(owed)
      owed -= count
      samples.push({
        kind: 'reports',
        serviceId: 'clips',
        atMs,
        featureId: 'video',
        region: (atMs / 10_000) % 13 < 7 ? 'eu' : 'us',
        asn: 64500,
        count,
        trust: 1,
        clientVersion: null,
      })
    }
    yield { atMs, samples }
  }
}

function watch(world: World, forMs: number, detector = createDetector([SERVICE])) {
  const events: DetectorEvent[] = []
  detector.advance(START_MS)
  for (const { atMs, samples } of samplesOf(world, START_MS, START_MS + forMs)) {
    for (const sample of samples) detector.observe(sample)
    events.push(...detector.advance(atMs + 10_000))
  }
  return { detector, events, outages: detector.outages('clips') }
}

const outagesOf = (events: readonly DetectorEvent[]): Outage[] =>
  events.flatMap((event) => (event.kind === 'collateral' ? [] : [event.outage]))

test('two vantage points that fail one feature make an outage of that feature within a minute', () => {
  const brokenAt = START_MS + HOUR_MS
  const { outages } = watch(
    { fails: (atMs, feature) => atMs >= brokenAt && feature === 'video' },
    HOUR_MS + MINUTE_MS,
  )

  expect(outages).toHaveLength(1)
  expect(outages[0]).toMatchObject({ state: 'confirmed', featureIds: ['video'] })
  expect(outages[0]!.confirmedAtMs! - brokenAt).toBeLessThanOrEqual(MINUTE_MS)
})

test.each([
  ['refuses connections', 'refused', 'connections-refused'],
  ['takes connections and never answers', 'unanswered', 'connections-unanswered'],
] as const)('a host that %s is not called a fault of the network on the way', (_, failure, evidence) => {
  const brokenAt = START_MS + HOUR_MS
  const { outages } = watch({ fails: (atMs) => atMs >= brokenAt, failure }, HOUR_MS + 5 * MINUTE_MS)

  const [first, ...others] = outages[0]!.causes
  expect(first).toMatchObject({ cause: 'unknown', evidenceFor: [evidence] })
  expect(others.find(({ cause }) => cause === 'network')!.probability).toBeLessThan(first!.probability / 2)
})

test('where every fifth check still fails, features that are back by turns are no return; once all succeed, it is one', () => {
  const [brokenAt, mendedAt] = [START_MS + HOUR_MS, START_MS + 10 * HOUR_MS]
  // As good as at random, and the same each time.
  const chanceOf = (text: string) => {
    let hash = 0x811c9dc5
    for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
    return ((Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0) % 1_000) / 1_000
  }
  const { events } = watch(
    {
      fails: (atMs, feature, vantage) =>
        vantage.startsWith('us') &&
        atMs >= brokenAt &&
        atMs < mendedAt &&
        (atMs < brokenAt + 10 * MINUTE_MS || chanceOf(`${atMs} ${feature} ${vantage}`) < 0.22),
    },
    11 * HOUR_MS,
  )

  const returns = events.filter(
    (event) => event.kind === 'outage-resolved' && event.outage.confirmedAtMs !== null,
  )
  expect(returns).toHaveLength(1)
  expect(returns[0]!.atMs).toBeGreaterThan(mendedAt)
  expect(returns[0]!.atMs - mendedAt).toBeLessThanOrEqual(20 * MINUTE_MS)
})

test('a feature that was never seen to work is unknown until it is, and its outage is not dated before the first look', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  const states: string[][] = []
  const world: World = { fails: (_atMs, feature) => feature === 'video' }
  for (const { atMs, samples } of samplesOf(world, START_MS, START_MS + 5 * MINUTE_MS)) {
    for (const sample of samples) detector.observe(sample)
    detector.advance(atMs + 10_000)
    states.push(statesOf(detector))
  }

  expect(states.flatMap(([, , ...video]) => video)).not.toContain('up')
  expect(states.at(-1)).toEqual(['up', 'up', 'down', 'down'])
  const [outage] = detector.outages()
  expect(outage!.onset.lowMs).toBeGreaterThanOrEqual(START_MS)
})

test('one failed check at one place is not an outage', () => {
  const failsAt = START_MS + HOUR_MS
  const { events } = watch(
    {
      fails: (atMs, feature, vantage) =>
        vantage === 'eu-1' && feature === 'video' && Math.abs(atMs - failsAt) < 30_000,
    },
    2 * HOUR_MS,
  )

  expect(outagesOf(events).filter(({ confirmedAtMs }) => confirmedAtMs !== null)).toEqual([])
})

test('a place with no connection of its own is blind, and nothing is down', () => {
  const { events, detector } = watch(
    { outcome: (atMs) => (atMs >= START_MS + HOUR_MS ? 'blind' : 'ok') },
    2 * HOUR_MS,
  )

  expect(events).toEqual([])
  expect(detector.cells('clips').map(({ state }) => state)).toEqual([
    'unknown',
    'unknown',
    'unknown',
    'unknown',
  ])
})

test('silence does not end an outage: only health that was seen does', () => {
  const brokenAt = START_MS + HOUR_MS
  const silentAt = brokenAt + 10 * MINUTE_MS
  const { outages } = watch(
    {
      fails: (atMs, feature) => atMs >= brokenAt && feature === 'video',
      outcome: (atMs) => (atMs >= silentAt ? null : 'ok'),
    },
    12 * HOUR_MS,
  )

  expect(outages).toHaveLength(1)
  expect(outages[0]!.resolvedAtMs).toBeNull()
  expect(outages[0]!.confidence).toBeGreaterThanOrEqual(0.5)
})

test('an outage is called recovering, then resolved, and watched for a relapse', () => {
  const [brokenAt, backAt] = [START_MS + HOUR_MS, START_MS + 2 * HOUR_MS]
  const { events } = watch(
    { fails: (atMs, feature) => atMs >= brokenAt && atMs < backAt && feature === 'video' },
    3 * HOUR_MS,
  )

  const states = outagesOf(events).map(({ state }) => state)
  expect(states.indexOf('recovering')).toBeGreaterThan(states.indexOf('confirmed'))
  const last = outagesOf(events).at(-1)!
  expect(last).toMatchObject({ state: 'resolved', relapses: 0, recovered: { cells: 2, of: 2 } })
  expect(last.resolvedAtMs!).toBeGreaterThan(backAt)
  expect(last.relapseWatchUntilMs! - last.resolvedAtMs!).toBe(30 * MINUTE_MS)
})

test('the same cells breaking again soon is the same outage', () => {
  const brokenAt = START_MS + HOUR_MS
  const isBroken = (atMs: number) => {
    const sinceMs = atMs - brokenAt
    return (
      (sinceMs >= 0 && sinceMs < 30 * MINUTE_MS) || (sinceMs >= 45 * MINUTE_MS && sinceMs < 60 * MINUTE_MS)
    )
  }
  const { events } = watch({ fails: (atMs, feature) => feature === 'video' && isBroken(atMs) }, 3 * HOUR_MS)

  expect(new Set(outagesOf(events).map(({ id }) => id)).size).toBe(1)
  expect(outagesOf(events).at(-1)).toMatchObject({ state: 'resolved', relapses: 1 })
})

test('on its second day, twenty times the usual reports open an outage without any probe, and late reporters do not reopen it', () => {
  const [brokenAt, backAt] = [START_MS + 24 * HOUR_MS, START_MS + 25 * HOUR_MS]
  const { events } = watch(
    {
      outcome: () => null,
      reportsPerMin: (atMs) => {
        if (atMs < brokenAt) return 1
        return atMs < backAt ? 20 : 1 + 19 * Math.exp(-(atMs - backAt) / (3 * MINUTE_MS))
      },
    },
    27 * HOUR_MS,
  )

  const first = outagesOf(events).find(({ confirmedAtMs }) => confirmedAtMs !== null)!
  expect(first.confirmedAtMs! - brokenAt).toBeLessThanOrEqual(5 * MINUTE_MS)
  expect(first.featureIds).toEqual(['video'])
  expect(outagesOf(events).at(-1)).toMatchObject({ state: 'resolved', relapses: 0 })
})

test('a sample of an unknown service is refused', () => {
  const detector = createDetector([SERVICE])

  expect(() =>
    detector.observe({
      kind: 'chatter',
      serviceId: 'other',
      atMs: START_MS,
      intervalMs: MINUTE_MS,
      count: 1,
    }),
  ).toThrow(RangeError)
})

test('a maintenance window is no outage', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  detector.observe({
    kind: 'marker',
    serviceId: 'clips',
    atMs: START_MS,
    what: 'maintenance-start',
    featureIds: ['video'],
    regions: [],
  })
  const { events } = watch({ fails: (_atMs, feature) => feature === 'video' }, HOUR_MS, detector)

  expect(events).toEqual([])
  expect(detector.cells('clips').filter(({ state }) => state === 'maintenance')).toHaveLength(2)
})

const WINDOW: MaintenanceWindow = { serviceId: 'clips', featureIds: ['video'], regions: [] }

/** The video fails everywhere, from an hour on and for as long. */
function failOn(detector: Detector, fromMs: number, minutes: number): DetectorEvent[] {
  const events: DetectorEvent[] = []
  const world: World = { fails: (_atMs, feature) => feature === 'video' }
  for (const { atMs, samples } of samplesOf(world, fromMs, fromMs + minutes * MINUTE_MS)) {
    for (const sample of samples) detector.observe(sample)
    events.push(...detector.advance(atMs + 10_000))
  }
  return events
}

const statesOf = (detector: Detector) => detector.cells('clips').map(({ state }) => state)

/** As a file has it. */
const saveAndRead = (detector: Detector) =>
  JSON.parse(JSON.stringify(detector.snapshot())) as DetectorSnapshot

test('a window is a level: what is no longer said to be under way is over, and its features can break again', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  detector.setMaintenance([WINDOW])
  expect(failOn(detector, START_MS, 30)).toEqual([])
  expect(statesOf(detector)).toEqual(['up', 'up', 'maintenance', 'maintenance'])

  detector.setMaintenance([])
  failOn(detector, START_MS + 30 * MINUTE_MS, 5)

  expect(statesOf(detector)).toEqual(['up', 'up', 'down', 'down'])
  expect(detector.outages()[0]!.causes[0]!.cause).toBe('maintenance')
})

test('a window holds over a restart until the next word on it, which a lost end can not keep away', () => {
  let detector = createDetector([SERVICE])
  detector.advance(START_MS)
  detector.setMaintenance([WINDOW])
  failOn(detector, START_MS, 5)

  detector = createDetector([SERVICE], {}, saveAndRead(detector))
  failOn(detector, START_MS + 5 * MINUTE_MS, 5)
  expect(statesOf(detector)).toEqual(['up', 'up', 'maintenance', 'maintenance'])

  detector.setMaintenance([])
  failOn(detector, START_MS + 10 * MINUTE_MS, 5)
  expect(statesOf(detector)).toEqual(['up', 'up', 'down', 'down'])
})

test('a marker of maintenance whose end never comes is believed for a day', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  const start = { what: 'maintenance-start', featureIds: ['video'], regions: [] } as const
  detector.observe({ kind: 'marker', serviceId: 'clips', atMs: START_MS, ...start })
  expect(failOn(detector, START_MS, 24 * 60 - 1)).toEqual([])

  failOn(detector, START_MS + (24 * 60 - 1) * MINUTE_MS, 10)

  expect(statesOf(detector)).toEqual(['up', 'up', 'down', 'down'])
})

test('a marker that is told again after a restart counts once', () => {
  const release: Sample = {
    kind: 'marker',
    serviceId: 'clips',
    atMs: START_MS,
    what: 'release',
    featureIds: [],
    regions: [],
  }
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  detector.observe(release)
  const once = saveAndRead(detector)
  const restarted = createDetector([SERVICE], {}, once)

  restarted.observe(release)

  expect(saveAndRead(restarted)).toEqual(once)
})

test('a snapshot of the version before is read, but what it thinks is in maintenance is not believed', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  failOn(detector, START_MS, 5)
  const saved = saveAndRead(detector)
  const { services } = saved.state as { services: { $map: [string, { maintenance: unknown }][] } }
  for (const [, service] of services.$map) service.maintenance = [true, true, true, true]

  const restarted = createDetector([SERVICE], {}, { ...saved, version: 1 })
  restarted.advance(START_MS + 5 * MINUTE_MS + 10_000)

  expect(statesOf(restarted)).toEqual(['up', 'up', 'down', 'down'])
  expect(restarted.outages()).toHaveLength(1)
})

test('a snapshot of a version that is not known is refused, and nothing of it remains', () => {
  const detector = createDetector([SERVICE])
  detector.advance(START_MS)
  failOn(detector, START_MS, 5)

  const saved = saveAndRead(detector)
  const restarted = createDetector([SERVICE], {}, { ...saved, version: saved.version + 1 })

  expect(statesOf(restarted)).toEqual(['unknown', 'unknown', 'unknown', 'unknown'])
  expect(restarted.outages()).toEqual([])
})

test('on its first day a busy hour does not date an outage that probes saw begin', () => {
  const brokenAt = START_MS + 100 * MINUTE_MS
  const { outages } = watch(
    {
      fails: (atMs, feature) => atMs >= brokenAt && feature === 'video',
      reportsPerMin: (atMs) => (atMs >= brokenAt ? 20 : atMs >= START_MS + HOUR_MS ? 3 : 1),
    },
    103 * MINUTE_MS,
  )

  expect(outages).toHaveLength(1)
  expect(Math.abs(outages[0]!.onset.medianMs - brokenAt)).toBeLessThanOrEqual(MINUTE_MS)
})
