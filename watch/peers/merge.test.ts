import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { closings, known, statement, statements } from './arbitraries.ts'
import { endOf, incidentsOf, knownOf, mergeKnown, NOTHING_KNOWN } from './merge.ts'
import { listClosings, listStatements, writeClosingSql, writeStatementSql } from './records.ts'
import { closingKey, statementKey, type IncidentStatement } from './statement.ts'

const MINUTE_MS = 60_000

test('in which order two watches hear each other makes no difference', () => {
  fc.assert(
    fc.property(known, known, (a, b) => {
      expect(mergeKnown(a, b)).toEqual(mergeKnown(b, a))
    }),
  )
})

test('nor does who hears whom first among three', () => {
  fc.assert(
    fc.property(known, known, known, (a, b, c) => {
      expect(mergeKnown(mergeKnown(a, b), c)).toEqual(mergeKnown(a, mergeKnown(b, c)))
    }),
  )
})

test('hearing the same again, or nothing, changes nothing', () => {
  fc.assert(
    fc.property(known, known, (a, b) => {
      expect(mergeKnown(a, a)).toEqual(a)
      expect(mergeKnown(a, NOTHING_KNOWN)).toEqual(a)
      const both = mergeKnown(a, b)
      expect(mergeKnown(both, b)).toEqual(both)
    }),
  )
})

test('no incident that either knew is lost, and none is shown twice', () => {
  fc.assert(
    fc.property(known, known, (a, b) => {
      const both = mergeKnown(a, b)
      for (const [key, { version }] of [...a.statements, ...b.statements])
        expect(both.statements.get(key)!.version).toBeGreaterThanOrEqual(version)
      const shown = incidentsOf(both).flatMap(({ witnesses }) =>
        witnesses.map((witness) => statementKey(witness.statement)),
      )
      expect(new Set(shown).size).toBe(shown.length)
      for (const [key, said] of both.statements)
        if (!shown.includes(key)) expect(standsIn(both.statements, said, shown)).toBe(true)
    }),
  )
})

/** Whether an incident that is not shown was merged, at last, into one that is. */
function standsIn(
  all: ReadonlyMap<string, IncidentStatement>,
  said: IncidentStatement,
  shown: readonly string[],
): boolean {
  let last: IncidentStatement | undefined = said
  for (let steps = 0; last && steps < 5; steps++) {
    if (shown.includes(statementKey(last))) return true
    last =
      last.mergedInto === null
        ? undefined
        : all.get(statementKey({ origin: last.origin, incidentId: last.mergedInto }))
  }
  return false
}

test('what is shown is the same in whatever order it was heard', () => {
  fc.assert(
    fc.property(
      fc
        .tuple(statements, closings)
        .chain(([said, closed]) =>
          fc.tuple(
            fc.constant({ said, closed }),
            fc.shuffledSubarray(said, { minLength: said.length }),
            fc.shuffledSubarray(closed, { minLength: closed.length }),
          ),
        ),
      ([{ said, closed }, otherSaid, otherClosed]) => {
        expect(incidentsOf(knownOf(otherSaid, otherClosed))).toEqual(incidentsOf(knownOf(said, closed)))
      },
    ),
  )
})

test('what a watch that confirmed it still sees is over only by a person’s word', () => {
  fc.assert(
    fc.property(known, (all) => {
      for (const { state, witnesses } of incidentsOf(all)) {
        const isStillSeen = witnesses.some(
          ({ statement: said, end }) => !said.isAdopted && said.confirmedAtMs !== null && end === null,
        )
        const isCalledOver = witnesses.some(({ statement: said }) => said.human.state?.value === 'resolved')
        if (isStillSeen && !isCalledOver) expect(state).not.toBe('resolved')
      }
    }),
  )
})

test('a person’s word on the cause stands before any machine’s, and the latest of several', () => {
  fc.assert(
    fc.property(known, (all) => {
      for (const { humanCause, witnesses } of incidentsOf(all)) {
        const words = witnesses.flatMap(({ statement: said }) => said.human.cause ?? [])
        const latest = Math.max(...words.map(({ atMs }) => atMs))
        if (words.length === 0) expect(humanCause).toBeNull()
        else
          expect(words.filter(({ atMs }) => atMs === latest).map(({ value }) => value)).toContain(humanCause)
      }
    }),
  )
})

test('the store keeps by the same rule', async () => {
  await using world = await createWatchWorld()
  const { store } = world.ctx
  await fc.assert(
    fc.asyncProperty(statements, closings, async (said, closed) => {
      await store.write([{ sql: 'delete from peer_statement' }, { sql: 'delete from peer_closing' }])
      await store.write([...said.map(writeStatementSql), ...closed.map(writeClosingSql)])
      const expected = knownOf(said, closed)
      const kept = listStatements(store, {
        serviceId: null,
        endedAfterMs: -1,
        beforeMs: Number.MAX_SAFE_INTEGER,
      })
      expect(knownOf(kept).statements).toEqual(expected.statements)
      const closedOfKept = [...expected.closings.values()].filter(({ origin, incidentId }) =>
        expected.statements.has(statementKey({ origin, incidentId })),
      )
      expect(listClosings(store, kept).map(closingKey).toSorted()).toEqual(
        closedOfKept.map(closingKey).toSorted(),
      )
    }),
    { numRuns: 40 },
  )
})

/** A confirmed outage of the feed in Europe, for ten minutes from minute 10 on, as watch a sees it. */
const [example] = fc.sample(statement, { numRuns: 1, seed: 1 }) as [IncidentStatement]
const makeStatement = (changes: Partial<IncidentStatement>): IncidentStatement => ({
  ...example,
  origin: 'a',
  incidentId: 'xxxxxxxxxxxx',
  serviceId: 'upbeat',
  version: 1,
  state: 'confirmed',
  featureIds: ['feed'],
  regions: ['eu'],
  startedAtMs: 10 * MINUTE_MS,
  detectedAtMs: 10 * MINUTE_MS,
  confirmedAtMs: 11 * MINUTE_MS,
  resolvedAtMs: null,
  mergedInto: null,
  isAdopted: false,
  human: { cause: null, state: null, title: null },
  ...changes,
})
const overAt = (minute: number): Partial<IncidentStatement> => ({
  state: 'resolved',
  resolvedAtMs: minute * MINUTE_MS,
})
const shownOf = (...said: IncidentStatement[]) => incidentsOf(knownOf(said))

test('two watches that see the same feature fail in the same region at the same time see one outage', () => {
  const [one, ...others] = shownOf(
    makeStatement({ ...overAt(20) }),
    makeStatement({
      origin: 'b',
      incidentId: 'yyyyyyyyyyyy',
      featureIds: ['feed', 'video'],
      startedAtMs: 12 * MINUTE_MS,
      ...overAt(25),
    }),
  )
  expect(others).toEqual([])
  expect(one).toMatchObject({
    featureIds: ['feed', 'video'],
    startedAtMs: 10 * MINUTE_MS,
    resolvedAtMs: 25 * MINUTE_MS,
    state: 'resolved',
  })
})

test.each([
  ['another feature', { featureIds: ['video'] }],
  ['another region', { regions: ['na'] }],
  ['another service', { serviceId: 'other' }],
  ['another time, by more than two minutes', { startedAtMs: 22 * MINUTE_MS + 1 }],
] as const)('%s is another outage', (_, changes) => {
  const said = [
    makeStatement(overAt(20)),
    makeStatement({ origin: 'b', incidentId: 'yyyyyyyyyyyy', ...changes } as Partial<IncidentStatement>),
  ]
  expect(shownOf(...said)).toHaveLength(2)
})

test('two minutes apart is still the same time', () => {
  const said = [
    makeStatement(overAt(20)),
    makeStatement({ origin: 'b', incidentId: 'yyyyyyyyyyyy', startedAtMs: 22 * MINUTE_MS }),
  ]
  expect(shownOf(...said)).toHaveLength(1)
})

test('one watch’s own outages stay apart', () => {
  expect(shownOf(makeStatement({}), makeStatement({ incidentId: 'yyyyyyyyyyyy' }))).toHaveLength(2)
})

test('it is as sure as the surest says, and as far back as the last says', () => {
  const sees = (state: IncidentStatement['state'], changes: Partial<IncidentStatement> = {}) =>
    makeStatement({ origin: 'b', incidentId: 'yyyyyyyyyyyy', state, ...changes })
  const stateWith = (other: IncidentStatement) =>
    shownOf(makeStatement({ state: 'recovering' }), other)[0]!.state
  expect(stateWith(sees('identified'))).toBe('identified')
  expect(stateWith(sees('mitigating'))).toBe('mitigating')
  expect(stateWith(sees('resolved', overAt(15)))).toBe('recovering')
  // Who only suspects something holds nothing open.
  expect(stateWith(sees('suspected', { confirmedAtMs: null }))).toBe('recovering')
})

test('while one says over and one does not, it is open and disputed', () => {
  const [one] = shownOf(makeStatement(overAt(15)), makeStatement({ origin: 'b', incidentId: 'yyyyyyyyyyyy' }))
  expect(one).toMatchObject({ state: 'confirmed', resolvedAtMs: null, isDisputed: true })
})

test('a person’s word that it is over ends it, whatever a machine goes on to see, until it begins anew', () => {
  const human = { cause: null, state: { value: 'resolved' as const, atMs: 14 * MINUTE_MS }, title: null }
  const closed = makeStatement({ ...overAt(14), human })
  const stillSeen = makeStatement({ origin: 'b', incidentId: 'yyyyyyyyyyyy' })
  expect(shownOf(closed, stillSeen)).toMatchObject([{ state: 'resolved', resolvedAtMs: 14 * MINUTE_MS }])
  const anew = { ...stillSeen, startedAtMs: 15 * MINUTE_MS }
  expect(shownOf(closed, anew)).toMatchObject([{ state: 'confirmed', resolvedAtMs: null }])
})

test('a silent watch’s incident ends by another’s word, and opens again when it speaks anew', () => {
  const said = makeStatement({ version: 5 })
  const closed = { origin: 'a', incidentId: 'xxxxxxxxxxxx', by: 'b', ofVersion: 5, atMs: 30 * MINUTE_MS }
  expect(endOf(knownOf([said], [closed]), said)).toEqual({ atMs: 30 * MINUTE_MS, by: 'b' })
  expect(incidentsOf(knownOf([said], [closed]))[0]!.state).toBe('resolved')
  const later = { ...said, version: 6 }
  expect(incidentsOf(knownOf([later], [closed]))[0]!.state).toBe('confirmed')
})

test('who took an incident over to say something about it saw nothing, and holds nothing open', () => {
  const adopted = makeStatement({
    origin: 'b',
    isAdopted: true,
    version: 9,
    human: { cause: { value: 'dns', atMs: 12 * MINUTE_MS }, state: null, title: null },
  })
  const [one] = shownOf(makeStatement(overAt(20)), adopted)
  expect(one).toMatchObject({ state: 'resolved', humanCause: 'dns' })
})
