import { expect, test } from 'vitest'
import { bucketOf, noLatencies } from '../../../engines/steward/rollout/index.ts'
import { createReleaseJudge, type Second } from './judge-release.ts'
import type { Seen } from './replay.ts'

const RATE = 30

const seen = (changes: Partial<Seen> = {}, tookMs = 2): Seen => {
  const latencyBuckets = noLatencies()
  latencyBuckets[bucketOf(tookMs)] = RATE
  return { requests: RATE, errors: 0, broken: 0, timeouts: 0, latencyBuckets, ...changes }
}

/** Seconds of a trial: three as shadows, then in force. @returns the end, and after how many seconds it came */
function play(input: {
  readonly canary?: Seen
  readonly before: Second
  readonly counted: Second | null
  readonly asked?: { readonly broken: number; readonly timeouts: number }
  readonly hasEnded?: boolean
}): { verdict: string; second: number } {
  const { canary = seen(), before, counted, asked = { broken: 0, timeouts: 0 }, hasEnded = false } = input
  const judge = createReleaseJudge({
    judgeS: 5,
    ratePerS: RATE,
  })
  for (let second = 0; second < 60; second++) {
    const live =
      judge.stage === 'shadow'
        ? null
        : { before: Array.from({ length: 30 }, () => before), counted, asked, hasEnded }
    const { verdict } = judge.observe({ atMs: second * 1_000, canary, baseline: seen(), live })
    if (verdict === 'promote' || verdict === 'back') return { verdict, second }
  }
  return { verdict: 'hold', second: 60 }
}

test('a document that does no harm is the last good one after its time', () => {
  const { verdict, second } = play({
    before: { requests: 100, errors: 0 },
    counted: { requests: 100, errors: 0 },
  })
  expect([verdict, second < 15]).toEqual(['promote', true])
})

test('what fails as a shadow is met by nobody', () => {
  const none = { requests: 0, errors: 0 }
  const { verdict, second } = play({ canary: seen({ errors: RATE }), before: none, counted: none })
  expect([verdict, second <= 2]).toEqual(['back', true])
})

test('what only people meet is taken back within seconds', () => {
  const { verdict, second } = play({
    before: { requests: 100, errors: 0 },
    counted: { requests: 100, errors: 30 },
  })
  expect([verdict, second <= 6]).toEqual(['back', true])
})

test('what failed before as it fails now is no harm of the new one', () => {
  const always = { requests: 100, errors: 20 }
  expect(play({ before: always, counted: always }).verdict).toBe('promote')
})

test('who is not let in is counted, though nginx counts nothing of it', () => {
  const quiet = { requests: 0, errors: 0 }
  const end = play({ before: quiet, counted: quiet, asked: { broken: 0, timeouts: RATE } })
  expect(end.verdict).toBe('back')
})

test('slower by far than the one before is harm; an nginx that ended is, at once', () => {
  const quiet = { requests: 0, errors: 0 }
  expect(play({ canary: seen({}, 400), before: quiet, counted: quiet }).verdict).toBe('back')
  expect(play({ before: quiet, counted: quiet, hasEnded: true }).verdict).toBe('back')
})

test('what tells no counts is not taken for well: it goes back as silent', () => {
  const { verdict, second } = play({ before: { requests: 100, errors: 0 }, counted: null })
  expect([verdict, second < 15]).toEqual(['back', true])
})
