import { expect, test } from 'vitest'
import { toText } from './html.ts'
import { renderResponsePlot } from './response-plot.ts'

const HOUR_MS = 3_600_000
const FROM_MS = Date.UTC(2026, 4, 1, 12)

const plotOf = (hours: readonly number[]) =>
  toText(
    renderResponsePlot({
      name: 'Feed',
      fromMs: FROM_MS,
      toMs: FROM_MS + 24 * HOUR_MS,
      timeZone: 'UTC',
      points: hours.map((hour) => ({ atMs: FROM_MS + hour * HOUR_MS, p50Ms: 50, p95Ms: 100, checks: 15 })),
    }),
  )
const linesIn = (html: string) => [...html.matchAll(/<path class="p\d\d" d="([^"]*)"/g)].map(([, d]) => d)

test('the first point, and one between gaps, is a dot', () => {
  expect(linesIn(plotOf([24]))).toEqual([
    expect.stringMatching(/^M640 \d+h0$/),
    expect.stringMatching(/^M640 \d+h0$/),
  ])
  expect(linesIn(plotOf([1, 12]))).toEqual([
    expect.stringMatching(/^M80 \d+h0M348 \d+h0$/),
    expect.stringMatching(/^M80 \d+h0M348 \d+h0$/),
  ])
})

test('neighbours are joined', () => {
  expect(linesIn(plotOf([1, 1.25]))).toEqual([
    expect.stringMatching(/^M80 \d+h0L86 \d+$/),
    expect.stringMatching(/^M80 \d+h0L86 \d+$/),
  ])
})
