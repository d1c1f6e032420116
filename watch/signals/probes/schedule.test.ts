import { expect, test } from 'vitest'
import { systemClock } from '../../../kit/clock.ts'
import { createSchedule } from './schedule.ts'

test('work is done again and again, and never twice at once', async () => {
  let [running, most, rounds] = [0, 0, 0]
  await using schedule = createSchedule(systemClock)
  schedule.set([
    {
      key: 'slow',
      everyMs: 50,
      run: async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 200))
        running--
        rounds++
      },
    },
  ])
  await expect.poll(() => rounds).toBeGreaterThan(2)
  expect(most).toBe(1)
})

test('what failed is done again soon, long before its turn', async () => {
  let rounds = 0
  await using schedule = createSchedule(systemClock)
  // Its place within the interval is by its key; the first round is what takes longest.
  schedule.set([{ key: 'a', everyMs: 2_000, againMs: 10, run: async () => ++rounds < 5 }])
  await expect.poll(() => rounds, { timeout: 30_000 }).toBeGreaterThanOrEqual(5)
})

test('work that is taken out is not done any more', async () => {
  const done: string[] = []
  await using schedule = createSchedule(systemClock)
  const work = (key: string) => ({ key, everyMs: 50, run: async () => void done.push(key) })
  schedule.set([work('a'), work('b')])
  await expect.poll(() => done).toContain('a')
  schedule.set([work('b')])
  const before = done.length
  await expect.poll(() => done.length).toBeGreaterThan(before + 3)
  expect(done.slice(before)).not.toContain('a')
})

test('10,000 pieces of work are spread over their interval', async () => {
  const starts: number[] = []
  await using schedule = createSchedule(systemClock)
  schedule.set(
    Array.from({ length: 10_000 }, (_, i) => ({
      key: `monitor-${i}`,
      everyMs: 4_000,
      run: async () => void starts.push(performance.now()),
    })),
  )
  await expect.poll(() => starts.length, { timeout: 30_000 }).toBeGreaterThan(5_000)
  const perTick = Map.groupBy(starts, (at) => Math.floor(at / 500))
  // One eighth is due in each half second; a busy machine may lump a few together.
  expect(Math.max(...[...perTick.values()].map((list) => list.length))).toBeLessThan(9_000)
})

test('what is new is done soon, however seldom its turn comes', async () => {
  const done = new Set<string>()
  await using schedule = createSchedule(systemClock)
  const keys = Array.from({ length: 20 }, (_, i) => `monitor-${i}`)
  schedule.set(keys.map((key) => ({ key, everyMs: 3_600_000, run: async () => void done.add(key) })))
  await expect.poll(() => done.size, { timeout: 30_000 }).toBe(keys.length)
})
