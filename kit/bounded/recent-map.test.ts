import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRecentMap } from './recent-map.ts'

test('what was set longest ago is forgotten first, and setting it again keeps it', () => {
  const map = createRecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([3, undefined, 4, 2])
})

test('it holds what a list of the last keys holds, whatever is set in whichever order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(12), { maxLength: 200 }), (maxKeys, keys) => {
      const map = createRecentMap<number, number>(maxKeys)
      let last: number[] = []
      for (const [turn, key] of keys.entries()) {
        map.set(key, turn)
        last = [...last.filter((other) => other !== key), key].slice(-maxKeys)
        expect(map.size).toBe(last.length)
        for (let other = 0; other <= 12; other++)
          expect(map.get(other)).toBe(last.includes(other) ? keys.lastIndexOf(other, turn) : undefined)
      }
    }),
    { numRuns: 100 },
  )
})
