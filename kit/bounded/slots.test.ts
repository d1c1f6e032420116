import { expect, test } from 'vitest'
import { createSlots, NoSlotError } from './slots.ts'

test('so many run, so many wait, the next is refused, and a slot that failed is free again', async () => {
  const slots = createSlots({ running: 2, waiting: 1 })
  const gates = [1, 2, 3].map(() => Promise.withResolvers<number>())
  const begun: number[] = []
  const all = gates.map((gate, i) =>
    slots.run(() => {
      begun.push(i)
      return gate.promise
    }),
  )
  const settled = Promise.allSettled(all)

  await expect(slots.run(async () => 0)).rejects.toBeInstanceOf(NoSlotError)
  expect(begun).toEqual([0, 1])
  gates[0]!.reject(new Error('broken'))
  await expect.poll(() => begun).toEqual([0, 1, 2])
  gates[1]!.resolve(1)
  gates[2]!.resolve(2)

  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(await slots.run(async () => 'free')).toBe('free')
})
