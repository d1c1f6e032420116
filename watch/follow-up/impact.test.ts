import { expect, test } from 'vitest'
import { describeImpact, impactOf, SLOT_MS, type ImpactInput, type Slot } from './impact.ts'

const DAY_MS = 86_400_000
const FROM = Date.parse('2026-03-02T12:00:00Z')
const UNTIL = FROM + 2 * SLOT_MS

/** 1,000 requests in each slot of the last weeks, unless said otherwise. */
function slotsOf(
  featureId: string,
  actual: Partial<Slot>,
  daysBefore = [7, 14, 21, 28],
  region = 'eu',
): Slot[] {
  const slots: Slot[] = []
  for (let atMs = FROM; atMs < UNTIL; atMs += SLOT_MS) {
    slots.push({ featureId, region, atMs, requests: 1_000, errors: 0, ...actual })
    for (const days of daysBefore)
      slots.push({ featureId, region, atMs: atMs - days * DAY_MS, requests: 1_000, errors: 0 })
  }
  return slots
}

const input = (changes: Partial<ImpactInput>): ImpactInput => ({
  fromMs: FROM,
  untilMs: UNTIL,
  featureIds: ['upload'],
  regions: ['eu'],
  slots: [],
  requestsPerPersonMinute: new Map([['upload', 2]]),
  reports: [],
  reportWindowMs: 30 * 60_000,
  ...changes,
})

test('requests that are missing, and those that failed, are user-minutes lost', () => {
  expect(impactOf(input({ slots: slotsOf('upload', { requests: 400, errors: 100 }) }))).toEqual({
    kind: 'from-traffic',
    // Two slots, each 1,000 usual − 300 good = 700 lost; two requests are one person’s minute.
    userMinutes: 700,
    coverage: 1,
  })
})

test('more requests than usual cost nobody anything', () => {
  expect(impactOf(input({ slots: slotsOf('upload', { requests: 1_500 }) }))).toMatchObject({ userMinutes: 0 })
})

test('a slot that the outage touches in part counts in part', () => {
  const half = input({ untilMs: FROM + SLOT_MS / 2, slots: slotsOf('upload', { requests: 0 }) })
  expect(impactOf(half)).toMatchObject({ userMinutes: 250, coverage: 1 })
})

test('of the features of a region the worst counts, regions are added up', () => {
  const requestsPerPersonMinute = new Map([
    ['upload', 2],
    ['feed', 4],
  ])
  const slots = [
    ...slotsOf('upload', { requests: 0 }),
    ...slotsOf('feed', { requests: 0 }),
    ...slotsOf('upload', { requests: 500 }, [7, 14], 'na'),
    ...slotsOf('feed', { requests: 1_000 }, [7, 14], 'na'),
  ]
  expect(
    impactOf(
      input({ featureIds: ['feed', 'upload'], regions: ['eu', 'na'], slots, requestsPerPersonMinute }),
    ),
  ).toMatchObject({ userMinutes: 1_000 + 500 })
})

test('the usual is the median: one earlier outage at this hour changes nothing', () => {
  const slots = slotsOf('upload', { requests: 0 }).map((slot) =>
    slot.atMs < FROM - 20 * DAY_MS && slot.atMs > FROM - 22 * DAY_MS ? { ...slot, requests: 0 } : slot,
  )
  expect(impactOf(input({ slots }))).toMatchObject({ userMinutes: 1_000 })
})

test('two days at this hour will do where weeks are missing; one will not', () => {
  const known = (days: number[]) => impactOf(input({ slots: slotsOf('upload', { requests: 0 }, days) }))
  expect(known([1, 2])).toMatchObject({ kind: 'from-traffic', userMinutes: 1_000 })
  expect(known([1])).toEqual({ kind: 'unknown', why: 'no-usual' })
  expect(known([7])).toEqual({ kind: 'unknown', why: 'no-usual' })
})

test('what was not counted in the outage makes it a lower bound', () => {
  const slots = slotsOf('upload', { requests: 0 }).filter(({ atMs }) => atMs !== FROM + SLOT_MS)
  const impact = impactOf(input({ slots }))
  expect(impact).toMatchObject({ userMinutes: 500, coverage: 0.5 })
  expect(describeImpact(impact)).toContain('at least 500 user-minutes')
})

test('from reports alone it is at least what those who reported lost', () => {
  const reports = [
    { atMs: FROM, trusted: 2 },
    { atMs: UNTIL - 60_000, trusted: 1.5 },
  ]
  const impact = impactOf(input({ reports, requestsPerPersonMinute: new Map() }))
  expect(impact).toEqual({ kind: 'from-reports', userMinutes: 2 * 10 + 1.5, reporters: 3.5 })
  expect(describeImpact(impact)).toBe(
    'Impact: at least 22 user-minutes, counting only those who reported it (3.5).',
  )
  const long = input({ reports, untilMs: FROM + DAY_MS, requestsPerPersonMinute: new Map() })
  // Within the window in which one reporter counts once.
  expect(impactOf(long)).toMatchObject({ userMinutes: 3.5 * 30 })
})

test.each([
  ['no rate is set', { requestsPerPersonMinute: new Map() }, 'no-rate'],
  ['nothing was counted', {}, 'no-traffic'],
] as const)('when %s, it stays unknown, with the reason', (_, changes, why) => {
  const impact = impactOf(input(changes))
  expect(impact).toEqual({ kind: 'unknown', why })
  expect(describeImpact(impact)).toMatch(/^Impact in user-minutes: unknown, as \S/)
})
