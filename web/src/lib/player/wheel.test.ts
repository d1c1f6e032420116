import { expect, test } from 'vitest'
import { createWheelGestures } from './wheel.ts'

function stepsOf(events: readonly (readonly [atMs: number, deltaPx: number])[]): number[] {
  const wheel = createWheelGestures()
  return events.map(([atMs, deltaPx]) => wheel.push({ atMs, deltaPx })).filter((step) => step !== 0)
}

test('a notch of a mouse wheel is one video, and each notch after a rest is one more', () => {
  expect(
    stepsOf([
      [0, 100],
      [500, 100],
      [1000, -100],
    ]),
  ).toEqual([1, 1, -1])
})

test('a sweep of a trackpad is one video, however long its afterglow', () => {
  const sweep = Array.from({ length: 90 }, (_, i) => [i * 16, 60 * 0.95 ** i] as const)
  expect(stepsOf(sweep)).toEqual([1])
})

test('a second sweep into the afterglow of the first one counts', () => {
  const first = Array.from({ length: 30 }, (_, i) => [i * 16, 60 * 0.9 ** i] as const)
  const second = Array.from({ length: 10 }, (_, i) => [480 + i * 16, 50] as const)
  expect(stepsOf([...first, ...second])).toEqual([1, 1])
})

test('a touch that hardly moves is no step', () => {
  expect(
    stepsOf([
      [0, 5],
      [16, 5],
      [32, 4],
    ]),
  ).toEqual([])
})

test('small moves of a sweep add up', () => {
  expect(
    stepsOf([
      [0, 8],
      [16, 9],
      [32, 10],
    ]),
  ).toEqual([1])
})
