import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { createPressureGate } from './pressure.ts'

function create() {
  const clock = createFakeClock()
  const gate = createPressureGate(clock)
  const signs = { level: 0, refusedBusy: 0, connectionWaitMs: 0, refusedProof: 0 }
  /** Looks each quarter of a second, with so many more each time. */
  const pass = (seconds: number, each: Partial<typeof signs> = {}) => {
    let last = false
    for (let at = 0; at < seconds * 4; at++) {
      clock.advance(250)
      signs.level = each.level ?? 0
      signs.connectionWaitMs = each.connectionWaitMs ?? 0
      signs.refusedBusy += each.refusedBusy ?? 0
      signs.refusedProof += each.refusedProof ?? 0
      last = gate.look(signs)
    }
    return last
  }
  return { gate, pass }
}

test('without pressure nobody is asked, whoever comes', () => {
  const { gate, pass } = create()
  expect(pass(60)).toBe(false)
  // One refusal a second is chance.
  expect(pass(60, { refusedBusy: 1 })).toBe(false)
  expect(gate.since).toBeNull()
})

test('people who are turned away raise it at once, and it stays for half a minute after the last', () => {
  const { gate, pass } = create()
  pass(1)
  expect(pass(0.25, { refusedBusy: 2 })).toBe(true)
  expect(gate.since).not.toBeNull()
  expect(pass(29.5)).toBe(true)
  expect(pass(0.5)).toBe(false)
})

test('a level that load asks for raises it, too', () => {
  const { pass } = create()
  expect(pass(0.25, { level: 1 })).toBe(true)
})

test('it stays while so many come without a proof that it would begin anew', () => {
  const { pass } = create()
  pass(0.25)
  pass(0.25, { level: 1 })
  expect(pass(300, { refusedProof: 5 })).toBe(true)
  expect(pass(29.5, { refusedProof: 4 })).toBe(true)
  expect(pass(1, { refusedProof: 4 })).toBe(false)
  // …and does not rise by them alone.
  expect(pass(60, { refusedProof: 100 })).toBe(false)
})

test('a crowd whose connections wait to be taken is pressure, before admission has seen any of it', () => {
  const { pass } = create()
  // As a garbage collection has it wait, once or twice.
  expect(pass(0.75, { connectionWaitMs: 400 })).toBe(false)
  expect(pass(1)).toBe(false)
  expect(pass(60, { connectionWaitMs: 249 })).toBe(false)
  expect(pass(1, { connectionWaitMs: 250 })).toBe(true)
})
