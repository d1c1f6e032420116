import { expect, test } from 'vitest'
import { createDurations, forecastRemaining, learnDuration } from './forecast.ts'

const MINUTE_MS = 60_000
const CAUSE = [{ cause: 'overload', probability: 1, evidenceFor: [], evidenceAgainst: [] }] as const

test('a forecast is of the own past once as many own outages as the published figures are worth have ended', () => {
  const durations = createDurations()
  const isOwn = () => forecastRemaining(durations, CAUSE, MINUTE_MS).isOfOwnPast
  expect(isOwn()).toBe(false)
  for (let ended = 1; ended <= 3; ended++) learnDuration(durations, 'overload', 5 * MINUTE_MS)
  expect(isOwn()).toBe(false)
  learnDuration(durations, 'overload', 5 * MINUTE_MS)
  expect(isOwn()).toBe(true)
})

test('outages of another cause are no past of this one', () => {
  const durations = createDurations()
  for (let ended = 1; ended <= 9; ended++) learnDuration(durations, 'dns', 5 * MINUTE_MS)
  expect(forecastRemaining(durations, CAUSE, MINUTE_MS).isOfOwnPast).toBe(false)
})
