import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSeriesScorer, scoreSeries, type SeriesPoint } from './index.ts'

const START_MS = Date.UTC(2026, 0, 5)
const FIVE_MINUTES_MS = 300_000

/** Two weeks with a daily rhythm and a little noise that is the same each time. */
const daily = (change: (value: number, at: number) => number = (value) => value): SeriesPoint[] =>
  Array.from({ length: 4032 }, (_, at) => {
    const noise = ((at * 7919) % 101) / 101 - 0.5
    const value = 100 + 40 * Math.sin((2 * Math.PI * at) / 288) + 10 * noise
    return { atMs: START_MS + at * FIVE_MINUTES_MS, value: change(value, at) }
  })

const points = fc.array(
  fc.record({
    atMs: fc.option(fc.integer({ min: 0, max: 4e12 })),
    value: fc.option(fc.double({ min: -1e12, max: 1e12 })),
  }),
  { maxLength: 700 },
)

test('a score is between 0 and 1 for any series', () => {
  fc.assert(
    fc.property(points, (series) => {
      const scores = scoreSeries(series)
      expect(scores).toHaveLength(series.length)
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test('a score depends on no later value', () => {
  fc.assert(
    fc.property(points, fc.nat(), (series, at) => {
      const cut = series.length === 0 ? 0 : at % series.length
      expect(scoreSeries(series.slice(0, cut))).toEqual(scoreSeries(series).slice(0, cut))
    }),
    { numRuns: 60 },
  )
})

test('a spike beyond all before it scores higher than anything else in two weeks', () => {
  const scores = scoreSeries(daily((value, at) => (at === 3000 ? value + 150 : value)))

  expect(scores.indexOf(Math.max(...scores))).toBe(3000)
  expect(scores[3000]).toBeGreaterThan(0.7)
})

test('a level that fits the range but not the time of day is noticed', () => {
  const scores = scoreSeries(daily((value, at) => (at >= 3024 + 200 && at < 3024 + 260 ? 130 : value)))

  const [inside, before] = [Math.max(...scores.slice(3224, 3290)), Math.max(...scores.slice(1500, 3224))]
  expect(inside).toBeGreaterThan(0.3)
  expect(inside).toBeGreaterThan(2 * before)
})

test('what only repeats itself scores low once it is known', () => {
  expect(Math.max(...scoreSeries(daily()).slice(1000))).toBeLessThan(0.2)
})

test('a missing value scores 0 and changes nothing after it', () => {
  const series = daily()
  const [whole, gap] = [createSeriesScorer(), createSeriesScorer()]
  for (const point of series.slice(0, 500)) {
    whole.score(point)
    gap.score(point)
  }
  expect(gap.score({ atMs: null, value: null })).toBe(0)
  expect(gap.score(series[500]!)).toBe(whole.score(series[500]!))
})
