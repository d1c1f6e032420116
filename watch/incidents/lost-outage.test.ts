/** The end of an incident whose outage is not known any more. */
import { expect, test } from 'vitest'
import { closeLost } from './lost-outage.ts'
import type { IncidentRecord } from './records.ts'

const MINUTE_MS = 60_000
const BEGAN_MS = 100 * MINUTE_MS

const confirmed: IncidentRecord = {
  id: 'incident',
  serviceId: 'upbeat',
  outageId: 'outage',
  state: 'confirmed',
  pinnedState: null,
  operatorCause: null,
  startedAtMs: BEGAN_MS,
  confirmedAtMs: BEGAN_MS + 2 * MINUTE_MS,
  resolvedAtMs: null,
  updatedAtMs: BEGAN_MS + 2 * MINUTE_MS,
  mergedInto: null,
  facts: {
    title: 'Feed does not work',
    isTitleByOperator: false,
    impact: 'major',
    causes: [],
    confidence: 0.9,
    contributions: {},
    featureIds: ['feed'],
    regions: ['global'],
    detectedAtMs: BEGAN_MS + MINUTE_MS,
    identifiedAtMs: null,
    recoveringAtMs: null,
    relapses: 0,
    recovered: { cells: 0, of: 1 },
    forecast: null,
    officialLagMs: null,
  },
}

test('an incident is not over before it was seen, whatever a detector without memory knows of its feature', () => {
  const closed = closeLost(confirmed, {
    nowMs: BEGAN_MS + 60 * MINUTE_MS,
    lostSinceMs: BEGAN_MS + 50 * MINUTE_MS,
    cells: [
      {
        serviceId: 'upbeat',
        featureId: 'feed',
        region: 'global',
        posterior: 0.01,
        state: 'up',
        contributions: {},
        sinceMs: BEGAN_MS - MINUTE_MS,
      },
    ],
    wording: {
      features: ['Feed'],
      regions: [],
      cause: 'unknown',
      causeProbability: 0,
      isCauseByOperator: false,
      startedAtMs: BEGAN_MS,
      recovered: { cells: 0, of: 1 },
      forecast: null,
      contributions: {},
    },
  })

  expect(closed?.backAtMs).toBe(confirmed.confirmedAtMs)
})
