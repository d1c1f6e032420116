import { expect, test } from 'vitest'
import { createTakeoverLock } from './takeover-lock.ts'

test('who holds the turn is told to leave when another wants it, and is waited for', async () => {
  const lock = createTakeoverLock()
  const events: string[] = []
  const first = await lock.take('a')
  const second = lock.take('a').then((turn) => {
    events.push('second has it')
    return turn
  })
  expect(first.signal.aborted).toBe(true)
  events.push('first still works')
  first[Symbol.dispose]()
  using turn = await second
  expect(events).toEqual(['first still works', 'second has it'])
  expect(turn.signal.aborted).toBe(false)
})

test('of many that want it never two have it, and all of them get it in the end', async () => {
  const lock = createTakeoverLock()
  let holders = 0
  let turns = 0
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      using _turn = await lock.take('a')
      expect(++holders).toBe(1)
      await new Promise(setImmediate)
      holders--
      turns++
    }),
  )
  expect(turns).toBe(50)
})

test('different uploads do not wait for each other, and leaving twice does no harm', async () => {
  const lock = createTakeoverLock()
  const a = await lock.take('a')
  using b = await lock.take('b')
  a[Symbol.dispose]()
  using again = await lock.take('a')
  a[Symbol.dispose]()
  expect([b.signal.aborted, again.signal.aborted]).toEqual([false, false])
})
