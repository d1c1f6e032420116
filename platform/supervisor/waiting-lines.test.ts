import { expect, test } from 'vitest'
import { createWaitingLines, CROWDED_MS } from './waiting-lines.ts'

const drain = (lines: ReturnType<typeof createWaitingLines<string>>, nowMs: number) => {
  const order: string[] = []
  for (let next = lines.next(nowMs); next; next = lines.next(nowMs)) order.push(next.one)
  return order
}

test('who comes from where known people are goes first, and in a short line who came first', () => {
  const lines = createWaitingLines<string>(10)
  lines.add('stranger 1', 'stranger', 0)
  lines.add('known 1', 'known', 10)
  lines.add('stranger 2', 'stranger', 20)
  lines.add('known 2', 'known', 30)
  expect(lines.next(40)).toEqual({ one: 'known 1', waitedMs: 30 })
  expect(drain(lines, CROWDED_MS)).toEqual(['known 2', 'stranger 1', 'stranger 2'])
  expect(lines.next(CROWDED_MS)).toBeNull()
})

test('who comes from where work was proved goes before strangers, and after known people', () => {
  const lines = createWaitingLines<string>(10)
  for (const each of ['stranger', 'proven', 'known', 'proven'] as const) lines.add(each, each, 0)
  expect(drain(lines, 2 * CROWDED_MS)).toEqual(['known', 'proven', 'proven', 'stranger'])
})

test('in a crowd the stranger who has just come is next, until nobody has waited long', () => {
  const lines = createWaitingLines<string>(10)
  for (const [at, name] of ['first', 'second', 'third'].entries())
    lines.add(name, 'stranger', at * CROWDED_MS)
  expect(drain(lines, 2 * CROWDED_MS)).toEqual(['third', 'second', 'first'])
})

test('in a full line who has waited longest is let go; the lines are full by themselves', () => {
  const lines = createWaitingLines<number>(3)
  expect([0, 1, 2, 3, 4].map((one) => lines.add(one, 'stranger', one))).toEqual([null, null, null, 0, 1])
  expect(lines.add(9, 'known', 9)).toBeNull()
  expect(lines.takeAll()).toEqual([9, 2, 3, 4])
  expect(lines.takeAll()).toEqual([])
})
