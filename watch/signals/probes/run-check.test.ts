import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { Monitor } from '../../configuration/index.ts'
import { failedBy, ownFault, passed, type CheckResult } from './check-result.ts'
import { runCheck } from './run-check.ts'

const monitorAt = (url: string) => Monitor.parse({ id: 'page', type: 'http', features: ['page'], url })
const context = { serviceId: 'shop', signal: new AbortController().signal }

function run(
  result: CheckResult | Error,
  options: { isOnline?: boolean; stallMs?: number; url?: string } = {},
) {
  const { isOnline = true, stallMs = 0, url = 'https://shop.example/' } = options
  return runCheck(monitorAt(url), context, {
    clock: createFakeClock(),
    connectivity: { isOnline: async () => isOnline, lastKnown: () => isOnline, noteSuccess: () => {} },
    stalls: { longestSinceMs: () => stallMs, [Symbol.dispose]: () => {} },
    runners: { http: async () => (result instanceof Error ? Promise.reject(result) : result) },
  })
}

test('without a connection of its own a place is blind: it does not say "down"', async () => {
  for (const failure of ['timeout', 'connect', 'refused', 'dns-no-answer', 'tls'] as const)
    expect(await run(failedBy(failure, 'x'), { isOnline: false })).toMatchObject({
      outcome: 'blind',
      failure: null,
    })
  expect(await run(ownFault('No resolver answered.'), { isOnline: false })).toMatchObject({
    outcome: 'blind',
  })
})

test('an answer that came is an answer, whatever the connection does now', async () => {
  expect(await run(failedBy('http-5xx', 'x'), { isOnline: false })).toMatchObject({ outcome: 'failed' })
  expect(await run(passed(), { isOnline: false })).toMatchObject({ outcome: 'ok' })
})

test('a target on this machine needs no connection', async () => {
  const result = await run(failedBy('connect', 'x'), { isOnline: false, url: 'http://127.0.0.1:8080/' })
  expect(result).toMatchObject({ outcome: 'failed', failure: 'connect' })
})

test('a check during which the watch itself stood still says nothing of its target', async () => {
  expect(await run(failedBy('timeout', 'x'), { stallMs: 5_000 })).toMatchObject({ outcome: 'error' })
  expect(await run(failedBy('http-5xx', 'x'), { stallMs: 5_000 })).toMatchObject({ outcome: 'failed' })
})

test('an error of our own is never an outage', async () => {
  expect(await run(new TypeError('a bug'))).toMatchObject({ outcome: 'error', failure: null })
})
