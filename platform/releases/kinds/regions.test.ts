import { expect, test } from 'vitest'
import { regionsKind, RegionsDocument, type RegionPolicy } from './regions.ts'

const reason = 'Ordered by a court.'
const serving: RegionPolicy = { state: 'serving' }
const closed: RegionPolicy = { state: 'closed', reason }
const at = (share: 0.05 | 0.25): RegionPolicy => ({ state: 'reopening', reason, share })
const check = (regions: Record<string, RegionPolicy>, before?: Record<string, RegionPolicy>) =>
  regionsKind.goldenChecks({ regions }, before ? { regions: before } : null)

test('a closed region reopens by one stage after the other, and closes from any', () => {
  const stages = [closed, at(0.05), at(0.25), serving]
  for (const [from, before] of stages.entries())
    for (const [to, after] of stages.entries())
      expect(check({ eu: after }, { eu: before }).length, `${from} → ${to}`).toBe(to > from + 1 ? 1 : 0)
})

test('a closed region is not opened by being left out', () => {
  expect(check({}, { eu: closed })).toEqual([
    'eu goes from 0 % to 100 % of its people; 5 % is the next stage.',
  ])
  expect(check({}, { eu: serving })).toEqual([])
})

test('two regions closing at once are refused, one after the other are not', () => {
  expect(check({ eu: closed, us: closed }, { eu: serving, us: serving })).toHaveLength(1)
  expect(check({ eu: closed, us: closed }, { eu: closed, us: serving })).toEqual([])
})

test('a network belongs to one region', () => {
  const networks = ['10.1.0.0/16']
  expect(check({ eu: { ...serving, networks }, us: { ...serving, networks } })).toEqual([
    '10.1.0.0/16 belongs to eu and to us.',
  ])
})

test.each([
  { eu: { state: 'closed' } },
  { eu: { state: 'closed', reason: 'no' } },
  { eu: { state: 'reopening', reason, share: 0.5 } },
  { eu: { state: 'serving', networks: ['10.0.0.0/33'] } },
  { EU: serving },
])('%j is no policy', (regions) => {
  expect(RegionsDocument.safeParse({ regions }).success).toBe(false)
})
