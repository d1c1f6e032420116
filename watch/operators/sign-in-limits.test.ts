import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import { createSignInLimits, type SignInLimits } from './sign-in-limits.ts'

const ADA = { name: 'ada', nonce: 'her-browser' }
const HOUR_MS = 3_600_000

const isLet = (work: () => void): boolean => {
  try {
    work()
    return true
  } catch {
    return false
  }
}
const tryName = (limits: SignInLimits, address: string, device: typeof ADA | null = null): boolean =>
  isLet(() => limits.takeName({ address, device }, 'ada'))

function guess(limits: SignInLimits, places: number): void {
  for (let place = 0; place < places; place++)
    for (let i = 0; i < 10; i++) tryName(limits, `198.51.${place}.7`)
}

test('who guesses from three places keeps nobody out but themselves', () => {
  const limits = createSignInLimits(createFakeClock())
  guess(limits, 3)
  expect(tryName(limits, '198.51.1.7')).toBe(false)
  expect(tryName(limits, '192.0.2.1')).toBe(true)
})

test('from ten places a name waits, but never in its owner’s known browser, wherever that is', () => {
  const clock = createFakeClock()
  const limits = createSignInLimits(clock)
  guess(limits, 10)
  expect(tryName(limits, '192.0.2.1')).toBe(false)
  expect(tryName(limits, '198.51.1.7', ADA)).toBe(true)
  expect(isLet(() => limits.takeCode({ address: '198.51.1.7', device: ADA }, 'door'))).toBe(true)
  clock.advance(HOUR_MS)
  expect(tryName(limits, '192.0.2.1')).toBe(true)
})

test('another one’s known browser is a stranger’s at this name', () => {
  const limits = createSignInLimits(createFakeClock())
  guess(limits, 10)
  expect(tryName(limits, '192.0.2.1', { name: 'bob', nonce: 'his-browser' })).toBe(false)
})

test('a known browser has ten tries in ten minutes', () => {
  const clock = createFakeClock()
  const limits = createSignInLimits(clock)
  const tries = Array.from({ length: 11 }, () => tryName(limits, '192.0.2.1', ADA))
  expect(tries).toEqual([...Array.from({ length: 10 }, () => true), false])
  clock.advance(60_000)
  expect(tryName(limits, '192.0.2.1', ADA)).toBe(true)
})

test('behind one right password five codes may be tried, from wherever', () => {
  const limits = createSignInLimits(createFakeClock())
  const tries = Array.from({ length: 6 }, (_, i) =>
    isLet(() => limits.takeCode({ address: `192.0.2.${i}`, device: null }, 'door')),
  )
  expect(tries).toEqual([true, true, true, true, true, false])
})

test('a /48 of IPv6 is one place', () => {
  const limits = createSignInLimits(createFakeClock())
  for (let i = 0; i < 10; i++) expect(tryName(limits, `2001:db8:1:${i}::1`)).toBe(true)
  expect(tryName(limits, '2001:db8:1:ffff::1')).toBe(false)
  expect(tryName(limits, '2001:db8:2::1')).toBe(true)
})

test('a code opens once', () => {
  const clock = createFakeClock()
  const limits = createSignInLimits(clock)
  expect(limits.isFirstUse('op', '123456')).toBe(true)
  expect(limits.isFirstUse('op', '123456')).toBe(false)
  expect(limits.isFirstUse('another', '123456')).toBe(true)
})
