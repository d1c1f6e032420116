import { expect, test } from 'vitest'
import { startRepeating } from './repeat.ts'

test('a round that fails is told, and the next one comes all the same', async () => {
  let rounds = 0
  const errors: unknown[] = []
  await using _repeating = startRepeating({
    intervalMs: 1,
    work: async () => {
      rounds += 1
      if (rounds === 1) throw new Error('the first one')
    },
    onError: (error) => errors.push(error),
  })
  await expect.poll(() => rounds).toBeGreaterThan(2)
  expect(errors).toEqual([new Error('the first one')])
})

test('disposal waits for the round under way, which hears of it, and begins no other', async () => {
  let isOver = false
  let rounds = 0
  const repeating = startRepeating({
    intervalMs: 0,
    work: async (signal) => {
      rounds += 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      isOver = true
    },
    onError: () => {},
  })
  await repeating[Symbol.asyncDispose]()
  expect({ isOver, rounds }).toEqual({ isOver: true, rounds: 1 })
})
