import { expect, test } from 'vitest'
import { prefetchBudgetBytes } from './prefetch-budget.ts'

const good = {
  isSavingData: false,
  effectiveType: '4g',
  isHidden: false,
  isOnline: true,
  isPaused: false,
  bandwidthBps: 8e6,
}

test('two seconds of the network, and at most 3 MB', () => {
  expect(prefetchBudgetBytes(good)).toBe(2_000_000)
  expect(prefetchBudgetBytes({ ...good, bandwidthBps: 100e6 })).toBe(3_000_000)
})

test('nothing is fetched ahead for who saves data, on a slow network, offline, or in a hidden tab', () => {
  expect(prefetchBudgetBytes({ ...good, isSavingData: true })).toBe(0)
  expect(prefetchBudgetBytes({ ...good, effectiveType: '2g' })).toBe(0)
  expect(prefetchBudgetBytes({ ...good, effectiveType: 'slow-2g' })).toBe(0)
  expect(prefetchBudgetBytes({ ...good, isOnline: false })).toBe(0)
  expect(prefetchBudgetBytes({ ...good, isHidden: true })).toBe(0)
})

test('a 3G network gets half a megabyte, and no more than it can carry', () => {
  expect(prefetchBudgetBytes({ ...good, effectiveType: '3g' })).toBe(500_000)
  expect(prefetchBudgetBytes({ ...good, effectiveType: '3g', bandwidthBps: 400_000 })).toBe(100_000)
})

test('nothing is fetched ahead while the service has no capacity for it', () => {
  expect(prefetchBudgetBytes({ ...good, isPaused: true })).toBe(0)
})
