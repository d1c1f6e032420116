import { expect, test } from 'vitest'
import { createCoalescer, FetchTimeoutError } from './coalesce.ts'

/** Time that moves only when it is told to. */
function createPauses() {
  let atMs = 0
  const waiting: { atMs: number; wake(): void }[] = []
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  return {
    nowMs: () => atMs,
    random: () => 0.5,
    pause: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        waiting.push({ atMs: atMs + ms, wake: resolve })
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    async advance(ms: number) {
      await settle()
      const endMs = atMs + ms
      for (;;) {
        const next = waiting.filter((each) => each.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        waiting.splice(waiting.indexOf(next), 1)
        atMs = Math.max(atMs, next.atMs)
        next.wake()
        await settle()
      }
      atMs = endMs
      await settle()
    },
  }
}

/** Each fetch is answered by what the test gives it. */
function createFetches() {
  const begun: {
    attempt: number
    touch(): void
    resolve(value: string): void
    reject(error: Error): void
  }[] = []
  return {
    begun,
    fetchOnce: (_: string, work: { attempt: number; signal: AbortSignal; touch(): void }) =>
      new Promise<string>((resolve, reject) => {
        begun.push({ attempt: work.attempt, touch: work.touch, resolve, reject })
        work.signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
      }),
  }
}

function createScene(isOn = true) {
  const pauses = createPauses()
  const fetches = createFetches()
  const { fetchOnce } = fetches
  const coalescer = createCoalescer({ ...pauses, fetchOnce, timeoutMs: 10_000, failureKeptMs: 1_000, isOn })
  return { pauses, fetches, coalescer }
}

test('2,000 who ask at once share one fetch', async () => {
  const { fetches, coalescer, pauses } = createScene()
  const asking = Promise.all(Array.from({ length: 2_000 }, () => coalescer.get('a', 'a')))
  await pauses.advance(50)
  fetches.begun[0]!.resolve('bytes')
  expect(new Set(await asking)).toEqual(new Set(['bytes']))
  expect(fetches.begun).toHaveLength(1)
})

test('a leader that hangs is taken over, in time for 1.5 times what a fetch usually takes', async () => {
  const { fetches, coalescer, pauses } = createScene()
  for (let n = 0; n < 30; n++) {
    const asking = coalescer.get(`${n}`, '')
    for (let part = 0; part < 4; part++) {
      await pauses.advance(100)
      fetches.begun.at(-1)!.touch()
    }
    fetches.begun.at(-1)!.resolve('usual')
    await asking
  }
  const beganMs = pauses.nowMs()
  const asking = coalescer.get('hot', '')
  await pauses.advance(200)
  expect(fetches.begun.at(-1)!.attempt).toBe(1)
  await pauses.advance(400)
  fetches.begun.at(-1)!.resolve('second')
  expect(await asking).toBe('second')
  expect(pauses.nowMs() - beganMs).toBeLessThanOrEqual(600)
  expect(fetches.begun).toHaveLength(32)
})

test('who gives signs of life is not taken over, however slow', async () => {
  const { fetches, coalescer, pauses } = createScene()
  const asking = coalescer.get('a', '')
  for (let n = 0; n < 10; n++) {
    await pauses.advance(900)
    fetches.begun[0]!.touch()
  }
  fetches.begun[0]!.resolve('slow')
  expect(await asking).toBe('slow')
  expect(fetches.begun).toHaveLength(1)
})

test('what failed twice is not asked for again at once, and then it is', async () => {
  const { fetches, coalescer, pauses } = createScene()
  const ask = () => coalescer.get('a', '').catch((error: Error) => error.message)
  const asking = ask()
  await pauses.advance(0)
  fetches.begun[0]!.reject(new Error('first'))
  await pauses.advance(0)
  fetches.begun[1]!.reject(new Error('second'))
  expect(await asking).toBe('second')
  expect(await ask()).toBe('second')
  expect(fetches.begun).toHaveLength(2)
  await pauses.advance(1_001)
  void ask()
  await pauses.advance(0)
  expect(fetches.begun).toHaveLength(3)
})

test('who hangs twice is given up in time', async () => {
  const { fetches, coalescer, pauses } = createScene()
  const asking = coalescer.get('a', '').catch((error: unknown) => error)
  await pauses.advance(10_000)
  expect(await asking).toBeInstanceOf(FetchTimeoutError)
  expect(fetches.begun).toHaveLength(2)
})
