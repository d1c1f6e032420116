import { expect, test } from 'vitest'
import { estimateTimeLeftS } from './encoding.ts'

const enough = { leftMs: 4_000, madeMs: 1_000, workedMs: 3_000, speed: 0.5 }

test.each([
  ['at half speed, four seconds of film take eight', enough, 8],
  ['nothing is told before a second of film is made', { ...enough, madeMs: 999 }, null],
  ['nothing is told before three seconds of work', { ...enough, workedMs: 2_999 }, null],
  [
    'the first speed, next to nothing, is no speed',
    { ...enough, madeMs: 40, workedMs: 900, speed: 2e-5 },
    null,
  ],
  ['an unknown speed gives no time', { ...enough, speed: null }, null],
  ['no speed at all gives no time', { ...enough, speed: 0 }, null],
])('%s', (_what, so, timeLeftS) => {
  expect(estimateTimeLeftS(so)).toBe(timeLeftS)
})
