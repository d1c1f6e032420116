import { expect, test } from 'vitest'
import { joinWants } from './wants.ts'

test('the tabs share one stream: each video once, in an order that does not depend on who asked', () => {
  const one = joinWants(
    new Map([
      ['a', ['x', 'y']],
      ['b', ['y', 'z']],
    ]),
    10,
  )
  const other = joinWants(
    new Map([
      ['b', ['z', 'y']],
      ['a', ['y', 'x']],
    ]),
    10,
  )
  expect(one).toEqual(['x', 'y', 'z'])
  expect(other).toEqual(one)
})

test('over the limit, the tab that asked last is served first', () => {
  expect(
    joinWants(
      new Map([
        ['old', ['a', 'b']],
        ['new', ['c', 'd']],
      ]),
      3,
    ),
  ).toEqual(['a', 'c', 'd'])
})
