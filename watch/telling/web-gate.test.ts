import { expect, test } from 'vitest'
import { createFakeClock } from '../../kit/clock.ts'
import type { SendOutcome } from './senders.ts'
import { createWebGate } from './web-gate.ts'

const SENT: SendOutcome = { kind: 'sent' }
const FAILED: SendOutcome = { kind: 'retry', error: 'It hangs.' }

function openWorld() {
  const clock = createFakeClock()
  const gate = createWebGate({ clock })
  const leave = (key: string, outcome = SENT, durationMs = 0) =>
    gate.leave({ key, subscriptionId: 'x', outcome, durationMs })
  /** One after the other. */
  const send = (key: string, outcome = SENT, durationMs = 0) => {
    const answer = gate.enter(key)
    if (answer === 0) leave(key, outcome, durationMs)
    return answer
  }
  const enterAll = (key: string) => {
    let count = 0
    while (gate.enter(key) === 0) count += 1
    return count
  }
  return { clock, gate, leave, send, enterAll }
}

test('the host of a webhook counts with its port; of a push subscription the one of its endpoint', () => {
  const { gate } = openWorld()
  expect(gate.keyOf({ channel: 'slack', address: 'https://a.example:8443/x' })).toBe('a.example:8443')
  const address = JSON.stringify({ endpoint: 'https://push.example/1', keys: {} })
  expect(gate.keyOf({ channel: 'push', address })).toBe('push.example')
  expect(gate.keyOf({ channel: 'push', address: '{' })).toBe('')
})

test('one host has two at the same time, six once it took something, and a push service more', () => {
  const { send, enterAll } = openWorld()
  expect(enterAll('new.example')).toBe(2)
  // Whoever only begins alike is no push service.
  const hosts = ['a.example', 'fcm.googleapis.com', 'evilfcm.googleapis.com', 'fcm.googleapis.com.example']
  for (const host of hosts) send(host)
  expect(hosts.map(enterAll)).toEqual([6, 32, 6, 6])
})

test('a host gets fifty a second', () => {
  const { send, clock } = openWorld()
  for (let i = 0; i < 50; i++) expect(send('a.example')).toBe(0)
  expect(send('a.example')).toBe(1_000)
  clock.advance(1_000)
  expect(send('a.example')).toBe(0)
})

test('a host that keeps failing rests alone, ever longer up to five minutes, and one success ends it', () => {
  const { send, clock } = openWorld()
  for (let i = 0; i < 3; i++) expect(send('a.example', FAILED)).toBe(0)
  expect(send('a.example', FAILED)).toBe(10_000)
  expect(send('b.example')).toBe(0)
  for (const restMs of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
    expect(send('a.example', FAILED)).toBe(restMs)
    clock.advance(restMs)
    expect(send('a.example', FAILED)).toBe(0)
  }
  clock.advance(300_000)
  expect(send('a.example')).toBe(0)
  expect(send('a.example')).toBe(0)
})

test('an address that fails among others that work does not make their host rest', () => {
  const { send } = openWorld()
  for (let i = 0; i < 20; i++) expect(send('a.example', i % 3 === 0 ? SENT : FAILED)).toBe(0)
})

test('after a rest one tries for all', () => {
  const { clock, gate, send, enterAll } = openWorld()
  for (let i = 0; i < 3; i++) send('a.example', FAILED)
  clock.advance(10_000)
  expect(enterAll('a.example')).toBe(1)
  expect(gate.enter('a.example')).toBeNull()
})

test('hosts that have not taken anything yet leave places for those that have', () => {
  const { send, enterAll } = openWorld()
  send('proven.example')
  const unknown = Array.from({ length: 30 }, (_, i) => `unknown${i}.example`)
  expect(unknown.reduce((sum, host) => sum + enterAll(host), 0)).toBe(48)
  expect(enterAll('proven.example')).toBe(6)
})

test('hosts that were slow or failed share sixteen places, whatever their number', () => {
  const { send, enterAll } = openWorld()
  const hosts = Array.from({ length: 20 }, (_, i) => `slow${i}.example`)
  for (const [i, host] of hosts.entries()) send(host, i % 2 === 0 ? SENT : FAILED, 9_000)
  expect(hosts.reduce((sum, host) => sum + enterAll(host), 0)).toBe(16)
  expect(enterAll('honest.example')).toBe(2)
})
