import { expect, test } from 'vitest'
import { formatFigure, formatMs, formatSeconds, formatShare, formatSince } from './figures.ts'

test('spans are told in their largest whole unit', () => {
  expect([0, 59.9, 60, 3599, 3600, 86_400 * 3].map(formatSeconds)).toEqual([
    '0 sec',
    '59 sec',
    '1 min',
    '59 min',
    '1 hr',
    '3 days',
  ])
})

test('what is unknown is a dash, and a zero is a zero', () => {
  for (const format of [formatFigure, formatMs, formatSeconds, formatShare]) expect(format(null)).toBe('–')
  expect(formatSince(null, 0)).toBe('–')
  expect([formatFigure(0), formatMs(0), formatShare(0)]).toEqual(['0', '0 ms', '0%'])
})

test('small figures keep a decimal, large ones are shortened', () => {
  expect([0.26, 9.94, 10.4, 12_345, 1_200_000].map(formatFigure)).toEqual([
    '0.3',
    '9.9',
    '10',
    '12,345',
    '1.2M',
  ])
})
