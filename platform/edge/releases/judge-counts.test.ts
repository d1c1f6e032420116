import { expect, test } from 'vitest'
import { findHarm } from './judge-counts.ts'

const seconds = (requests: number, errors: number, count = 5) =>
  Array.from({ length: count }, () => ({ requests, errors }))

test('twenty errors at more than five times the rate of before are harm; nineteen are not', () => {
  expect(findHarm(seconds(100, 0), seconds(100, 4))).toContain('20 of 500 requests failed')
  expect(findHarm(seconds(100, 0), [...seconds(100, 4, 4), { requests: 100, errors: 3 }])).toBeNull()
})

test('what failed before as it fails now is no harm of the new one', () => {
  expect(findHarm(seconds(100, 20), seconds(100, 40))).toBeNull()
})
