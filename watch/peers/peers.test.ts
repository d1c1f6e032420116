import { expect, test } from 'vitest'
import { WatchStatus } from '../../contract/watch.ts'
import {
  correctCause,
  incidentById,
  listIncidents,
  mergeIncidents,
  openIncident,
  postUpdate,
  statusOf,
  type IncidentView,
} from '../incidents/index.ts'
import { findIncident } from '../incidents/records.ts'
import { RESPONDER } from '../pages/world.fixtures.ts'
import { see, seeOver, startPair, type PairWatch } from './pair.fixtures.ts'
import { listPeers, writePeerSql } from './records.ts'

const SECONDS_TO_TELL = 6

const incidentsAt = ({ world }: PairWatch) => listIncidents(world.ctx, { serviceId: 'upbeat' })
const pageOf = async ({ url }: PairWatch, path = '/s/upbeat') =>
  (await (await fetch(`${url}${path}`)).text()).replaceAll(/\s+/g, ' ')
const statusJsonOf = async ({ url }: PairWatch) =>
  WatchStatus.parse(await (await fetch(`${url}/api/v1/services/upbeat/status.json`)).json())

/** What has to be the same on both sides: all but who is who, and how each side links to it. */
function shared({
  id: _,
  outageId: _outage,
  contributions: _weights,
  updates,
  witnesses,
  ...rest
}: IncidentView) {
  return {
    ...rest,
    updates: updates.map(({ watch: _watch, ...update }) => update),
    witnesses: witnesses?.map(({ watch, incidentId, state, overAtMs }) => ({
      watch,
      incidentId,
      state,
      overAtMs,
    })),
  }
}

/** Feed fails in Europe as far as this watch sees. */
const seeFeedFail = ({ world }: PairWatch) =>
  world.setState('feed', { eu: 'down', na: 'up' }, 'partial_outage')
const seeFeedWork = ({ world }: PairWatch) => world.setState('feed', { eu: 'up', na: 'up' }, 'operational')

test('what one watch found alone the other one shows, under its name', async () => {
  await using pair = await startPair()
  const { id } = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)

  const [shown, ...others] = incidentsAt(pair.b)
  expect(others).toEqual([])
  expect(shown).toMatchObject({
    id,
    title: 'Feed does not work in Europe',
    state: 'confirmed',
    cause: 'dns',
    resolvedAtMs: null,
    witnesses: [{ watch: 'a', isSelf: false, isSilent: false }],
  })
  expect(shown!.updates).toMatchObject([{ body: 'confirmed, as a sees it', watch: 'a' }])
  expect(await pageOf(pair.b)).toContain('Seen by watch a only.')
  expect(await pageOf(pair.b, `/s/upbeat/incidents/${id}`)).toContain('by watch a')
  const status = await statusJsonOf(pair.b)
  expect(status.incidents).toMatchObject([
    { id, seenBy: [{ watch: 'a', isSelf: false, state: 'confirmed' }] },
  ])
  expect(status.peers).toMatchObject([{ watch: 'a', isSilent: false, indicator: 'none', disagreesOn: [] }])
  // It says nothing more than before at the watch that found it.
  expect(incidentsAt(pair.a)[0]!.witnesses).toBeUndefined()
})

test('what both found is one outage with both as witnesses, the same on both sides', async () => {
  await using pair = await startPair()
  const [ours, theirs] = [await see(pair.a), await see(pair.b)]
  seeFeedFail(pair.a)
  seeFeedFail(pair.b)
  await pair.pass(SECONDS_TO_TELL)

  const [atA, atB] = [incidentsAt(pair.a), incidentsAt(pair.b)]
  expect([atA.length, atB.length]).toEqual([1, 1])
  expect(shared(atA[0]!)).toEqual(shared(atB[0]!))
  // Links that went out stay good, and the other watch's lead to the same.
  expect([atA[0]!.id, atB[0]!.id]).toEqual([ours.id, theirs.id])
  expect(incidentById(pair.b.world.ctx, ours.id)).toEqual(atB[0])
  expect(await pageOf(pair.a)).toContain('Seen by this watch and watch b.')
  expect(await pageOf(pair.a)).not.toContain('Two views')

  await seeOver(pair.a, ours)
  await pair.pass(SECONDS_TO_TELL)
  expect(incidentsAt(pair.a)[0]).toMatchObject({ state: 'confirmed', resolvedAtMs: null })
  expect(await pageOf(pair.a)).toContain('This watch says that it is over. Watch b still sees it.')
  await seeOver(pair.b, theirs)
  await pair.pass(SECONDS_TO_TELL)
  expect(incidentsAt(pair.a)[0]!.state).toBe('resolved')
  expect(shared(incidentsAt(pair.a)[0]!)).toEqual(shared(incidentsAt(pair.b)[0]!))
})

test('a watch that died leaves its incidents with the other, which calls them over by its own evidence', async () => {
  await using pair = await startPair()
  const { id } = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  await pair.a.stop()
  seeFeedFail(pair.b)
  await pair.pass(300)
  // Far longer than it takes to call something over: it does not work yet.
  expect(incidentById(pair.b.world.ctx, id)).toMatchObject({
    state: 'confirmed',
    witnesses: [{ watch: 'a', isSilent: true }],
  })
  expect(await pageOf(pair.b)).toContain('Watch a has been silent for 5 min')

  seeFeedWork(pair.b)
  await pair.pass(110)
  expect(incidentById(pair.b.world.ctx, id)!.state).toBe('confirmed')
  await pair.pass(20)
  expect(incidentById(pair.b.world.ctx, id)).toMatchObject({
    state: 'resolved',
    witnesses: [{ watch: 'a', isClosedByOthers: true }],
    updates: [
      { state: 'resolved', body: expect.stringContaining('Feed works again in Europe.') },
      { state: 'confirmed' },
    ],
  })
  expect(await pageOf(pair.b, `/s/upbeat/incidents/${id}`)).toContain('its end was seen from elsewhere')

  // Back again it has it open still, so it counts again until it is over for the one that saw it, too.
  await pair.a.listen()
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b]) expect(incidentsAt(one)).toMatchObject([{ id, state: 'confirmed' }])
  await seeOver(pair.a, findIncident(pair.a.world.ctx.store, id)!)
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b]) expect(incidentsAt(one)).toMatchObject([{ id, state: 'resolved' }])
})

test('what two watches apart said of an end does not end what one of them still sees', async () => {
  await using pair = await startPair()
  const { id } = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  pair.cut()
  await pair.pass(150)
  expect(incidentById(pair.b.world.ctx, id)!.state).toBe('resolved')
  pair.heal()
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b]) expect(incidentsAt(one)).toMatchObject([{ id, state: 'confirmed' }])
})

test('what an operator opened only an operator ends, however long the other watch sees it work', async () => {
  await using pair = await startPair()
  const { id } = await openIncident(pair.a.world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Some see old feeds',
    body: 'We are looking.',
    featureIds: ['feed'],
    regions: [],
    impact: 'minor',
  })
  await pair.pass(SECONDS_TO_TELL)
  pair.cut()
  await pair.pass(300)
  expect(incidentById(pair.b.world.ctx, id)!.state).toBe('confirmed')
})

test('a watch that was renamed, or is gone, is no trouble for ever', async () => {
  await using pair = await startPair()
  await pair.pass(SECONDS_TO_TELL)
  const { ctx, clock } = pair.a.world
  const [b] = listPeers(ctx.store)
  const heardAtMs = clock.now().getTime()
  await ctx.store.write([
    writePeerSql({ ...b!, id: 'renamed', heardAtMs }),
    writePeerSql({ ...b!, id: 'retired', heardAtMs, address: null }),
  ])
  await pair.pass(30)
  expect(ctx.troubles.list().map((trouble) => trouble.id)).toEqual(['peer/renamed', 'peer/retired'])
  for (const one of [pair.a, pair.b]) one.world.clock.advance(7 * 86_400_000 - 60_000)
  await pair.pass(20)
  expect(ctx.troubles.list()).toHaveLength(2)
  await pair.pass(60)
  expect(ctx.troubles.list()).toEqual([])
  expect(statusOf(ctx, 'upbeat').peers!.map(({ watch }) => watch)).toEqual(['b'])
})

test('a watch that knows nothing of the features calls nothing over', async () => {
  await using pair = await startPair()
  const { id } = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  await pair.a.stop()
  pair.b.world.setState('feed', { eu: 'unknown', na: 'up' }, 'operational')
  await pair.pass(300)
  expect(incidentById(pair.b.world.ctx, id)!.state).toBe('confirmed')
})

test('a watch that was away hears of all that it missed', async () => {
  await using pair = await startPair()
  await pair.pass(SECONDS_TO_TELL)
  await pair.b.stop()
  const missed: string[] = []
  for (let count = 0; count < 120; count++) {
    const atMs = pair.a.world.clock.now().getTime() - count * 86_400_000
    const { id } = await see(pair.a, { startedAtMs: atMs, resolvedAtMs: atMs + 60_000, state: 'resolved' })
    missed.push(id)
  }
  await pair.b.listen()
  await pair.pass(SECONDS_TO_TELL)
  const known = listIncidents(pair.b.world.ctx, { serviceId: 'upbeat', limit: 500 }).map(({ id }) => id)
  expect(known.toSorted()).toEqual(missed.toSorted())
})

test('while the line is cut both show two views, labelled; once it is healed, one', async () => {
  await using pair = await startPair()
  await pair.pass(SECONDS_TO_TELL)
  pair.cut()
  const ours = await see(pair.a)
  seeFeedFail(pair.a)
  await pair.pass(60)

  expect(incidentsAt(pair.b)).toEqual([])
  const [atA, atB] = [await pageOf(pair.a), await pageOf(pair.b)]
  for (const [page, other] of [
    [atA, 'b'],
    [atB, 'a'],
  ] as const) {
    expect(page).toContain('Two views')
    expect(page).toMatch(new RegExp(`Watch ${other} has been silent for (56|57|58|59|60) s|silent for 1 min`))
  }
  expect(atA).toMatch(
    /This watch<\/h3> <\/div> <p class="sub"> <b>Some things fail or are slow\.<\/b> It looked/,
  )
  expect(atA).toMatch(/Watch b<\/a><\/h3> <\/div> <p class="sub"> <b>Everything works\.<\/b> It said so/)
  expect(atB).toContain('Everything works, as this watch sees it')
  expect((await statusJsonOf(pair.b)).peers).toMatchObject([
    { watch: 'a', isSilent: true, indicator: 'none' },
  ])

  pair.heal()
  const theirs = await see(pair.b, { startedAtMs: ours.startedAtMs })
  seeFeedFail(pair.b)
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b]) expect(await pageOf(one)).not.toContain('Two views')
  expect(incidentsAt(pair.a)).toHaveLength(1)
  expect(shared(incidentsAt(pair.a)[0]!)).toEqual(shared(incidentsAt(pair.b)[0]!))
  expect(incidentById(pair.a.world.ctx, theirs.id)!.id).toBe(ours.id)
})

test('watches that hear each other and disagree show both views, and on what they differ', async () => {
  await using pair = await startPair()
  seeFeedFail(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b])
    expect(await pageOf(one)).toMatch(/Watch [ab] and this watch do not agree on Feed\./)
  expect((await statusJsonOf(pair.b)).peers).toMatchObject([{ indicator: 'minor', disagreesOn: ['feed'] }])

  // Who knows nothing contradicts nobody.
  pair.b.world.setState('feed', { eu: 'unknown', na: 'unknown' }, 'operational')
  await pair.pass(SECONDS_TO_TELL)
  expect(statusOf(pair.b.world.ctx, 'upbeat').peers).toMatchObject([{ disagreesOn: [] }])
})

test('a watch that never was heard is said to be missing', async () => {
  await using pair = await startPair()
  pair.cut()
  await pair.pass(1)
  expect(await pageOf(pair.a)).toContain('The second watch has not been reached yet.')
  expect(pair.a.world.ctx.troubles.list()).toMatchObject([{ id: 'peer' }])
})

test('an operator is told that the other watch is silent, since when, and what to look at', async () => {
  await using pair = await startPair()
  await pair.pass(SECONDS_TO_TELL)
  expect(pair.a.world.ctx.troubles.list()).toEqual([])
  pair.cut()
  await pair.pass(20)
  expect(pair.a.world.ctx.troubles.list()).toMatchObject([
    {
      id: 'peer/b',
      what: expect.stringMatching(/^Watch b is silent\. ./),
      remedy: expect.stringContaining('WATCH_PEER_KEY'),
    },
  ])
  pair.heal()
  await pair.pass(SECONDS_TO_TELL)
  expect(pair.a.world.ctx.troubles.list()).toEqual([])
})

test('an operator’s word on the cause, given at either watch, is shown at both', async () => {
  await using pair = await startPair()
  const [ours] = [await see(pair.a), await see(pair.b)]
  await pair.pass(SECONDS_TO_TELL)
  await correctCause(pair.a.world.ctx, { actor: RESPONDER, incidentId: ours.id, cause: 'network' })
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b])
    expect(incidentsAt(one)).toMatchObject([{ cause: 'network', isCauseByOperator: true }])
})

test('an operator can speak of what only the other watch saw, and merge it; both show it', async () => {
  await using pair = await startPair()
  const { ctx } = pair.b.world
  const theirs = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  await correctCause(ctx, { actor: RESPONDER, incidentId: theirs.id, cause: 'edge' })
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b])
    expect(incidentsAt(one)).toMatchObject([{ id: theirs.id, cause: 'edge', isCauseByOperator: true }])
  expect(await pageOf(pair.b)).toContain('Seen by watch a only.')

  const ours = await see(pair.b, { facts: { featureIds: ['video'] } })
  await pair.pass(SECONDS_TO_TELL)
  expect(incidentsAt(pair.a)).toHaveLength(2)
  await mergeIncidents(ctx, { actor: RESPONDER, intoId: ours.id, incidentIds: [theirs.id] })
  await pair.pass(SECONDS_TO_TELL)
  const standing = (one: PairWatch) => incidentsAt(one).filter(({ mergedInto }) => mergedInto === null)
  for (const one of [pair.a, pair.b]) {
    expect(standing(one)).toHaveLength(1)
    expect(standing(one)[0]!.featureIds).toEqual(['feed', 'video'])
  }

  // Once the watch that saw it says that it is over, who only spoke of it does not hold it open.
  await seeOver(pair.a, theirs)
  await seeOver(pair.b, findIncident(ctx.store, ours.id)!)
  await pair.pass(SECONDS_TO_TELL)
  for (const one of [pair.a, pair.b]) expect(standing(one)).toMatchObject([{ state: 'resolved' }])
})

test('an operator ends what a watch that is gone for good can not, and no evidence here speaks of', async () => {
  await using pair = await startPair()
  const { ctx } = pair.b.world
  const { id } = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  await pair.a.stop()
  pair.b.world.setState('feed', { eu: 'unknown', na: 'unknown' }, 'operational')
  await pair.pass(300)
  await postUpdate(ctx, { actor: RESPONDER, incidentId: id, state: 'resolved', body: 'It was mended.' })
  expect(incidentById(ctx, id)).toMatchObject({
    state: 'resolved',
    updates: [{ body: 'It was mended.' }, {}],
  })
  expect((await statusJsonOf(pair.b)).incidents).toEqual([])
})

test('programs that read Statuspage’s API find what only the other watch saw', async () => {
  await using pair = await startPair()
  const record = await see(pair.a)
  await pair.pass(SECONDS_TO_TELL)
  const read = async (path: string) =>
    (await (await fetch(`${pair.b.url}/api/v2/${path}`)).json()) as { incidents: object[] }
  const expected = { id: record.id, name: 'Feed does not work in Europe', status: 'investigating' }
  expect((await read('incidents/unresolved.json')).incidents).toMatchObject([expected])
  await seeOver(pair.a, record)
  await pair.pass(SECONDS_TO_TELL)
  expect((await read('incidents/unresolved.json')).incidents).toEqual([])
  expect((await read('incidents.json')).incidents).toMatchObject([{ ...expected, status: 'resolved' }])
})
