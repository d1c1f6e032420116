import { expect, test } from 'vitest'
import type { WatchWorld } from '../pages/world.fixtures.ts'
import {
  DECLARED_HOLDS_MS,
  declaredWords,
  joinSteps,
  levelWords,
  worstDeclared,
  type Declared,
  type DeclaredView,
} from './declared.ts'
import { describeCause } from './words.ts'
import { listIncidents, statusOf } from './index.ts'
import { openWorld } from './loop.fixtures.ts'

const AT_MS = Date.parse('2026-05-01T21:04:00Z')
const HOUR_MS = 3_600_000

const declared = (changes: Partial<Declared> = {}): Declared => ({
  mode: 'paused',
  reason: 'operator',
  note: 'new disks',
  sinceMs: AT_MS,
  untilMs: AT_MS + HOUR_MS,
  share: 0,
  ...changes,
})

test('an order is told with its reason, since when and until when', () => {
  expect(declaredWords(declared())).toBe(
    'paused, ordered by its operator (“new disks”), since 21:04 UTC, until 22:04 UTC',
  )
  expect(declaredWords(declared({ untilMs: AT_MS + 5 * HOUR_MS }))).toContain('until 2026-05-02 02:04 UTC')
  expect(declaredWords(declared({ mode: 'cached', reason: 'overload', note: null, untilMs: null }))).toBe(
    'from memory, with its age, while more people are there than it can serve, since 21:04 UTC',
  )
  expect(declaredWords(declared({ reason: 'recovering', note: null, untilMs: null, share: 0.25 }))).toBe(
    'paused (open to 25 % of people), until its turn comes on the way back, since 21:04 UTC',
  )
})

test('a level is its operator’s only as far as it was ordered', () => {
  const order = { level: 3, reason: 'a drill', sinceMs: AT_MS, untilMs: AT_MS + HOUR_MS }
  expect(levelWords({ level: 3, sinceMs: AT_MS, order })).toBe(
    'level 3 of 5, ordered by its operator (“a drill”), since 21:04 UTC, until 22:04 UTC',
  )
  expect(levelWords({ level: 4, sinceMs: AT_MS, order })).toBe('level 4 of 5, since 21:04 UTC')
  expect(levelWords({ level: 2, sinceMs: AT_MS, order: null })).toBe('level 2 of 5, since 21:04 UTC')
})

test('of several features the worst word speaks, and none that nobody notices', () => {
  const features = new Map([
    ['comments', declared({ mode: 'cached' })],
    ['upload', declared()],
    ['processing', declared({ mode: 'reduced' })],
  ])
  const told: DeclaredView = { readAtMs: 0, level: 4, sinceMs: 0, order: null, features, restoration: [] }
  expect(worstDeclared(told, ['comments', 'upload'])?.mode).toBe('paused')
  expect(worstDeclared(told, ['processing', 'feed'])).toBeNull()
  expect(worstDeclared(null, ['upload'])).toBeNull()
})

test('a way back goes on over a restart that has forgotten its beginning, and tells no step twice', () => {
  const step = (name: string, atMs: number, share = 1) => ({ step: name, atMs, share, why: 'one good probe' })
  const known = [step('database', 1_000), step('playback', 2_000)]
  // The same moment by a clock that was read a little later.
  expect(joinSteps(known, [step('playback', 2_001)])).toBe(known)
  expect(joinSteps(known, [step('playback', 2_001), step('database', 60_000)])).toEqual([
    ...known,
    step('database', 60_000),
  ])
  const many = Array.from({ length: 500 }, (_, index) => step('sign-in', index * 10_000))
  expect(joinSteps([], many)).toHaveLength(60)
})

/** What the platform says, as the watch has just read it. */
function declare(
  world: WatchWorld,
  features: Readonly<Record<string, Declared>>,
  restoration: DeclaredView['restoration'] = [],
): void {
  world.ctx.live.declare('upbeat', {
    readAtMs: world.ctx.clock.now().getTime(),
    level: 4,
    sinceMs: AT_MS,
    order: { level: 4, reason: 'new disks', sinceMs: AT_MS, untilMs: AT_MS + HOUR_MS },
    features: new Map(Object.entries(features)),
    restoration,
  })
}

const componentOf = (world: WatchWorld, slug: string) =>
  statusOf(world.ctx, 'upbeat').components.find((component) => component.slug === slug)!

const firstIncident = (world: WatchWorld) => listIncidents(world.ctx, { serviceId: 'upbeat' })[0]

test('what is seen to work with less than usual, as declared, is degraded and no outage', async () => {
  await using world = await openWorld()
  await world.pass(60)
  declare(world, { feed: declared({ mode: 'shared' }), video: declared({ mode: 'reduced' }) })
  await world.pass(20)
  await expect.poll(() => componentOf(world, 'feed').status).toBe('degraded_performance')
  expect(componentOf(world, 'feed')).toMatchObject({ state: 'up', declared: { mode: 'shared' } })
  expect(componentOf(world, 'video').status).toBe('operational')
  expect(firstIncident(world)).toBeUndefined()

  // Whoever no longer says so does not mean it for ever.
  await world.pass(DECLARED_HOLDS_MS / 1_000 + 20)
  await expect.poll(() => componentOf(world, 'feed').status).toBe('operational')
  expect(componentOf(world, 'feed').declared).toBeUndefined()
})

test('an outage that the operator of the service ordered says so, and keeps it and the way back once it is over', async () => {
  await using world = await openWorld()
  await world.pass(60)
  const orders = { feed: declared() }
  for (let at = 0; at < 9; at++) {
    declare(world, orders)
    await world.pass(10, ['feed'])
  }
  await expect.poll(() => firstIncident(world)?.declared?.note).toBe('new disks')
  expect(firstIncident(world)!.cause).toBe('unknown')
  expect(describeCause(firstIncident(world)!)).toBe(
    'Cause, in the service’s own words: paused, ordered by its operator (“new disks”), since 21:04 UTC, until 22:04 UTC.',
  )
  const said = 'The service itself says: paused, ordered by its operator (“new disks”)'
  expect(firstIncident(world)!.updates.some(({ body }) => body.includes(said))).toBe(true)

  const atMs = world.ctx.clock.now().getTime()
  for (let at = 0; at < 60; at++) {
    declare(world, {}, [{ step: 'feed', atMs, share: 1, why: 'one good probe' }])
    await world.pass(10)
  }
  await expect.poll(() => firstIncident(world)?.state).toBe('resolved')
  expect(firstIncident(world)).toMatchObject({
    declared: { note: 'new disks' },
    restoration: [{ step: 'feed', share: 1 }],
  })
})

test('an outage that goes on after the order is not its order’s', async () => {
  await using world = await openWorld()
  await world.pass(60)
  for (let at = 0; at < 9; at++) {
    declare(world, { feed: declared() })
    await world.pass(10, ['feed'])
  }
  await expect.poll(() => firstIncident(world)?.declared?.note).toBe('new disks')
  for (let at = 0; at < 36; at++) {
    declare(world, {})
    await world.pass(10, ['feed'])
  }
  await expect.poll(() => firstIncident(world)?.declared).toBeNull()
})

test('load that the service declares is the cause, whatever the signs alone would make of it', async () => {
  await using world = await openWorld()
  await world.pass(60)
  for (let at = 0; at < 9; at++) {
    declare(world, { feed: declared({ reason: 'overload', note: null, untilMs: null }) })
    await world.pass(10, ['feed'])
  }
  await expect.poll(() => firstIncident(world)?.declared?.reason).toBe('overload')
  expect(firstIncident(world)!.cause).toBe('overload')
})
