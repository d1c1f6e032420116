import { describe, expect, test } from 'vitest'
import { impactOf, indicatorOf, statusOfCells, worstState } from './component-status.ts'

describe('a component’s status', () => {
  test.each([
    [['up', 'up'], 'operational'],
    [['down', 'up'], 'partial_outage'],
    [['down', 'down'], 'major_outage'],
    [['down', 'unknown'], 'partial_outage'],
    [['recovering', 'up'], 'degraded_performance'],
    [['maintenance', 'up'], 'under_maintenance'],
    [['closed', 'up'], 'operational'],
    [['closed', 'down'], 'major_outage'],
    [['closed', 'closed'], 'operational'],
  ] as const)('of %j is %s', (states, status) => {
    expect(statusOfCells(states, 'operational')).toBe(status)
  })

  test('keeps what it was while nothing is known, or only suspected', () => {
    for (const states of [[], ['unknown'], ['suspected'], ['unknown', 'up']] as const) {
      expect(statusOfCells(states, 'major_outage')).toBe('major_outage')
      expect(statusOfCells(states, 'operational')).toBe('operational')
    }
  })
})

test('the worst of its regions is a component’s state', () => {
  expect(worstState(['up', 'suspected', 'down'])).toBe('down')
  expect(worstState(['up', 'unknown'])).toBe('unknown')
  expect(worstState([])).toBe('unknown')
})

type Status = Parameters<typeof statusOfCells>[1]
const alike = (...statuses: Status[]) => statuses.map((status) => ({ status, essential: null }))

test('the page says what its worst components say, in Statuspage’s words', () => {
  expect(indicatorOf([])).toEqual({ indicator: 'none', description: 'All Systems Operational' })
  expect(indicatorOf(alike('operational', 'under_maintenance'))).toMatchObject({ indicator: 'maintenance' })
  expect(indicatorOf(alike('operational', 'degraded_performance'))).toMatchObject({ indicator: 'minor' })
  expect(indicatorOf(alike('operational', 'partial_outage'))).toMatchObject({
    description: 'Minor Service Outage',
  })
  expect(indicatorOf(alike('operational', 'operational', 'major_outage'))).toMatchObject({
    indicator: 'major',
  })
  expect(impactOf('partial_outage')).toBe('major')
})

test('where nothing is marked as what people come for, half of all decides whether the service is down', () => {
  expect(indicatorOf(alike('operational', 'major_outage'))).toMatchObject({ indicator: 'critical' })
})

describe('where people come for watching', () => {
  const service = (feed: Status, video: Status, others: Status) => [
    { status: feed, essential: 'watching' },
    { status: video, essential: 'watching' },
    ...Array.from({ length: 4 }, () => ({ status: others, essential: null })),
  ]

  test('everything else may be out, and the service is down in part', () => {
    expect(indicatorOf(service('operational', 'operational', 'major_outage'))).toEqual({
      indicator: 'major',
      description: 'Partial System Outage',
    })
  })

  test('half of watching is enough for it to be down', () => {
    expect(indicatorOf(service('operational', 'major_outage', 'operational'))).toMatchObject({
      indicator: 'critical',
    })
    expect(indicatorOf(service('partial_outage', 'degraded_performance', 'operational'))).toMatchObject({
      indicator: 'minor',
    })
  })
})
