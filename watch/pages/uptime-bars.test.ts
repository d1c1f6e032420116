import { expect, test } from 'vitest'
import { makeUptimeDays } from './view.fixtures.ts'
import { describeUptime } from './uptime-bars.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Ninety days of which only so much of the last ones was watched, the last one last. */
const watched = (...durationsMs: number[]) =>
  makeUptimeDays(
    Object.fromEntries(
      Array.from({ length: 90 }, (_, daysAgo) => {
        const watchedMs = durationsMs.at(-1 - daysAgo) ?? 0
        return [daysAgo, { watchedMs, upFraction: watchedMs > 0 ? 1 : null }]
      }),
    ),
  )

test.each([
  ['not watched yet', []],
  ['100 % up, watched for 1 second', [1_999]],
  ['100 % up, watched for 1 minute', [MINUTE_MS]],
  ['100 % up, watched for 59 minutes', [HOUR_MS - 1]],
  ['100 % up, watched for 23 hours', [24 * HOUR_MS - 1]],
  // Around midnight.
  ['100 % up, watched for 2 minutes', [MINUTE_MS, MINUTE_MS]],
  ['100 % up, watched for 1 day', [23 * HOUR_MS, 24 * HOUR_MS]],
  ['100 % up, 2 days watched', [24 * HOUR_MS, 24 * HOUR_MS]],
] as const)('%s', (words, durationsMs) => {
  expect(describeUptime(watched(...durationsMs))).toBe(words)
})

test('ninety days say nothing of how long they were', () => {
  expect(describeUptime(makeUptimeDays())).toBe('100 % up')
})
