import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFakeClock } from '../clock.ts'
import { createFadingCounts } from './fading-counts.ts'

const WINDOW_MS = 1_000

function open(maxKeys = 1_024, seed = 7) {
  const clock = createFakeClock()
  return { clock, counts: createFadingCounts({ clock, windowMs: WINDOW_MS, maxKeys, seed }) }
}

test('a count falls to nothing over the window, evenly', () => {
  const { clock, counts } = open()
  for (let n = 1; n <= 8; n++) expect(counts.add('a')).toBe(n)
  clock.advance(WINDOW_MS / 4)
  expect(counts.count('a')).toBe(6)
  clock.advance((WINDOW_MS * 3) / 4)
  expect([counts.count('a'), counts.count('b')]).toEqual([0, 0])
  expect(counts.add('a')).toBe(1)
})

test('as long as there is room each key has its own count, whatever it is called', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 40 }), fc.integer(), (keys, seed) => {
      const { counts } = open(2 ** 16, seed)
      const exact = new Map<string, number>()
      for (const key of keys) {
        exact.set(key, (exact.get(key) ?? 0) + 1)
        expect(counts.add(key)).toBe(exact.get(key))
      }
      for (const [key, count] of exact) expect(counts.count(key)).toBe(count)
    }),
    { numRuns: 200 },
  )
})

test('without room the key counted longest ago goes, and who keeps coming stays', () => {
  const { clock, counts } = open(4)
  for (let n = 0; n < 50; n++) {
    clock.advance(1)
    counts.add('regular')
    clock.advance(1)
    // The four slots are the whole of it.
    expect(counts.add(`passer-by ${n}`)).toBe(1)
  }
  expect(counts.count('regular')).toBeGreaterThan(40)
  expect([counts.count('passer-by 0'), counts.count('passer-by 46')]).toEqual([0, 0])
  expect(counts.count('passer-by 49')).toBe(1)
})
