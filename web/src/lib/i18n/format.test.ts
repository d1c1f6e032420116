import { expect, test } from 'vitest'
import { formatAgo, formatCount, formatDuration, formatSpan } from './format.ts'
import { formatBytes } from './format-more.ts'

test('a count that is not known is a dash, and a known zero is a zero', () => {
  expect(formatCount(null)).toBe('–')
  expect(formatCount(undefined)).toBe('–')
  expect(formatCount(0)).toBe('0')
  expect(formatCount(1234)).toBe('1.2K')
})

test('durations read like a clock', () => {
  expect(formatDuration(0)).toBe('0:00')
  expect(formatDuration(65_000)).toBe('1:05')
  expect(formatDuration(3_600_000)).toBe('1:00:00')
})

test('sizes take the unit that fits', () => {
  expect(formatBytes(0)).toBe('0 bytes')
  expect(formatBytes(1)).toBe('1 byte')
  expect(formatBytes(999)).toBe('999 bytes')
  expect(formatBytes(5_200_000)).toBe('5.2 MB')
  expect(formatBytes(null)).toBe('–')
})

test('times are told from now, in whole units', () => {
  const now = Date.UTC(2026, 10, 22, 12)
  expect(formatAgo(now - 20_000, now)).toBe('now')
  expect(formatAgo(now - 3 * 3_600_000, now)).toBe('3 hr. ago')
  expect(formatSpan(3 * 86_400_000)).toBe('3 days')
  expect(formatSpan(11 * 60_000)).toBe('11 minutes')
})
