import { expect, test } from 'vitest'
import { splitTimes, tellTimes, wordsOfTime } from './times.ts'

const now = new Date(2026, 10, 22, 21, 28, 0).getTime()
/** With plain spaces: between the digits and what follows the language puts one of its own. */
const words = (at: string, nowMs = now) => wordsOfTime(at, nowMs).replaceAll(/\s/g, ' ')
const at = (minutes: number) => new Date(now + minutes * 60_000).toISOString()

test('an instant is told by the clock of the place, and how far off it is', () => {
  expect(words(at(12))).toBe('9:40 PM, in 12 min')
  expect(words(at(-3))).toBe('9:25 PM, 3 min ago')
  expect(words(at(0.5))).toBe('9:28 PM, in 30 sec')
})

test('what has just been ordered for fifteen minutes ends in fifteen', () => {
  expect(words(at(15), now + 700)).toBe('9:43 PM, in 15 min')
})

test('what is further off than one would count is told by the clock alone', () => {
  expect(words(at(90))).toBe('10:58 PM, in 90 min')
  expect(words(at(91))).toBe('10:59 PM')
})

test('an instant of another day comes with its date', () => {
  expect(words(at(24 * 60))).toBe('November 23, 2026 at 9:28 PM')
})

test('a text keeps its words around the instants', () => {
  const text = `The level is at least 4 until ${at(12)}.`
  expect(splitTimes(text)).toEqual([
    { text: 'The level is at least 4 until ', isTime: false },
    { text: at(12), isTime: true },
    { text: '.', isTime: false },
  ])
  expect(tellTimes(text, now).replaceAll(/\s/g, ' ')).toBe(
    'The level is at least 4 until 9:40 PM, in 12 min.',
  )
  expect(splitTimes('Nothing to tell of 2026.')).toEqual([
    { text: 'Nothing to tell of 2026.', isTime: false },
  ])
  expect(splitTimes('At 2026-99-99T00:00Z.').some(({ isTime }) => isTime)).toBe(false)
})
