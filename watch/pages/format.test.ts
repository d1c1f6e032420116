import { expect, test } from 'vitest'
import { formatAge, formatDay, formatDuration, formatInstant, formatMs, formatShare } from './format.ts'

const at = new Date('2026-03-29T23:05:00Z')

test('an instant is said in the time zone of the service', () => {
  expect(formatInstant(at, 'Etc/UTC')).toBe('29 Mar 2026, 23:05 UTC')
  expect(formatInstant(at, 'Europe/Berlin')).toBe('30 Mar 2026, 01:05 CEST')
  expect(formatDay('2026-03-09')).toBe('9 Mar 2026')
})

test.each([
  [0, '0 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [3_600_000, '1 h'],
  [12_000_000, '3 h 20 min'],
  [86_400_000, '1 d'],
  [187_200_000, '2 d 4 h'],
])('%d ms lasts %s', (ms, words) => {
  expect(formatDuration(ms)).toBe(words)
})

test('ages look both ways', () => {
  expect(formatAge(at, new Date(at.getTime() + 720_000))).toBe('12 min ago')
  expect(formatAge(at, new Date(at.getTime() - 720_000))).toBe('in 12 min')
  expect(formatAge(at, at)).toBe('just now')
})

test('a share is never rounded up to whole, and what is unknown is not zero', () => {
  expect(formatShare(0.99999)).toBe('99.99 %')
  expect(formatShare(1)).toBe('100 %')
  expect(formatShare(0)).toBe('0 %')
  expect(formatShare(null)).toBe('unknown')
  expect(formatMs(null)).toBe('unknown')
  expect(formatMs(1_380)).toBe('1.4 s')
})
