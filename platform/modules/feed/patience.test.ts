import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LATE, Patience } from './patience.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = new Promise<string>(() => {})

test('while the database is in doubt a page is given up after 200 ms, and before 250', async () => {
  using patience = new Patience(() => true)
  let told: unknown = null
  void patience.wait(never).then((page) => (told = page))
  await vi.advanceTimersByTimeAsync(199)
  expect(told).toBeNull()
  await vi.advanceTimersByTimeAsync(51)
  expect(told).toBe(LATE)
})

test('while it is not, a page takes as long as it takes, and a failure stays one', async () => {
  let isInDoubt = false
  using patience = new Patience(() => isInDoubt)
  const slow = Promise.withResolvers<string>()
  const page = patience.wait(slow.promise)
  await vi.advanceTimersByTimeAsync(5_000)
  slow.resolve('a page')
  expect(await page).toBe('a page')
  await expect(patience.wait(Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  isInDoubt = true
  expect(await patience.wait(Promise.resolve('at once'))).toBe('at once')
})

test('with no page under way no timer runs', async () => {
  using patience = new Patience(() => true)
  await patience.wait(Promise.resolve('a page'))
  await vi.advanceTimersByTimeAsync(100)
  expect(vi.getTimerCount()).toBe(0)
})
