import fc from 'fast-check'
import { expect, test } from 'vitest'
import { indexesBySlot, SLOT_COUNT, slotOf } from './slots.ts'

test('the video that plays, the one before and the one after have an element each', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(500), (a, b) => {
      const count = a + 1
      const active = b % count
      const shown = indexesBySlot(active, count).filter((index) => index !== null)
      const wanted = [active - 1, active, active + 1].filter((index) => index >= 0 && index < count)
      expect(shown.toSorted((x, y) => x - y)).toEqual(wanted)
    }),
  )
})

test('one step changes at most one element', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 500 }), fc.nat(500), fc.boolean(), (count, at, isForward) => {
      const active = at % count
      const next = isForward ? Math.min(count - 1, active + 1) : Math.max(0, active - 1)
      const before = indexesBySlot(active, count)
      const after = indexesBySlot(next, count)
      const changed = before.filter((index, slot) => after[slot] !== index && after[slot] !== null)
      expect(changed.length).toBeLessThanOrEqual(1)
    }),
  )
})

test('an empty feed needs no element, and each index has its own among its neighbours', () => {
  expect(indexesBySlot(0, 0)).toEqual(Array.from({ length: SLOT_COUNT }, () => null))
  expect(new Set([slotOf(4), slotOf(5), slotOf(6)]).size).toBe(3)
})
