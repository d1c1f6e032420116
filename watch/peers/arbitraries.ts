/** Statements at random, few enough of each kind that they meet often. */
import fc from 'fast-check'
import { CAUSES, OUTAGE_STATES } from '../../engines/detect/index.ts'
import { knownOf, type Known } from './merge.ts'
import type { Closing, IncidentStatement } from './statement.ts'

const MINUTE_MS = 60_000
const origin = fc.constantFrom('a', 'b', 'c')
const incidentId = fc.constantFrom('xxxxxxxxxxxx', 'yyyyyyyyyyyy', 'zzzzzzzzzzzz')
const minute = fc.integer({ min: 0, max: 30 }).map((n) => n * MINUTE_MS)
const some = (...ids: string[]) => fc.subarray(ids)
const human = <T>(value: fc.Arbitrary<T>) =>
  fc.option(fc.record({ value, atMs: minute }), { nil: null, freq: 4 })

/** What a watch might say. */
export const statement: fc.Arbitrary<IncidentStatement> = fc
  .record({
    origin,
    incidentId,
    serviceId: fc.constantFrom('upbeat', 'other'),
    version: fc.integer({ min: 1, max: 4 }),
    state: fc.constantFrom(...OUTAGE_STATES),
    impact: fc.constantFrom('none' as const, 'minor' as const, 'major' as const, 'critical' as const),
    title: fc.constantFrom('Feed does not work', 'Video does not work'),
    featureIds: some('feed', 'video'),
    regions: some('eu', 'na'),
    startedAtMs: minute,
    lastsMs: minute,
    isConfirmed: fc.boolean(),
    cause: fc.constantFrom(...CAUSES),
    confidence: fc.constantFrom(0.5, 0.9),
    relapses: fc.nat(2),
    mergedInto: fc.option(incidentId, { nil: null, freq: 6 }),
    isAdopted: fc.boolean(),
    human: fc.record({
      cause: human(fc.constantFrom(...CAUSES)),
      state: human(fc.constantFrom(...OUTAGE_STATES)),
      title: human(fc.constantFrom('What a person calls it')),
    }),
  })
  .map(({ lastsMs, isConfirmed, cause, ...said }) => ({
    ...said,
    epoch: 'aaaaaaaaaaaa',
    detectedAtMs: said.startedAtMs,
    confirmedAtMs: isConfirmed ? said.startedAtMs : null,
    identifiedAtMs: null,
    recoveringAtMs: null,
    resolvedAtMs: said.state === 'resolved' ? said.startedAtMs + lastsMs : null,
    causes: [{ cause, probability: 1, evidenceFor: [], evidenceAgainst: [] }],
    contributions: {},
    recovered: { cells: 0, of: 1 },
    forecast: null,
    officialLagMs: null,
    updates: [],
    explanation: null,
  }))

const closing: fc.Arbitrary<Closing> = fc.record({
  origin,
  incidentId,
  by: origin,
  ofVersion: fc.integer({ min: 1, max: 4 }),
  atMs: minute,
})

export const statements = fc.array(statement, { maxLength: 8 })
export const closings = fc.array(closing, { maxLength: 4 })

/** What a watch might know. */
export const known: fc.Arbitrary<Known> = fc
  .tuple(statements, closings)
  .map(([said, closed]) => knownOf(said, closed))
