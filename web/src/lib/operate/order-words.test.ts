import { expect, test } from 'vitest'
import { effectOf, nameGiver, nameOrder, takesAway } from './order-words.ts'
import type { OperatorOrder } from './types.ts'

const orders: OperatorOrder[] = [
  { type: 'set-level', level: 4, reason: 'Drill', forS: 900 },
  { type: 'clear-level' },
  { type: 'pause-feature', feature: 'comments', reason: 'Spam', forS: 3600 },
  { type: 'resume-feature', feature: 'comments' },
  { type: 'announce-maintenance', startsAt: '', endsAt: '', text: '' },
  { type: 'begin-maintenance', level: 4 },
  { type: 'end-maintenance', isDespiteProblems: false },
  { type: 'cancel-maintenance' },
  { type: 'restart-role', role: 'all' },
  { type: 'hold-role', role: 'ingest' },
  { type: 'release-role', role: 'ingest' },
  { type: 'backup-now' },
  { type: 'end-release', reason: 'Wrong one' },
  { type: 'return-code', reason: 'Wrong one' },
]

test('every order has a name and says what it does, with nothing left to fill in', () => {
  for (const order of orders) {
    expect(nameOrder(order)).not.toMatch(/[{}]|undefined/)
    expect(effectOf(order).length).toBeGreaterThan(20)
    expect(effectOf(order)).not.toMatch(/[{}]|undefined/)
  }
})

test('a level is explained by what it means and how long it lasts', () => {
  expect(effectOf(orders[0]!)).toMatch(
    /^For 15 min the service is at level 4 at best: One list, actions kept\./,
  )
  expect(effectOf({ type: 'set-level', level: 0, reason: 'x', forS: 60 })).toMatch(/takes nothing away/)
})

test('what takes something away from people is marked', () => {
  expect(orders.filter(takesAway).map(({ type }) => type)).toEqual([
    'set-level',
    'pause-feature',
    'begin-maintenance',
    'hold-role',
  ])
  expect(takesAway({ type: 'set-level', level: 0, reason: 'x', forS: 60 })).toBe(false)
})

test('whoever gave an order is named', () => {
  expect(nameGiver({ kind: 'operator', accountId: 'a', handle: 'ann' })).toBe('@ann')
  expect(nameGiver({ kind: 'command-line', user: 'root' })).toBe('root (command line)')
  expect(nameGiver({ kind: 'upbeat' })).toBe('Upbeat itself')
})
