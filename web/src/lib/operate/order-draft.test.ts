import { expect, test } from 'vitest'
import type { Maintenance } from '#lib/api/types.ts'
import { beginDraft, readDraft, stepsOf, type OrderAsk } from './order-draft.ts'

const NOW_MS = Date.parse('2026-11-22T09:10:00.000Z')
const planned: Maintenance = { id: 'm', state: 'announced', startsAt: '', endsAt: '', text: '' }

test('an order that takes something away needs a reason of three letters', () => {
  for (const ask of [{ kind: 'level' }, { kind: 'pause', feature: 'search' }] satisfies OrderAsk[]) {
    const draft = beginDraft(ask, NOW_MS)
    expect(readDraft(ask, draft).missing).toMatch(/at least 3/)
    expect(readDraft(ask, { ...draft, reason: ' ab ' }).missing).not.toBeNull()
    expect(readDraft(ask, { ...draft, reason: ' abc ' })).toMatchObject({
      missing: null,
      order: { reason: 'abc' },
    })
  }
})

test('maintenance is announced with times that fit: its end after its beginning, and within a day', () => {
  const ask: OrderAsk = { kind: 'maintenance', maintenance: null }
  const draft = { ...beginDraft(ask, NOW_MS), text: 'New disks' }
  expect(readDraft(ask, draft)).toMatchObject({
    missing: null,
    order: { startsAt: '2026-11-22T10:00:00.000Z', endsAt: '2026-11-22T11:00:00.000Z', text: 'New disks' },
  })
  expect(readDraft(ask, { ...draft, to: draft.from }).missing).toMatch(/24 hours/)
  expect(readDraft(ask, { ...draft, from: '2026-11-24T10:00', to: '2026-11-25T10:00' }).missing).toBeNull()
  expect(readDraft(ask, { ...draft, from: '2026-11-24T10:00', to: '2026-11-25T10:01' }).missing).toMatch(
    /24 hours/,
  )
  expect(readDraft(ask, { ...draft, from: '' }).missing).toMatch(/24 hours/)
})

test('what can be done about maintenance depends on where it is', () => {
  expect(stepsOf(null)).toEqual(['announce', 'begin'])
  expect(stepsOf(planned)).toEqual(['begin', 'cancel', 'announce'])
  expect(stepsOf({ ...planned, state: 'under-way' })).toEqual(['end'])
  expect(stepsOf({ ...planned, state: 'verifying' })).toEqual(['end'])
})

test('an order that is ready is given as it is', () => {
  const order = { type: 'backup-now' } as const
  const ask: OrderAsk = { kind: 'ready', order }
  expect(readDraft(ask, beginDraft(ask, NOW_MS))).toEqual({ order, missing: null })
})
