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

test('the page says what its worst components say, in Statuspage’s words', () => {
  expect(indicatorOf([])).toEqual({ indicator: 'none', description: 'All Systems Operational' })
  expect(indicatorOf(['operational', 'under_maintenance'])).toMatchObject({ indicator: 'maintenance' })
  expect(indicatorOf(['operational', 'degraded_performance'])).toMatchObject({ indicator: 'minor' })
  expect(indicatorOf(['operational', 'partial_outage'])).toMatchObject({
    description: 'Minor Service Outage',
  })
  expect(indicatorOf(['operational', 'operational', 'major_outage'])).toMatchObject({ indicator: 'major' })
  expect(indicatorOf(['operational', 'major_outage'])).toMatchObject({ indicator: 'critical' })
  expect(impactOf('partial_outage')).toBe('major')
})
