import { expect, test } from 'vitest'
import { FAULTS, planSchedule } from './schedules.ts'

test('a seed gives the same schedule each time', () => {
  expect(planSchedule(7)).toEqual(planSchedule(7))
  expect(planSchedule(7)).not.toEqual(planSchedule(8))
})

test('the twenty schedules that are played have every fault in them', () => {
  const played = new Set(
    Array.from({ length: 20 }, (_, n) => planSchedule(n + 1)).flatMap(({ faults }) =>
      faults.map(({ fault }) => fault),
    ),
  )

  expect([...played].toSorted()).toEqual([...FAULTS].toSorted())
})

test('faults come in their order', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const times = planSchedule(seed).faults.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  }
})
