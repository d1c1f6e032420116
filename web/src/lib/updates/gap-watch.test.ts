import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createGapWatch } from './gap-watch.ts'

let gaps = 0
const watch = () => createGapWatch(() => gaps++)
beforeEach(() => {
  gaps = 0
  vi.useFakeTimers()
})
afterEach(() => void vi.useRealTimers())

test('the first opening misses nothing', () => {
  watch().opened()
  vi.runAllTimers()
  expect(gaps).toBe(0)
})

test('a stream that was lost and is back has missed something, once, though the server says so too', () => {
  const stream = watch()
  stream.opened()
  stream.lost()
  vi.runAllTimers()
  expect(gaps).toBe(0)

  stream.opened()
  stream.told()
  vi.runAllTimers()
  expect(gaps).toBe(1)
  stream.opened()
  vi.runAllTimers()
  expect(gaps).toBe(1)
})

test('a server that tells of a gap as its last word is asked only when it is back', () => {
  const stream = watch()
  stream.opened()
  stream.told()
  stream.lost()
  vi.runAllTimers()
  expect(gaps).toBe(0)
  stream.opened()
  vi.runAllTimers()
  expect(gaps).toBe(1)
})
