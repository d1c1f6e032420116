import { expect, test } from 'vitest'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { heedAnnouncement, listMaintenances, type Announcement } from './index.ts'

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
