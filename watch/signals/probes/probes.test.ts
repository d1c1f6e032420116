import { expect, test } from 'vitest'
import type { CheckResult } from './check-result.ts'
import { isSoonAgain } from './probes.ts'

const resultOf = (outcome: CheckResult['outcome']): CheckResult => ({
  outcome,
  failure: outcome === 'failed' ? 'http-5xx' : null,
  durationMs: 20,
  detail: '',
  phases: {},
})

test('a failure and the first success after it are checked again soon, and a second success waits for its turn', () => {
  expect(isSoonAgain(undefined, resultOf('ok'))).toBe(false)
  expect(isSoonAgain(resultOf('ok'), resultOf('failed'))).toBe(true)
  expect(isSoonAgain(resultOf('failed'), resultOf('failed'))).toBe(true)
  expect(isSoonAgain(resultOf('failed'), resultOf('ok'))).toBe(true)
  expect(isSoonAgain(resultOf('ok'), resultOf('ok'))).toBe(false)
})
