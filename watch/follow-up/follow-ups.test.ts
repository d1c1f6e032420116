/** Follow-ups by their verbs and in the cockpit, and the traffic that tells what an outage cost. */
import { expect, test } from 'vitest'
import { listAudit, postUpdate, incidentById } from '../incidents/index.ts'
import { firstLink, joinBy, openBrowser, openWorld } from '../operators/cockpit.fixtures.ts'
import { breakUpload, createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import { addFollowUp, finishFollowUp, followUpsOf, openFollowUps } from './follow-ups.ts'
import { SLOT_MS } from './impact.ts'
import { openTrafficBook, readImpact } from './traffic-book.ts'

const DAY_MS = 86_400_000

const add = (world: WatchWorld, incidentId: string, text: string, dueOn: string | null = null) =>
  addFollowUp(world.ctx, { actor: RESPONDER, incidentId, text, owner: 'Ada', dueOn })

test('a follow-up is noted, done once, and may turn out not to be done; the log has each', async () => {
  await using world = await createWatchWorld()
  const { id: incidentId } = await breakUpload(world, { regions: ['eu'] })
  const { id } = await add(world, incidentId, 'A second disk')
  const finish = (isDone: boolean) => finishFollowUp(world.ctx, { actor: RESPONDER, followUpId: id, isDone })
  expect(await finish(true)).toMatchObject({ doneBy: 'operator:Ada' })
  await finish(true)
  expect(openFollowUps(world.ctx)).toEqual([])
  expect(await finish(false)).toMatchObject({ doneAtMs: null, doneBy: null })
  expect(
    listAudit(world.ctx, { subject: incidentId })
      .map(({ action }) => action)
      .toReversed(),
  ).toEqual(['open-incident', 'add-follow-up', 'finish-follow-up', 'reopen-follow-up'])
})

test('the open ones of all incidents stand by their day, those without one last', async () => {
  await using world = await createWatchWorld()
  const first = await breakUpload(world, { regions: ['eu'] })
  const second = await breakUpload(world, { regions: ['eu'] })
  await add(world, first.id, 'whenever')
  await add(world, first.id, 'late', '2026-12-24')
  await add(world, second.id, 'soon', '2026-11-25')
  expect(openFollowUps(world.ctx).map(({ text }) => text)).toEqual(['soon', 'late', 'whenever'])
})

test.each([
  ['an empty text', { text: '  ' }],
  ['a text of 501 characters', { text: 'x'.repeat(501) }],
  ['an owner of 81 characters', { owner: 'x'.repeat(81) }],
  ['a day that is none', { dueOn: '2026-13-40' }],
])('%s is refused', async (_, changes) => {
  await using world = await createWatchWorld()
  const { id: incidentId } = await breakUpload(world, { regions: ['eu'] })
  const input = { actor: RESPONDER, incidentId, text: 'x'.repeat(500), owner: '', dueOn: null, ...changes }
  await expect(addFollowUp(world.ctx, input)).rejects.toMatchObject({ code: 'invalid-input' })
  expect(followUpsOf(world.ctx, incidentId)).toEqual([])
})

test('in the cockpit it is overdue once its day has passed where the service is at home', async () => {
  const tokyo = ENTRY.replace('description: Short', 'timeZone: Asia/Tokyo\ndescription: Short')
  await using stage = await openWorld({}, { entries: { upbeat: tokyo } })
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { id } = await breakUpload(stage.world, { regions: ['eu'] })
  // It is 13:00 on 22 November in Tokyo.
  const answer = await browser.send(`/operate/incidents/${id}/follow-ups`, {
    text: 'A second disk',
    owner: 'Ada',
    due: '2026-11-22',
  })
  expect(answer).toMatchObject({ status: 303, location: `/operate/incidents/${id}#follow-ups` })
  stage.world.clock.advance(11 * 3_600_000 - 1)
  expect((await browser.send('/operate/follow-ups')).text).toContain('1 open, 0 of them overdue')
  stage.world.clock.advance(1)
  const list = await browser.send('/operate/follow-ups')
  expect(list.text).toContain('1 open, 1 of them overdue')
  expect(list.text).toContain('Upload does not work')
  expect((await browser.send('/operate')).text).toContain('1 follow-up is overdue')
  const followUpId = /\/operate\/follow-ups\/(\w+)"/.exec(list.text)![1]!
  await browser.send(`/operate/follow-ups/${followUpId}`, { done: 'yes' })
  expect((await browser.send('/operate/follow-ups')).text).toContain('Nothing is open.')
})

test('the draft has the impact, the lag of the official word, and what was promised', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { id } = await breakUpload(stage.world, { regions: ['eu'] })
  await add(stage.world, id, 'A second disk', '2026-12-24')
  await postUpdate(stage.world.ctx, { actor: RESPONDER, incidentId: id, state: 'resolved', body: 'Over.' })
  const { text } = await browser.send(`/operate/incidents/${id}`)
  expect(text).toContain('Impact in user-minutes: unknown, as no traffic says how many people use it')
  expect(text).toContain('When the service said so itself is unknown')
  expect(text).toContain('– A second disk (until 2026-12-24)')
})

test('requests are kept for features whose rate is known, also over a restart, and tell what an outage cost', async () => {
  const rated = ENTRY.replace('name: Upload,', 'name: Upload, requestsPerPersonMinute: 2,')
  await using world = await createWatchWorld({ entries: { upbeat: rated } })
  const { ctx, clock } = world
  const startMs = Math.floor(clock.now().getTime() / SLOT_MS) * SLOT_MS
  clock.advance(startMs + SLOT_MS - clock.now().getTime())
  const incident = await breakUpload(world, { regions: ['eu'] })
  const sample = (featureId: string, atMs: number, requests: number, errors: number | null = null) => ({
    kind: 'traffic' as const,
    serviceId: 'upbeat',
    featureId,
    region: 'eu',
    atMs,
    intervalMs: 60_000,
    requests,
    errors,
    bytes: null,
    diversity: null,
  })
  const beforeMs = (weeks: number) => incident.startedAtMs + SLOT_MS - weeks * 7 * DAY_MS
  // Each book is of a start of its own.
  for (const samples of [
    [
      sample('upload', beforeMs(1), 1_000),
      sample('upload', beforeMs(2), 1_000),
      sample('feed', beforeMs(0), 1_000),
      sample('upload', incident.startedAtMs + 60_000, 300, 100),
    ],
    [sample('upload', beforeMs(0), 100)],
  ]) {
    await using book = openTrafficBook(ctx)
    for (const one of samples) book.note(one)
  }
  clock.advance(SLOT_MS)
  expect(readImpact(ctx, incidentById(ctx, incident.id)!)).toEqual({
    kind: 'from-traffic',
    // 1,000 usual − (400 − 100) good = 700.
    userMinutes: 350,
    coverage: 1,
  })
  expect(ctx.store.all('select distinct feature_id from traffic_slot')).toEqual([{ feature_id: 'upload' }])
})
