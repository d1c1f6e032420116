import { expect, test } from 'vitest'
import { createSteadyClock } from './steady-clock.ts'

function makeClock() {
  let [wallMs, monotonicMs] = [1_000_000, 0]
  const clock = createSteadyClock({ now: () => new Date(wallMs), monotonicMs: () => monotonicMs })
  return {
    now: () => clock.now().getTime(),
    pass: (ms: number) => {
      wallMs += ms
      monotonicMs += ms
    },
    set: (byMs: number) => (wallMs += byMs),
  }
}

test('time passes as on the machine', () => {
  const clock = makeClock()
  clock.pass(5_000)
  expect(clock.now()).toBe(1_005_000)
})

test('a jump forwards is followed at once', () => {
  const clock = makeClock()
  clock.set(3_600_000)
  expect(clock.now()).toBe(4_600_000)
})

test('after a jump backwards time goes on slowly, never back, until the two meet', () => {
  const clock = makeClock()
  clock.set(-10_000)
  expect(clock.now()).toBe(1_000_000)
  clock.pass(10_000)
  expect(clock.now()).toBe(1_005_000)
  clock.pass(10_000)
  expect(clock.now()).toBe(1_010_000)
  clock.pass(1_000)
  expect(clock.now()).toBe(1_011_000)
})
