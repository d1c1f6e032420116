import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import { createPassRates } from './pass-rate.ts'

test('checks count for fifteen minutes, and nothing is known before the first', () => {
  const clock = createFakeClock()
  const rates = createPassRates(clock)
  expect(rates.read('a')).toBeNull()
  rates.record('a', true)
  clock.advance(14 * 60_000)
  rates.record('a', false)
  expect(rates.read('a')).toEqual({ passed: 1, total: 2 })
  clock.advance(60_000)
  expect(rates.read('a')).toEqual({ passed: 0, total: 1 })
  expect(rates.read('b')).toBeNull()
})
