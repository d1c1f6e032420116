import { expect, test } from 'vitest'
import { toWatchStatus } from '../api/watch-status.ts'
import { type WatchWorld } from '../pages/world.fixtures.ts'
import { listIncidents, statusOf } from './index.ts'
import { openWorld } from './loop.fixtures.ts'

const MINUTE_MS = 60_000
const ALL = ['feed', 'video', 'upload', 'search', 'tags']
const LINKS = { status: () => '/', incident: () => '/i', maintenance: () => '/m' }

const incidentOf = (world: WatchWorld) => listIncidents(world.ctx, { serviceId: 'upbeat' })[0]!
const updatesOf = (world: WatchWorld) => incidentOf(world).updates.length
const feedOf = (world: WatchWorld) =>
  statusOf(world.ctx, 'upbeat').components.find(({ slug }) => slug === 'feed')!
const appSees = (world: WatchWorld) =>
  toWatchStatus(statusOf(world.ctx, 'upbeat'), LINKS, world.ctx.clock.now())

/** Lets time pass without any check. */
async function rest(world: WatchWorld & { clock: { advance(ms: number): void } }, seconds: number) {
  for (let passed = 0; passed < seconds; passed += 10) {
    world.clock.advance(10_000)
    await new Promise((resolve) => setTimeout(resolve, 8))
  }
}

async function openOutage() {
  const world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await expect.poll(() => incidentOf(world)?.state).toBe('confirmed')
  return world
}

test.each([1, 20])(
  'a watch that was away for %i minutes keeps an open incident as it was, and says since when it has not looked',
  async (minutes) => {
    await using world = await openOutage()
    const before = incidentOf(world)
    await world.restart(() => world.clock.advance(minutes * MINUTE_MS))
    await rest(world, 60)

    const after = incidentOf(world)
    expect(after).toMatchObject({ state: before.state, causes: before.causes, updates: before.updates })
    const sinceMs = after.uncheckedSinceMs!
    expect(Math.abs(sinceMs - before.updatedAtMs)).toBeLessThan(2 * MINUTE_MS)
    expect(feedOf(world).uncheckedSinceMs).toBe(sinceMs)
    expect(appSees(world)).toMatchObject({ asOf: new Date(sinceMs).toISOString(), isBlind: true })

    await world.pass(20, ['feed'])
    await expect.poll(() => incidentOf(world).uncheckedSinceMs).toBeUndefined()
    expect(feedOf(world).uncheckedSinceMs).toBeUndefined()
    expect(appSees(world).isBlind).toBe(false)
    expect(incidentOf(world).state).not.toBe('resolved')
    await world.pass(600)
    await expect.poll(() => incidentOf(world).state).toBe('resolved')
  },
)

test('an outage that was recovering is not confirmed again by a restart, and goes on to its end', async () => {
  await using world = await openOutage()
  await world.pass(100)
  await expect.poll(() => incidentOf(world).state).toBe('recovering')
  const told = updatesOf(world)

  await world.restart(() => world.clock.advance(3 * MINUTE_MS))
  await rest(world, 60)
  expect(incidentOf(world).state).toBe('recovering')
  await world.pass(30)
  expect(incidentOf(world)).toMatchObject({ state: 'recovering' })
  expect(updatesOf(world)).toBe(told)
  await world.pass(300)
  await expect.poll(() => incidentOf(world).state).toBe('resolved')
})

test('a memory that is older than the record does not take an outage that was recovering back', async () => {
  await using world = await openOutage()
  await world.restart()
  const older = world.ctx.store.get<{ body: string }>('select body from detector_snapshot')!.body
  await world.pass(110)
  await expect.poll(() => incidentOf(world).state).toBe('recovering')
  const told = updatesOf(world)

  await world.restart(() =>
    world.ctx.store.write([{ sql: 'update detector_snapshot set body = :older', params: { older } }]),
  )
  await world.pass(60)

  expect(incidentOf(world).state).toBe('recovering')
  expect(updatesOf(world)).toBe(told)
  await world.pass(90, ALL)
  await expect.poll(() => incidentOf(world).state).toBe('confirmed')
})
