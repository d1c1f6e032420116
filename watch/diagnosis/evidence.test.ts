import { expect, test } from 'vitest'
import { makeComponent, makeFaultyView, makeView, NOW } from '../pages/view.fixtures.ts'
import { describePlaces } from './browser/findings.ts'
import { gatherEvidence, type EvidenceInput } from './evidence.ts'

const gather = (changes: Partial<EvidenceInput> = {}) =>
  gatherEvidence({
    view: makeView(),
    regionId: 'eu',
    peers: null,
    now: NOW,
    urlOf: (id) => `/i/${id}`,
    ...changes,
  })

test('a calm service is fine here and elsewhere', () => {
  expect(gather()).toMatchObject({ isBlind: false, here: 'fine', elsewhere: 'fine', failingFeatures: [] })
})

test('a fault in one region is here for its people, and elsewhere for the others', () => {
  const view = makeFaultyView()
  expect(gather({ view })).toMatchObject({ here: 'failing', elsewhere: 'fine', failingFeatures: ['Upload'] })
  expect(gather({ view, regionId: 'na' })).toMatchObject({ here: 'fine', elsewhere: 'many' })
})

test('for a person whose region is unknown nothing is said of it', () => {
  expect(gather({ view: makeFaultyView(), regionId: null })).toMatchObject({
    here: 'unknown',
    elsewhere: 'some',
    regionName: null,
  })
})

test('evidence older than three minutes is none, and not before', () => {
  const aged = (ageMs: number) => gather({ view: makeView({ asOfMs: NOW.getTime() - ageMs }) }).isBlind
  expect([aged(180_000), aged(180_001)]).toEqual([false, true])
})

test('a service with one region fails here and for all', () => {
  const regions = [{ id: 'world', name: 'World', state: 'down' as const, posterior: 0.9, contributions: {} }]
  const view = makeView({ components: [makeComponent('feed', { state: 'down', regions })] })
  expect(gather({ view, regionId: null })).toMatchObject({ here: 'failing', elsewhere: 'many' })
})

test('a suspicion is a rise, not an outage', () => {
  const [first, ...rest] = makeComponent('feed').regions
  const regions = [{ ...first!, state: 'suspected' as const }, ...rest]
  const view = makeView({ components: [makeComponent('feed', { state: 'suspected', regions })] })
  expect(gather({ view })).toMatchObject({ here: 'rising', elsewhere: 'fine' })
})

test('a region closed by decision is closed, not failing', () => {
  const regions = makeComponent('feed').regions.map((region) => ({ ...region, state: 'closed' as const }))
  const view = makeView({ components: [makeComponent('feed', { state: 'closed', regions })] })
  expect(gather({ view })).toMatchObject({ isClosedHere: true, here: 'fine' })
})

test('a service with one region is spoken of as a whole; one with several by place', () => {
  const regions = [{ id: 'world', name: 'World', state: 'up' as const, posterior: 0, contributions: {} }]
  const view = makeView({ components: [makeComponent('feed', { regions })] })
  expect(describePlaces(gather({ view, regionId: null }))).toEqual([
    'Our checks and people’s reports show no fault.',
  ])
  expect(describePlaces(gather())[1]).toBe('Elsewhere it works.')
  expect(describePlaces(gather({ regionId: null }))[0]).toBe('We have no evidence about your region.')
})
