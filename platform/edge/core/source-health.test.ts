import { expect, test } from 'vitest'
import { createSourceHealth } from './source-health.ts'

const fail = (health: ReturnType<typeof createSourceHealth>, name: string, times = 3) => {
  for (let n = 0; n < times; n++) health.note(name, false, n)
}

test('who fails three times in a row comes last, and first again after two answers', () => {
  const health = createSourceHealth(['a', 'b'])
  fail(health, 'a', 2)
  expect(health.order()).toEqual(['a', 'b'])
  fail(health, 'a', 1)
  expect(health.order()).toEqual(['b', 'a'])
  health.note('a', true, 9)
  expect(health.order()).toEqual(['b', 'a'])
  health.note('a', true, 10)
  expect(health.order()).toEqual(['a', 'b'])
})

test('when all fail at once all stay, and it says since when', () => {
  const health = createSourceHealth(['a', 'b'])
  fail(health, 'a')
  fail(health, 'b')
  expect(health.order()).toEqual(['a', 'b'])
  expect([health.isFailingStatic, health.awaySinceMs]).toEqual([true, 2])
  health.note('b', true, 20)
  expect([health.order(), health.awaySinceMs]).toEqual([['b', 'a'], null])
})

test('without failing static nobody would be left', () => {
  const health = createSourceHealth(['a'], false)
  fail(health, 'a')
  expect(health.order()).toEqual([])
})
