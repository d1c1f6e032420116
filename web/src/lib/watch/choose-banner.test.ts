import { expect, test } from 'vitest'
import type * as contract from '../../../../contract/index.ts'
import { chooseBanner } from './choose-banner.ts'

const NOW_MS = Date.parse('2026-11-22T04:00:00.000Z')
const incident = {
  id: 'aaaaaaaaaaaa',
  title: 'Upload does not work',
  state: 'confirmed' as const,
  cause: 'unknown' as const,
  causeProbability: 0.5,
  features: ['upload'],
  regions: [],
  startedAt: '2026-11-22T03:50:00.000Z',
  expectedEndAt: null,
  advice: 'Wait.',
  url: 'https://w.example/i/a',
}
const makeStatus = (changes: Partial<contract.WatchStatus> = {}): contract.WatchStatus => ({
  service: { id: 'upbeat', name: 'Upbeat', statusUrl: 'https://w.example' },
  asOf: new Date(NOW_MS - 5_000).toISOString(),
  indicator: 'none',
  description: 'All Systems Operational',
  isBlind: false,
  features: [],
  incidents: [],
  maintenances: [],
  ...changes,
})

test('nothing wrong is no banner, and neither is a suspicion', () => {
  expect(chooseBanner(makeStatus(), NOW_MS)).toBeNull()
  expect(chooseBanner(makeStatus({ incidents: [{ ...incident, state: 'suspected' }] }), NOW_MS)).toBeNull()
})

test('a confirmed fault is said with its advice', () => {
  expect(chooseBanner(makeStatus({ incidents: [incident] }), NOW_MS)).toMatchObject({
    kind: 'fault',
    title: 'Upload does not work',
    advice: 'Wait.',
    asOfMs: null,
  })
})

test('another state of the same fault is news to who had hidden it', () => {
  const keyOf = (state: 'confirmed' | 'recovering') =>
    chooseBanner(makeStatus({ incidents: [{ ...incident, state }] }), NOW_MS)!.key
  expect(keyOf('confirmed')).not.toBe(keyOf('recovering'))
})

test('what was seen minutes ago says when, and what was seen hours ago is forgotten', () => {
  const seen = (agoMs: number) =>
    chooseBanner(makeStatus({ incidents: [incident], asOf: new Date(NOW_MS - agoMs).toISOString() }), NOW_MS)
  expect(seen(120_000)!.asOfMs).toBeNull()
  expect(seen(120_001)!.asOfMs).toBe(NOW_MS - 120_001)
  expect(seen(6 * 3_600_000)).not.toBeNull()
  expect(seen(6 * 3_600_000 + 1)).toBeNull()
})

test('maintenance shows while it lasts', () => {
  const maintenance = {
    id: 'bbbbbbbbbbbb',
    title: 'New disks',
    features: [],
    startsAt: new Date(NOW_MS).toISOString(),
    endsAt: new Date(NOW_MS + 1000).toISOString(),
    url: 'https://w.example/m/b',
  }
  const status = makeStatus({ maintenances: [maintenance] })
  expect(chooseBanner(status, NOW_MS - 1)).toBeNull()
  expect(chooseBanner(status, NOW_MS)).toMatchObject({ kind: 'maintenance' })
  expect(chooseBanner(status, NOW_MS + 1000)).toBeNull()
})
