import { expect, test } from 'vitest'
import { dueAt, type Rhythm } from './rhythm.ts'

const at = (time: string) => Date.parse(`2026-11-22T${time}Z`)
const rhythm = (changes: Partial<Rhythm>): Rhythm => ({
  digestAt: null,
  quiet: null,
  timeZone: 'Etc/UTC',
  ...changes,
})
const night = { from: 22 * 60, until: 7 * 60 }

test.each<[string, Partial<Rhythm>, string, string]>([
  ['at once', {}, '2026-11-22T03:00:05Z', '2026-11-22T03:00:05Z'],
  ['at night it waits for the morning', { quiet: night }, '2026-11-22T23:30:40Z', '2026-11-23T07:00:00Z'],
  ['before the morning, too', { quiet: night }, '2026-11-22T06:59:59Z', '2026-11-22T07:00:00Z'],
  ['in the morning it goes at once', { quiet: night }, '2026-11-22T07:00:00Z', '2026-11-22T07:00:00Z'],
  ['quiet at noon', { quiet: { from: 720, until: 780 } }, '2026-11-22T12:10:00Z', '2026-11-22T13:00:00Z'],
  [
    'the hours are those of the person',
    { quiet: night, timeZone: 'Asia/Tokyo' },
    '2026-11-22T14:00:00Z',
    '2026-11-22T22:00:00Z',
  ],
  ['a digest waits for its minute', { digestAt: 480 }, '2026-11-22T07:30:00Z', '2026-11-22T08:00:00Z'],
  [
    'a digest that is just out waits a day',
    { digestAt: 480 },
    '2026-11-22T08:00:10Z',
    '2026-11-23T08:00:00Z',
  ],
])('%s', (_, changes, now, due) => {
  expect(new Date(dueAt(Date.parse(now), rhythm(changes))).toISOString()).toBe(new Date(due).toISOString())
})

test('an empty quiet time is none', () => {
  expect(dueAt(at('05:00:00'), rhythm({ quiet: { from: 300, until: 300 } }))).toBe(at('05:00:00'))
})
