import { expect, test } from 'vitest'
import { createWatchWorld } from '../../pages/world.fixtures.ts'
import { openCountedReporters } from './counted-reporters.ts'

const ANNA = 'a1'.repeat(16)
const BEN = 'b2'.repeat(16)

test('who reports twice at once counts once, and is told so only when the first report is on the disk', async () => {
  await using world = await createWatchWorld()
  const reporters = openCountedReporters(world.ctx)
  const disk = Promise.withResolvers<void>()
  const first = reporters.countOnce(ANNA, () => disk.promise)
  let isSecondTold = false
  const second = reporters
    .countOnce(ANNA, () => Promise.reject(new Error('written twice')))
    .finally(() => (isSecondTold = true))
  expect(await reporters.countOnce(BEN, () => Promise.resolve())).toBe(true)
  expect(isSecondTold).toBe(false)
  disk.resolve()
  expect(await Promise.all([first, second])).toEqual([true, false])
})

test('whom the disk refused has not counted: who waited behind counts in their place', async () => {
  await using world = await createWatchWorld()
  const reporters = openCountedReporters(world.ctx)
  const refused = reporters.countOnce(ANNA, () => Promise.reject(new Error('the disk is full')))
  const behind = reporters.countOnce(ANNA, () => Promise.resolve())
  await expect(refused).rejects.toThrow('the disk is full')
  expect(await behind).toBe(true)
  expect(await reporters.countOnce(ANNA, () => Promise.resolve())).toBe(false)
})

test('a restart remembers who counted within the longest window, and nobody from before', async () => {
  await using world = await createWatchWorld()
  const longestMs = Math.max(
    ...world.ctx.catalog.services().map(({ reports }) => reports.windowMinutes * 60_000),
  )
  const keep = (reporter: string, agoMs: number) => ({
    sql: "insert into report (service_id, reporter, at_ms, trust) values ('upbeat', unhex(:reporter), :atMs, 1)",
    params: { reporter, atMs: world.ctx.clock.now().getTime() - agoMs },
  })
  await world.ctx.store.write([keep(ANNA, longestMs), keep(BEN, longestMs + 1)])
  const reporters = openCountedReporters(world.ctx)
  const isCounted = (reporter: string) => reporters.countOnce(reporter, () => Promise.resolve())
  expect([await isCounted(ANNA), await isCounted(BEN)]).toEqual([false, true])
})

test('beyond the most that it knows, the first who reported could count again, and nobody else', async () => {
  await using world = await createWatchWorld()
  const reporters = openCountedReporters(world.ctx, 2)
  const isCounted = (reporter: string) => reporters.countOnce(reporter, () => Promise.resolve())
  const cora = 'c3'.repeat(16)
  for (const reporter of [ANNA, BEN, cora]) expect(await isCounted(reporter)).toBe(true)
  expect([await isCounted(BEN), await isCounted(cora), await isCounted(ANNA)]).toEqual([false, false, true])
})
