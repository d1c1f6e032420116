import { expect, test } from 'vitest'
import { createSteadyChoice } from './steady-choice.ts'

test('everything is chosen while there is room for it, and the first when there is none', () => {
  const choice = createSteadyChoice(4)
  expect(choice.choose([['a', 'b']], ['c'])).toEqual(['a', 'b', 'c'])
  expect(choice.choose([['a', 'b']], ['c', 'd'])).toEqual(['a', 'b', 'c', 'd'])
  expect(createSteadyChoice(3).choose([['a', 'b']], ['c', 'd'])).toEqual(['a', 'b', 'c'])
})

test('the choice stays while only its margin changes', () => {
  const choice = createSteadyChoice(5)
  const first = choice.choose([['a', 'b', 'c', 'd']], ['e', 'f', 'g'])
  expect(choice.choose([['b', 'a', 'c', 'g']], ['f', 'e', 'd'])).toEqual(first)
  expect(choice.choose([['b', 'a', 'g', 'c']], ['f', 'e', 'd'])).toEqual(['b', 'a', 'g', 'c', 'f'])
})

test('what is not wanted at all any more makes room', () => {
  const choice = createSteadyChoice(3)
  choice.choose([['a']], ['b', 'c', 'd'])
  expect(choice.choose([['a']], ['b', 'd'])).toEqual(['a', 'b', 'd'])
})
