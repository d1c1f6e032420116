import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdHistory, IdNumbers, IdSet, IdWeights } from './id-sets.ts'

const id = fc.integer({ min: 0, max: 30 }).map((n) => `id-${n}`)

test('a set holds what was put in and not taken out again, as a set of strings would', () => {
  fc.assert(
    fc.property(fc.array(id), fc.array(fc.tuple(id, fc.boolean())), id, (first, changes, asked) => {
      const numbers = new IdNumbers()
      numbers.numberOf('somebody else’s')
      const set = new IdSet(numbers, first)
      const model = new Set(first)
      for (const [changed, isIn] of changes) {
        set.put(changed, isIn)
        if (isIn) model.add(changed)
        else model.delete(changed)
      }

      expect(new Set(set)).toEqual(model)
      expect(set.size).toBe(model.size)
      expect(set.has(asked)).toBe(model.has(asked))
      expect(set.hasNumber(numbers.find(asked))).toBe(model.has(asked))
    }),
  )
})

test('an id that nobody has is in no set', () => {
  const numbers = new IdNumbers()
  const set = new IdSet(numbers, ['a'])
  expect(numbers.find('b')).toBe(-1)
  expect(set.hasNumber(-1)).toBe(false)
  expect(set.has('b')).toBe(false)
  expect(new IdSet(numbers, []).hasNumber(-1)).toBe(false)
  expect(() => numbers.idOf(1)).toThrow(RangeError)
})

test('weights add up to their limit, and a new name begins at nothing', () => {
  const weights = new IdWeights(new IdNumbers(), [['a', 0.5]])
  weights.raise('a', 0.25, 1)
  weights.raise('b', 0.25, 1)
  weights.raise('b', 7, 1)
  expect(new Map(weights)).toEqual(
    new Map([
      ['a', 0.75],
      ['b', 1],
    ]),
  )
})

test('a history keeps the last ones, in order', () => {
  fc.assert(
    fc.property(
      fc.array(id, { maxLength: 5 }),
      fc.array(id, { maxLength: 60 }),
      fc.integer({ min: 5, max: 12 }),
      (first, later, max) => {
        const history = new IdHistory(new IdNumbers(), max, first)
        for (const each of later) history.push(each)

        const all = [...first, ...later]
        expect([...history]).toEqual(all.slice(all.length - history.size))
        expect(history.size).toBeGreaterThanOrEqual(Math.min(max, all.length))
        expect(history.size).toBeLessThan(2 * max)
      },
    ),
  )
})
