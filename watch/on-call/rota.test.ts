/** Turns by the wall of a time zone, what overrides them, and gaps. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OnCall, WEEKDAYS, type RotaPlan } from '../configuration/index.ts'
import { fromFieldValue, instantOf, dayOfDate, toFieldValue } from './local-time.ts'
import { shiftsOf, who, type Override, type Rota } from './rota.ts'

const planOf = (layers: readonly object[]): RotaPlan =>
  OnCall.parse({ rotas: [{ id: 'first', name: 'First', layers }] }).rotas[0]!

const rotaOf = (
  layers: readonly object[],
  timeZone = 'Etc/UTC',
  overrides: readonly Override[] = [],
): Rota => ({ plan: planOf(layers), timeZone, overrides })

const at = (iso: string): number => Date.parse(iso)
const on = (rota: Rota, iso: string) => who(rota, at(iso)).personId

// 2026-01-05 is a Monday.
const WEEKLY = { people: ['ada', 'bob', 'cyd'], startsOn: '2026-01-05' }

test('weeks are handed over on their day and at their time, and begin anew after the last person', () => {
  const rota = rotaOf([WEEKLY])
  expect(on(rota, '2026-01-05T09:00:00Z')).toBe('ada')
  expect(on(rota, '2026-01-12T08:59:59Z')).toBe('ada')
  expect(on(rota, '2026-01-12T09:00:00Z')).toBe('bob')
  expect(on(rota, '2026-01-19T09:00:00Z')).toBe('cyd')
  expect(on(rota, '2026-01-26T09:00:00Z')).toBe('ada')
})

test('before its first day a layer covers nothing', () => {
  expect(who(rotaOf([WEEKLY]), at('2026-01-05T08:59:59Z'))).toEqual({ personId: null, because: 'gap' })
})

test('a first day in the middle of a week shortens the first turn', () => {
  const rota = rotaOf([{ ...WEEKLY, startsOn: '2026-01-07' }])
  expect(on(rota, '2026-01-07T09:00:00Z')).toBe('ada')
  expect(on(rota, '2026-01-12T09:00:00Z')).toBe('bob')
})

test.each([
  ['day', '2026-01-06T09:00:00Z', 'bob'],
  ['day', '2026-01-06T08:59:00Z', 'ada'],
  ['two-weeks', '2026-01-18T12:00:00Z', 'ada'],
  ['two-weeks', '2026-01-19T09:00:00Z', 'bob'],
])('by %s, at %s it is %s', (every, iso, person) => {
  expect(on(rotaOf([{ ...WEEKLY, handover: { every } }]), iso)).toBe(person)
})

test('a handover is at the same time of the wall before and after the clocks change', () => {
  const rota = rotaOf([{ ...WEEKLY, handover: { every: 'day', at: '09:00' } }], 'Europe/Berlin')
  // Forward on 29 March 2026, back on 25 October 2026: 09:00 is 08:00 UTC in winter, 07:00 UTC in summer.
  expect(
    shiftsOf(rota, at('2026-03-27T12:00Z'), at('2026-03-31T00:00Z')).map(({ fromMs }) => fromMs),
  ).toEqual(['2026-03-27T12:00Z', '2026-03-28T08:00Z', '2026-03-29T07:00Z', '2026-03-30T07:00Z'].map(at))
  expect(
    shiftsOf(rota, at('2026-10-23T12:00Z'), at('2026-10-27T00:00Z')).map(({ fromMs }) => fromMs),
  ).toEqual(['2026-10-23T12:00Z', '2026-10-24T07:00Z', '2026-10-25T08:00Z', '2026-10-26T08:00Z'].map(at))
})

test('a time that is skipped is an hour later, one that comes twice is the first', () => {
  const local = (date: string, minute: number) =>
    new Date(instantOf(dayOfDate(date), minute, 'Europe/Berlin')).toISOString()
  expect(local('2026-03-29', 150)).toBe('2026-03-29T01:30:00.000Z')
  expect(local('2026-10-25', 150)).toBe('2026-10-25T00:30:00.000Z')
  expect(local('2026-10-25', 180)).toBe('2026-10-25T02:00:00.000Z')
})

test('west of the date line and at odd offsets days are those of the wall', () => {
  expect(new Date(instantOf(dayOfDate('2026-06-01'), 0, 'Pacific/Kiritimati')).toISOString()).toBe(
    '2026-05-31T10:00:00.000Z',
  )
  expect(new Date(instantOf(dayOfDate('2026-06-01'), 540, 'Asia/Kathmandu')).toISOString()).toBe(
    '2026-06-01T03:15:00.000Z',
  )
})

test('a field’s local time and its instant lead to each other', () => {
  const ms = fromFieldValue('2026-07-01T18:30', 'America/New_York')!
  expect(new Date(ms).toISOString()).toBe('2026-07-01T22:30:00.000Z')
  expect(toFieldValue(ms, 'America/New_York')).toBe('2026-07-01T18:30')
  expect(fromFieldValue('tomorrow', 'Etc/UTC')).toBeNull()
})

test('a later layer stands above, and where it does not cover, the earlier one shows', () => {
  const nights = {
    people: ['nil'],
    startsOn: '2026-01-05',
    hours: { from: '22:00', until: '06:00', days: ['monday', 'friday'] },
  }
  const rota = rotaOf([WEEKLY, nights])
  expect(on(rota, '2026-01-05T21:59:00Z')).toBe('ada')
  expect(on(rota, '2026-01-05T22:00:00Z')).toBe('nil')
  // The night belongs to the day on which it began.
  expect(on(rota, '2026-01-06T05:59:00Z')).toBe('nil')
  expect(on(rota, '2026-01-06T06:00:00Z')).toBe('ada')
  expect(on(rota, '2026-01-06T23:00:00Z')).toBe('ada')
})

test('hours that no layer covers are gaps among the shifts, without holes between them', () => {
  const office = { people: ['ada'], startsOn: '2026-01-05', hours: { from: '09:00', until: '17:00' } }
  const shifts = shiftsOf(rotaOf([office]), at('2026-01-06T10:00Z'), at('2026-01-08T10:00Z'))
  expect(shifts.map(({ personId, because }) => personId ?? because)).toEqual([
    'ada',
    'gap',
    'ada',
    'gap',
    'ada',
  ])
  for (const [i, shift] of shifts.entries()) if (i > 0) expect(shift.fromMs).toBe(shifts[i - 1]!.untilMs)
  expect(shifts.at(-1)!.untilMs).toBe(at('2026-01-08T10:00Z'))
})

test('an override stands above all layers for its time; of two the one made last counts', () => {
  const override = (id: string, personId: string, from: string, until: string): Override => ({
    id,
    rotaId: 'first',
    personId,
    fromMs: at(from),
    untilMs: at(until),
  })
  const rota = rotaOf([WEEKLY], 'Etc/UTC', [
    override('a', 'bob', '2026-01-06T00:00Z', '2026-01-07T00:00Z'),
    override('b', 'cyd', '2026-01-06T12:00Z', '2026-01-06T13:00Z'),
    { ...override('c', 'eve', '2026-01-06T00:00Z', '2026-01-07T00:00Z'), rotaId: 'other' },
  ])
  expect(who(rota, at('2026-01-06T00:00Z'))).toEqual({ personId: 'bob', because: 'override' })
  expect(on(rota, '2026-01-06T12:30Z')).toBe('cyd')
  expect(on(rota, '2026-01-06T13:00Z')).toBe('bob')
  expect(on(rota, '2026-01-07T00:00Z')).toBe('ada')
})

const TIMES = fc.integer({ min: 0, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:30`)
const LAYERS = fc.array(
  fc.record(
    {
      people: fc.array(fc.constantFrom('ada', 'bob', 'cyd'), { minLength: 1, maxLength: 4 }),
      startsOn: fc.constantFrom('2026-03-16', '2026-03-26', '2026-04-01'),
      handover: fc.record({
        every: fc.constantFrom('day', 'week', 'two-weeks'),
        weekday: fc.constantFrom(...WEEKDAYS),
        at: TIMES,
      }),
      hours: fc.record({ from: TIMES, until: TIMES, days: fc.subarray([...WEEKDAYS], { minLength: 1 }) }),
    },
    { requiredKeys: ['people', 'startsOn', 'handover'] },
  ),
  { minLength: 1, maxLength: 3 },
)

test('at any instant whoever the shifts name is on call, also over a change of the clocks', () => {
  const fromMs = at('2026-03-20T00:00Z')
  const untilMs = at('2026-04-03T00:00Z')
  fc.assert(
    fc.property(
      LAYERS,
      fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Etc/UTC'),
      fc.array(
        fc.record({
          personId: fc.constantFrom('ada', 'bob'),
          fromMs: fc.integer({ min: fromMs, max: untilMs }),
          lastsMs: fc.integer({ min: 1, max: 5 * 86_400_000 }),
        }),
        { maxLength: 3 },
      ),
      fc.array(fc.integer({ min: fromMs, max: untilMs - 1 }), { minLength: 20, maxLength: 20 }),
      (layers, timeZone, standIns, instants) => {
        const overrides = standIns.map(({ lastsMs, ...one }, i) => ({
          ...one,
          id: String(i),
          rotaId: 'first',
          untilMs: one.fromMs + lastsMs,
        }))
        const rota = rotaOf(layers, timeZone, overrides)
        const shifts = shiftsOf(rota, fromMs, untilMs)
        for (const instant of instants) {
          const shift = shifts.find((one) => one.fromMs <= instant && instant < one.untilMs)!
          expect({ personId: shift.personId, because: shift.because }).toEqual(who(rota, instant))
        }
      },
    ),
    { numRuns: 60 },
  )
})
