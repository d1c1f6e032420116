import { expect, test } from 'vitest'
import { createFakeClock } from '../clock.ts'
import { createRateSketch } from './rate-sketch.ts'

const create = (columns = 65_536) => {
  const clock = createFakeClock()
  return { clock, sketch: createRateSketch({ burst: 10, refillMs: 10_000, clock, seed: 7, columns }) }
}

test('as many as the burst, then one a second, to the token', () => {
  const { clock, sketch } = create()
  for (let at = 0; at < 10; at++) expect(sketch.take('a')).toBe(0)
  expect(sketch.take('a')).toBe(1_000)
  clock.advance(999)
  expect(sketch.take('a')).toBe(1)
  clock.advance(1)
  expect(sketch.take('a')).toBe(0)
  expect(sketch.take('a')).toBe(1_000)
  expect(sketch.take('b')).toBe(0)
})

test('whoever is refused is not put off further by asking', () => {
  const { clock, sketch } = create()
  for (let at = 0; at < 10; at++) sketch.take('a')
  for (let at = 0; at < 1_000; at++) sketch.take('a')
  clock.advance(1_000)
  expect(sketch.take('a')).toBe(0)
})

test('what is given back can be taken again, and no more than that', () => {
  const { sketch } = create()
  for (let at = 0; at < 10; at++) sketch.take('a')
  sketch.giveBack('a')
  expect(sketch.take('a')).toBe(0)
  expect(sketch.take('a')).toBeGreaterThan(0)
  for (let at = 0; at < 50; at++) sketch.giveBack('a')
  for (let at = 0; at < 10; at++) expect(sketch.take('a')).toBe(0)
  expect(sketch.take('a')).toBeGreaterThan(0)
})

test('a million sources take the memory of one, and harm nobody who asks little', () => {
  const { clock, sketch } = create()
  expect(sketch.sizeBytes).toBe(4 * 65_536 * 12)
  // 20,000 a second, each from a source of its own.
  for (let at = 0; at < 1_000_000; at++) {
    sketch.take(`source ${at}`)
    if (at % 20 === 19) clock.advance(1)
  }
  const refused = Array.from({ length: 10_000 }, (_, at) => sketch.take(`person ${at}`)).filter(Boolean)
  expect(refused).toHaveLength(0)
  // …while the one who takes more than there is for one is seen among them.
  for (let at = 0; at < 10; at++) sketch.take('greedy')
  expect(sketch.take('greedy')).toBeGreaterThan(0)
})

test('keys that share all their counters hold for one: too strict, never too lax', () => {
  const { sketch } = create(1)
  for (let at = 0; at < 10; at++) expect(sketch.take(`key ${at}`)).toBe(0)
  expect(sketch.take('another')).toBeGreaterThan(0)
})
