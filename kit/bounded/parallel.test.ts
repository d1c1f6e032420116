import { expect, test } from 'vitest'
import { eachInParallel } from './parallel.ts'

const never = new AbortController().signal

async function* upTo(count: number, taken: number[] = []): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    taken.push(i)
    yield i
  }
}

test('each item is worked on once, no more than so many at a time', async () => {
  const done: number[] = []
  let [now, most] = [0, 0]
  await eachInParallel(upTo(20), { concurrency: 3, signal: never }, async (item) => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setImmediate(resolve))
    now--
    done.push(item)
  })
  expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  expect(most).toBe(3)
})

test('after a failure no further items are begun, and those under way are waited for', async () => {
  const taken: number[] = []
  let ended = 0
  const running = eachInParallel(upTo(1_000, taken), { concurrency: 2, signal: never }, async (item) => {
    await new Promise((resolve) => setImmediate(resolve))
    ended++
    if (item === 3) throw new Error('the fourth')
  })
  await expect(running).rejects.toThrow('the fourth')
  expect(taken.length).toBeLessThan(8)
  const endedThen = ended
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(ended).toBe(endedThen)
})

test('a signal ends it with its reason', async () => {
  const ending = new AbortController()
  const running = eachInParallel(upTo(1_000), { concurrency: 2, signal: ending.signal }, async (item) => {
    if (item === 5) ending.abort(new Error('enough'))
  })
  await expect(running).rejects.toThrow('enough')
})
