import fc from 'fast-check'
import { expect, test } from 'vitest'
import { statement } from './arbitraries.ts'
import { matchStatements } from './matching.ts'
import type { IncidentStatement } from './statement.ts'

const [example] = fc.sample(statement, { numRuns: 1, seed: 1 }) as [IncidentStatement]

/** Open since minute 0, of the features `prefix` 0 to `count` - 1. */
const makeStatement = (origin: string, count: number, prefix = 'f'): IncidentStatement => ({
  ...example,
  origin,
  incidentId: `${origin}${prefix}`.padEnd(12, 'x'),
  startedAtMs: 0,
  serviceId: 'upbeat',
  mergedInto: null,
  regions: [],
  featureIds: Array.from({ length: count }, (_, index) => `${prefix}${index}`),
})
const groupsOf = (said: readonly IncidentStatement[], comparedMax?: number): number =>
  matchStatements(said, () => null, comparedMax).length

test('as many names are compared as are allowed, and not one more', () => {
  const said = [makeStatement('a', 10), makeStatement('b', 10)]
  expect(groupsOf(said, 10)).toBe(1)
  expect(groupsOf(said, 9)).toBe(2)
})

test('who names a thousand features in each of hundreds of statements is compared up to the limit only', () => {
  const many = Array.from({ length: 200 }, (_, index) => makeStatement(`a${index}`, 1_000, `p${index}-`))
  const last = [makeStatement('y', 1), makeStatement('z', 1)]
  expect(groupsOf(last)).toBe(1)
  expect(groupsOf([...many, ...last])).toBe(202)
})

test('what is known to be one outage is not compared again', () => {
  const said = Array.from({ length: 10 }, (_, index) => makeStatement(`a${index}`, 10))
  expect(groupsOf(said, 9 * 10)).toBe(1)
})
