import { expect, test } from 'vitest'
import { createRetryBudget, delayBeforeTryMs, READ_POLICY } from './retry.ts'

test('waits grow by two, are spread over their whole range, and have a ceiling', () => {
  const always = () => 1
  expect(delayBeforeTryMs(2, READ_POLICY, always)).toBe(250)
  expect(delayBeforeTryMs(3, READ_POLICY, always)).toBe(500)
  expect(delayBeforeTryMs(20, READ_POLICY, always)).toBe(4000)
  expect(delayBeforeTryMs(20, READ_POLICY, () => 0)).toBe(0)
})

test('a wait that the server asks for is never shortened', () => {
  expect(delayBeforeTryMs(2, READ_POLICY, () => 0, 7000)).toBe(7000)
  expect(delayBeforeTryMs(2, READ_POLICY, () => 1, 7000)).toBe(7250)
})

test('when everything fails, retries stop after the budget and come back only with successes', () => {
  const budget = createRetryBudget({ capacity: 2, earnedPerSuccess: 0.5 })
  expect([budget.trySpend(), budget.trySpend(), budget.trySpend()]).toEqual([true, true, false])
  budget.earn()
  expect(budget.trySpend()).toBe(false)
  budget.earn()
  expect(budget.trySpend()).toBe(true)
})
