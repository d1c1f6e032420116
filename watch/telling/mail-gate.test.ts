import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import { createLog } from '../../kit/log.ts'
import { createTroubles } from '../app/troubles.ts'
import { createMailGate } from './mail-gate.ts'
import type { SendOutcome } from './senders.ts'

const SENT: SendOutcome = { kind: 'sent' }
const OURS: SendOutcome = { kind: 'ours', error: '421 Too many connections', remedy: 'See the server.' }
const UNCLEAR: SendOutcome = { kind: 'retry', error: '554 Denied', remedyIfMany: 'Ask.' }

function openWorld() {
  const clock = createFakeClock()
  const troubles = createTroubles({ clock, log: createLog({ level: 'silent', base: {} }) })
  const gate = createMailGate({ clock, troubles })
  const leave = (outcome: SendOutcome, subscriptionId = 'x') =>
    gate.leave({ key: '', subscriptionId, outcome, durationMs: 0 })
  const enterAll = () => {
    let count = 0
    while (gate.enter('') === 0) count += 1
    return count
  }
  return { clock, troubles, gate, leave, enterAll }
}

test('those that failed together count as one failure', () => {
  const { gate, leave, enterAll, clock } = openWorld()
  const count = enterAll()
  for (let i = 0; i < count; i++) leave(OURS)
  expect(gate.restMs()).toBe(10_000)
  clock.advance(10_000)
  expect(enterAll()).toBe(1)
  leave(OURS)
  expect(gate.restMs()).toBe(20_000)
})

test('a server that takes so many connections and no more is given fewer, and slowly more again', () => {
  const { gate, leave, enterAll } = openWorld()
  const most = enterAll()
  leave(OURS)
  for (let i = 1; i < most; i++) leave(SENT)
  const fewer = enterAll()
  expect(fewer).toBeLessThan(most * 0.7)
  for (let i = 0; i < fewer; i++) leave(SENT)
  for (let i = 0; i < 300; i++) {
    gate.enter('')
    leave(SENT)
  }
  expect(enterAll()).toBe(most)
})

test('while some mails go and some do not the trouble stays in sight; once all went for a while it ends', () => {
  const { gate, leave, troubles, clock } = openWorld()
  gate.enter('')
  gate.enter('')
  leave(OURS)
  leave(SENT)
  expect(gate.restMs()).toBe(0)
  expect(troubles.list()).toHaveLength(1)
  clock.advance(5_000)
  gate.enter('')
  leave(SENT)
  expect(troubles.list()).toEqual([])
})

test('three different receivers in a row make a refusal ours; one of them three times does not', () => {
  const { gate, leave } = openWorld()
  for (let i = 0; i < 3; i++) {
    gate.enter('')
    expect(leave(UNCLEAR, 'a').kind).toBe('retry')
  }
  gate.enter('')
  expect(leave(UNCLEAR, 'b').kind).toBe('retry')
  gate.enter('')
  expect(leave(UNCLEAR, 'c').kind).toBe('ours')
  expect(gate.restMs()).toBe(10_000)
})

test('a mail that is taken between says that it was the receivers', () => {
  const { gate, leave } = openWorld()
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
    gate.enter('')
    expect(leave(UNCLEAR, id).kind).toBe('retry')
    if (id !== 'b' && id !== 'd') continue
    gate.enter('')
    leave(SENT)
  }
})
