import { expect, test } from 'vitest'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { MOVES_MAX, WINDOWS_A_DAY_MAX } from './announced-maintenance.ts'
import { heedAnnouncement, listMaintenances, type Announcement } from './index.ts'
import { keepMaintenanceTimes } from './maintenance-verbs.ts'

const HOUR_MS = 3_600_000

async function openWorld() {
  const world = await createWatchWorld()
  const startsAtMs = world.ctx.clock.now().getTime() + HOUR_MS
  const said: Announcement = {
    id: 'm1',
    status: 'scheduled',
    startsAtMs,
    endsAtMs: startsAtMs + HOUR_MS,
    text: 'New disks.',
  }
  const shown = () =>
    listMaintenances(world.ctx, { serviceId: 'upbeat' }).map(({ body, status }) => `${body} ${status}`)
  return {
    said,
    shown,
    clock: world.clock,
    ctx: world.ctx,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

test('a window that the service announces is shown, goes on as the service says, and ends with its word', async () => {
  await using world = await openWorld()
  const hear = (announcement: Announcement | null) => heedAnnouncement(world.ctx, 'upbeat', announcement)
  await hear(world.said)
  await hear(world.said)
  expect(world.shown()).toEqual(['New disks. scheduled'])
  await hear({ ...world.said, status: 'in_progress' })
  expect(world.shown()).toEqual(['New disks. in_progress'])
  await hear({ ...world.said, id: 'm2', text: 'New network.' })
  expect(world.shown().toSorted()).toEqual(['New disks. completed', 'New network. scheduled'])
  await hear(null)
  expect(world.shown().toSorted()).toEqual(['New disks. completed', 'New network. completed'])
})

test('a window that was called over is not begun again by the same word', async () => {
  await using world = await openWorld()
  await heedAnnouncement(world.ctx, 'upbeat', world.said)
  await heedAnnouncement(world.ctx, 'upbeat', null)
  await heedAnnouncement(world.ctx, 'upbeat', { ...world.said, status: 'in_progress' })
  expect(world.shown()).toEqual(['New disks. completed'])
})

test('a window that does not fit is left out', async () => {
  await using world = await openWorld()
  await heedAnnouncement(world.ctx, 'upbeat', { ...world.said, endsAtMs: world.said.startsAtMs })
  expect(world.shown()).toEqual([])
})

test('what the service has said already does not undo what the clock has done since', async () => {
  await using world = await openWorld()
  const hear = (announcement: Announcement) => heedAnnouncement(world.ctx, 'upbeat', announcement)
  await hear(world.said)
  world.clock.advance(HOUR_MS)
  for (let look = 0; look < 3; look++) {
    await keepMaintenanceTimes(world.ctx)
    await hear(world.said)
  }
  const [window] = listMaintenances(world.ctx, { serviceId: 'upbeat' })
  expect(window!.updates.map(({ status }) => status)).toEqual(['in_progress', 'scheduled'])
  await hear({ ...world.said, status: 'verifying' })
  await hear({ ...world.said, status: 'in_progress', text: 'It takes longer.' })
  expect(world.shown()).toEqual(['New disks. in_progress'])
})

test('a service that changes its mind all the time is not followed for ever', async () => {
  await using world = await openWorld()
  for (let time = 0; time < MOVES_MAX + 5; time++)
    await heedAnnouncement(world.ctx, 'upbeat', {
      ...world.said,
      status: time % 2 === 0 ? 'scheduled' : 'in_progress',
    })
  const [window] = listMaintenances(world.ctx, { serviceId: 'upbeat' })
  expect(window!.updates).toHaveLength(MOVES_MAX)
})

test('a service announces so many windows a day, and another one the next day', async () => {
  await using world = await openWorld()
  const announce = async (count: number) => {
    for (let index = 0; index < count; index++)
      await heedAnnouncement(world.ctx, 'upbeat', { ...world.said, id: `${world.shown().length}-${index}` })
    return world.shown().length
  }
  expect(await announce(WINDOWS_A_DAY_MAX + 3)).toBe(WINDOWS_A_DAY_MAX)
  world.clock.advance(24 * HOUR_MS)
  expect(await announce(1)).toBe(WINDOWS_A_DAY_MAX + 1)
})
