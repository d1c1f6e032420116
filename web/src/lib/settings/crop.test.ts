import { expect, test } from 'vitest'
import { centredCrop, clampCrop, edgeOf, MAX_ZOOM, moveCrop } from './crop.ts'

const wide = { width: 400, height: 200 }

test('at first, the square is as large as the picture allows, in its middle', () => {
  expect(centredCrop(wide)).toEqual({ x: 200, y: 100, zoom: 1 })
  expect(edgeOf(wide, 1)).toBe(200)
  expect(edgeOf(wide, 2)).toBe(100)
})

test('the square never leaves the picture', () => {
  expect(clampCrop({ x: -50, y: 500, zoom: 1 }, wide)).toEqual({ x: 100, y: 100, zoom: 1 })
  expect(clampCrop({ x: 0, y: 0, zoom: 2 }, wide)).toEqual({ x: 50, y: 50, zoom: 2 })
  expect(clampCrop({ x: 200, y: 100, zoom: 99 }, wide).zoom).toBe(MAX_ZOOM)
  expect(clampCrop({ x: 200, y: 100, zoom: 0 }, wide).zoom).toBe(1)
})

test('a drag moves the picture under the square, in proportion to how it is shown', () => {
  // 200 pixels of the picture are shown 100 wide.
  expect(moveCrop(centredCrop(wide), wide, { dx: 10, dy: 0 }, 100)).toEqual({ x: 180, y: 100, zoom: 1 })
  expect(moveCrop(centredCrop(wide), wide, { dx: -1000, dy: 7 }, 100)).toEqual({ x: 300, y: 100, zoom: 1 })
})
