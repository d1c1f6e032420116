import { expect, test } from 'vitest'
import { foldDays } from './history.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const FROM = Date.UTC(2026, 0, 1)
const always = [{ fromMs: 0, untilMs: FROM + 10 * DAY_MS }]
const at = (ms: number, status: 'operational' | 'major_outage' | 'partial_outage' | 'under_maintenance') => ({
  at_ms: FROM + ms,
  status,
  state: 'up' as const,
})

test('a day is the share of what was seen: an outage of six hours costs a quarter', () => {
  const days = foldDays(
    [at(-DAY_MS, 'operational'), at(6 * HOUR_MS, 'major_outage'), at(12 * HOUR_MS, 'operational')],
    always,
    FROM,
    2,
  )
  expect(days).toEqual([
    { day: '2026-01-01', upFraction: 0.75, watchedMs: DAY_MS, worst: 'major_outage' },
    { day: '2026-01-02', upFraction: 1, watchedMs: DAY_MS, worst: 'operational' },
  ])
})

test('an outage over midnight is divided between its days', () => {
  const days = foldDays(
    [at(0, 'operational'), at(18 * HOUR_MS, 'major_outage'), at(30 * HOUR_MS, 'operational')],
    always,
    FROM,
    2,
  )
  expect(days.map(({ upFraction }) => upFraction)).toEqual([0.75, 0.75])
})

test('maintenance is left out of the day, and shown', () => {
  const days = foldDays([at(0, 'operational'), at(12 * HOUR_MS, 'under_maintenance')], always, FROM, 1)
  expect(days).toEqual([
    { day: '2026-01-01', upFraction: 1, watchedMs: 12 * HOUR_MS, worst: 'under_maintenance' },
  ])
})

test('what nobody watched is unknown, not up and not down', () => {
  const spans = [
    { fromMs: FROM, untilMs: FROM + HOUR_MS },
    { fromMs: FROM + 23 * HOUR_MS, untilMs: FROM + DAY_MS },
  ]
  const changes = [at(0, 'operational'), at(23.5 * HOUR_MS, 'major_outage')]
  expect(foldDays(changes, spans, FROM, 2)).toEqual([
    { day: '2026-01-01', upFraction: 0.75, watchedMs: 2 * HOUR_MS, worst: 'major_outage' },
    { day: '2026-01-02', upFraction: null, watchedMs: 0, worst: null },
  ])
  expect(foldDays([{ ...at(0, 'operational'), state: 'unknown' }], always, FROM, 1)).toEqual([
    { day: '2026-01-01', upFraction: null, watchedMs: 0, worst: null },
  ])
})
