import { expect, test } from 'vitest'
import { isShownWhole } from './fit.ts'

const PORTRAIT = 9 / 16

test('a portrait video fills a phone', () => {
  expect(isShownWhole(PORTRAIT, 390 / 790)).toBe(false)
  expect(isShownWhole(PORTRAIT, 360 / 586)).toBe(false)
})

test('on a tablet and on a phone that lies on its side it is shown whole', () => {
  expect(isShownWhole(PORTRAIT, 820 / 1126)).toBe(true)
  expect(isShownWhole(PORTRAIT, 844 / 336)).toBe(true)
})

test('a landscape video is shown whole on a phone, and fills one on its side', () => {
  expect(isShownWhole(16 / 9, 390 / 790)).toBe(true)
  expect(isShownWhole(2.2, 844 / 336)).toBe(false)
})

test('fifteen hundredths may be cut off, not more', () => {
  expect(isShownWhole(0.851, 1)).toBe(false)
  expect(isShownWhole(0.849, 1)).toBe(true)
})
