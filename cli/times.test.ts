import { expect, test } from 'vitest'
import { instantInWords, timesInWords } from './times.ts'

const here = new Date(2026, 10, 22, 21, 28)
const at = (day: number, hours: number, minutes: number) =>
  new Date(2026, 10, day, hours, minutes).toISOString()

test('an instant is told by the clock and the zone of the machine, with what is left', () => {
  expect(instantInWords(at(22, 21, 40), here)).toMatch(/^21:40 [\w+:-]+ \(in 12 min\)$/)
  expect(instantInWords(at(24, 9, 5), here)).toMatch(/^2026-11-24 09:05 [\w+:-]+ \(in 36 h\)$/)
  expect(instantInWords(at(22, 21, 20), here)).toMatch(/^21:20 [\w+:-]+ \(8 min ago\)$/)
})

test('each instant in a text is told so, and the names of files are left as they are', () => {
  const [from, to] = [at(22, 21, 40), at(22, 22, 10)]
  expect(timesInWords(`Everyone is told of ${from} to ${to}. It begins when you begin it.`, here)).toBe(
    `Everyone is told of ${instantInWords(from, here)} to ${instantInWords(to, here)}. It begins when you begin it.`,
  )
  for (const text of [
    'Nothing was ordered.',
    'in /kept/2026-01-01T03-30-00Z',
    '/kept/2026-01-01T03:30:00Z',
    '2026-99-01T03:30Z',
  ])
    expect(timesInWords(text, here)).toBe(text)
})
