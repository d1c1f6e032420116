import { expect, test } from 'vitest'
import { withWish } from './own-reaction.ts'

test('a like that waits counts on a card that was loaded without it', () => {
  expect(withWish({ isOn: false, count: 3 }, true)).toEqual({ isOn: true, count: 4 })
  expect(withWish({ isOn: true, count: 3 }, false)).toEqual({ isOn: false, count: 2 })
})

test('what the card knows already is not counted twice', () => {
  expect(withWish({ isOn: true, count: 4 }, true)).toEqual({ isOn: true, count: 4 })
  expect(withWish({ isOn: true, count: 4 }, null)).toEqual({ isOn: true, count: 4 })
})

test('an unknown count stays unknown, and none falls below zero', () => {
  expect(withWish({ isOn: false, count: null }, true)).toEqual({ isOn: true, count: null })
  expect(withWish({ isOn: true, count: 0 }, false)).toEqual({ isOn: false, count: 0 })
})
