/** From a confirmed outage to an answer: over real mail and HTTP, by a clock that the test moves. */
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'
import { listAudit, mergeIncidents, postUpdate } from '../incidents/index.ts'
import { breakUpload, createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import { startTelling, tellingRoutes } from '../telling/index.ts'
import { subscriptionByLink } from '../telling/subscriptions.ts'
import { collectNotices, listDue } from '../telling/outbox.ts'
import { startMailServer, startReceiver, subscribed } from '../telling/telling.fixtures.ts'
import { answerRoutes, openPageLinks, startPaging } from './index.ts'
import { findLastPage, listRoles, subjectOfBlindness, subjectOfIncident, writePage } from './page-records.ts'
import { acknowledgePage, overrideRota } from './verbs.ts'

const MINUTE_MS = 60_000
const ON_CALL = `
timeZone: Europe/Berlin
onCall:
  people:
    - { id: ada, name: Ada, operator: ada, email: ada@example.org }
    - { id: bob, name: Bob, email: bob@example.org }
  rotas:
    - id: first
      name: First
      layers:
        - { people: [ada], startsOn: 2020-01-06 }
  escalation:
    - { to: [rota:first], waitMinutes: 10 }
    - { to: [person:bob], waitMinutes: 15 }
  repeats: 0
  blindAfterMinutes: 5
`

interface Stage extends AsyncDisposable {
  readonly world: WatchWorld
  readonly mails: readonly string[]
  /** Who each mail went to. */
  readonly receivers: readonly string[]
  readonly url: string
  /** Lets paging and telling do all that is due. */
  settle(): Promise<void>
}

async function openStage(onCall = ON_CALL): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const smtp = stack.use(await startMailServer())
  const world = stack.use(
    await createWatchWorld({
      entries: { upbeat: ENTRY + onCall },
      env: {
        WATCH_SMTP_URL: smtp.url,
        WATCH_PUBLIC_URL: 'https://watch.example',
        WATCH_ALLOW_PRIVATE_HOOKS: 'yes',
      },
    }),
  )
  const telling = stack.use(await startTelling(world.ctx))
  const links = await openPageLinks(world.ctx)
  const paging = stack.use(startPaging(world.ctx, links))
  const url = await world.serve(answerRoutes(links))
  const owned = stack.move()
  return {
    world,
    mails: smtp.mails,
    receivers: smtp.asked,
    url,
    async settle() {
      await paging.round()
      await telling.round()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const resolve = (world: WatchWorld, incidentId: string) =>
  postUpdate(world.ctx, { actor: RESPONDER, incidentId, state: 'resolved', body: 'It works again.' })

/** The path of the link in a mail. */
const linkIn = (text: string): string => /https:\/\/watch\.example(\/pages\/\S+)/.exec(text)![1]!

const actions = (world: WatchWorld) =>
  listAudit(world.ctx, {})
    .map(({ action }) => action)
    .toReversed()

test('who is on call gets a mail, answers it by one tap, and all of it is in the log', async () => {
  await using stage = await openStage()
  const { world, mails, url } = stage
  const { id } = await breakUpload(world)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  expect(stage.receivers[0]).toBe('ada@example.org')
  expect(mails[0]!).toContain('Subject: Upbeat: Upload does not work (you are paged)')
  expect(mails[0]!).toContain('First steps:\n1. Say in one sentence'.replaceAll('\n', '\r\n'))
  expect(mails[0]!).not.toContain('unsubscribe')

  const path = linkIn(mails[0]!)
  const shown = await (await fetch(url + path)).text()
  expect(shown).toContain('I take it (Ada)')
  expect(shown).toContain('What to do first')
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({ state: 'paging' })

  world.clock.advance(3 * MINUTE_MS)
  // As the browser of somebody who has reported or signed in here sends it.
  const headers = { cookie: 'upbeat-reporter=somebody', origin: url }
  const answered = await fetch(url + path, { method: 'POST', redirect: 'manual', headers })
  expect(answered.status).toBe(303)
  expect(await (await fetch(url + path)).text()).toContain('answered by Ada after 3 min')
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: 'on-call:Ada',
  })
  expect(listRoles(world.ctx.store, id)).toMatchObject([{ role: 'commander', person: 'person:ada' }])

  world.clock.advance(60 * MINUTE_MS)
  await stage.settle()
  expect(mails).toHaveLength(1)
  expect(actions(world)).toEqual(['open-incident', 'open-page', 'page', 'acknowledge-page'])
  expect(listAudit(world.ctx, {})[1]).toMatchObject({
    actor: 'watch',
    subject: id,
    facts: { person: 'Ada', via: 'First', step: 1, channels: 'email' },
  })
})

test('the page of a link tells browsers to name its origin here, and nothing of it elsewhere', async () => {
  await using stage = await openStage()
  await breakUpload(stage.world)
  await stage.settle()
  await expect.poll(() => stage.mails.length).toBe(1)
  const shown = await fetch(stage.url + linkIn(stage.mails[0]!))
  // With `no-referrer` a form is sent with `Origin: null` (Fetch, 3.2).
  expect(shown.headers.get('referrer-policy')).toBe('same-origin')
})

test('nobody takes somebody on call out of the outbox by a link without a secret', async () => {
  await using stage = await openStage()
  const { world } = stage
  await breakUpload(world)
  await stage.settle()
  await expect.poll(() => stage.mails.length).toBe(1)
  const [receiver] = world.ctx.store.all<{ id: string }>(`select id from subscription where secret = ''`)
  await using telling = await startTelling(world.ctx)
  const url = await world.serve(tellingRoutes(telling))

  for (const method of ['GET', 'POST'])
    expect((await fetch(`${url}/unsubscribe/${receiver!.id}/`, { method })).status).toBe(400)
  expect(subscriptionByLink(world.ctx, receiver!.id, '')).toBeNull()
  expect(world.ctx.store.all(`select 1 from subscription where secret = ''`)).toHaveLength(1)
})

test('without an answer the next step is called, and at the end it is said that nobody answered', async () => {
  await using stage = await openStage()
  const { world, mails } = stage
  const { id } = await breakUpload(world)
  await stage.settle()
  world.clock.advance(10 * MINUTE_MS - 1)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  world.clock.advance(1)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(2)
  expect(stage.receivers[1]).toBe('bob@example.org')
  world.clock.advance(15 * MINUTE_MS)
  await stage.settle()
  await expect.poll(() => actions(world)).toContain('page-unanswered')
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({ state: 'unanswered' })
})

test('one page for one outage, also for a watch that starts again', async () => {
  await using stage = await openStage()
  const { world, mails } = stage
  await breakUpload(world)
  await stage.settle()
  await stage.settle()
  await using again = startPaging(world.ctx, await openPageLinks(world.ctx))
  await again.round()
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  expect(actions(world).filter((action) => action === 'open-page')).toHaveLength(1)
})

test('what is not severe enough pages nobody', async () => {
  await using stage = await openStage()
  await breakUpload(stage.world, { impact: 'minor' })
  await stage.settle()
  expect(actions(stage.world)).toEqual(['open-incident'])
})

test('its end is told to who was called, and its return pages anew', async () => {
  await using stage = await openStage()
  const { world, mails } = stage
  const { id } = await breakUpload(world)
  await stage.settle()
  await resolve(world, id)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(2)
  expect(mails[1]!).toContain('Upload does not work (over)')
  await postUpdate(world.ctx, { actor: RESPONDER, incidentId: id, state: 'confirmed', body: 'Again.' })
  await stage.settle()
  await expect.poll(() => mails.length).toBe(3)
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({ turn: 2, state: 'paging' })
})

test('an outage that relapses after it was answered pages anew, and one that was merged into another pages no more', async () => {
  await using stage = await openStage()
  const { world, mails, url } = stage
  const { id } = await breakUpload(world)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  await fetch(url + linkIn(mails[0]!), { method: 'POST' })
  await world.ctx.store.write([
    { sql: `update incident set facts = json_set(facts, '$.relapses', 1) where id = :id`, params: { id } },
  ])
  await stage.settle()
  await expect.poll(() => mails.length).toBe(2)
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({ turn: 2, state: 'paging' })

  const other = await breakUpload(world)
  await mergeIncidents(world.ctx, { actor: RESPONDER, intoId: other.id, incidentIds: [id] })
  await stage.settle()
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({ turn: 2, state: 'over' })
  expect(findLastPage(world.ctx.store, subjectOfIncident(other.id))).toMatchObject({ turn: 1 })
})

test('an answer that comes while the next step is decided wins: that step calls nobody', async () => {
  await using stage = await openStage()
  const { world } = stage
  const { id } = await breakUpload(world)
  await stage.settle()
  const seen = findLastPage(world.ctx.store, subjectOfIncident(id))!
  const links = await openPageLinks(world.ctx)
  await acknowledgePage(world.ctx, links, { actor: RESPONDER, pageId: seen.id })
  const late = world.ctx.store.write([writePage({ ...seen, stepsTaken: 2 }, seen)])
  await expect(late).rejects.toMatchObject({ code: 'changed-meanwhile' })
  const again = await acknowledgePage(world.ctx, links, { actor: { kind: 'watch' }, pageId: seen.id })
  expect(again.acknowledgedBy).toBe('operator:Ada')
})

test('who was called before hears who has it', async () => {
  await using stage = await openStage()
  const { world, mails, url } = stage
  await breakUpload(world)
  await stage.settle()
  world.clock.advance(10 * MINUTE_MS)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(2)
  await fetch(url + linkIn(mails[1]!), { method: 'POST' })
  await stage.settle()
  await expect.poll(() => mails.length).toBe(3)
  expect(stage.receivers[2]).toBe('ada@example.org')
  expect(mails[2]!).toContain('(answered by bob)')
})

test('whoever stands in is called instead, from then on', async () => {
  await using stage = await openStage()
  const { world, mails } = stage
  const nowMs = world.clock.now().getTime()
  await overrideRota(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    rotaId: 'first',
    personId: 'bob',
    fromMs: nowMs,
    untilMs: nowMs + MINUTE_MS,
  })
  await breakUpload(world)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  expect(stage.receivers[0]).toBe('bob@example.org')
})

test('a gap is told and skipped at once; a round that reached nobody begins again', async () => {
  const nobody = ON_CALL.replace('startsOn: 2020-01-06', 'startsOn: 2090-01-02')
  await using stage = await openStage(nobody)
  await breakUpload(stage.world)
  await stage.settle()
  await expect.poll(() => stage.mails.length).toBe(1)
  expect(stage.receivers[0]).toBe('bob@example.org')
  expect(listAudit(stage.world.ctx, {}).find(({ action }) => action === 'page-missed')!.facts).toMatchObject({
    target: 'First',
    why: 'nobody is on call now',
  })

  await using lonely = await openStage(nobody.replace('person:bob', 'rota:first'))
  const { world, mails } = lonely
  const { id } = await breakUpload(world)
  await lonely.settle()
  expect(actions(world).at(-1)).toBe('page-reached-nobody')
  expect(findLastPage(world.ctx.store, subjectOfIncident(id))).toMatchObject({
    state: 'paging',
    stepsTaken: 0,
  })
  const nowMs = world.clock.now().getTime()
  await overrideRota(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    rotaId: 'first',
    personId: 'ada',
    fromMs: nowMs,
    untilMs: nowMs + 60 * MINUTE_MS,
  })
  world.clock.advance(5 * MINUTE_MS)
  await lonely.settle()
  await expect.poll(() => mails.length).toBe(1)
})

test('a watch that has been blind for long enough pages, and stops once it sees again', async () => {
  await using stage = await openStage()
  const { world, mails } = stage
  world.board.service('upbeat').isBlind = true
  await stage.settle()
  world.clock.advance(5 * MINUTE_MS - 1)
  await stage.settle()
  expect(findLastPage(world.ctx.store, subjectOfBlindness('upbeat'))).toBeNull()
  world.clock.advance(1)
  await stage.settle()
  await expect.poll(() => mails.length).toBe(1)
  expect(mails[0]!).toContain('The watch is blind to Upbeat')
  world.board.service('upbeat').isBlind = false
  await stage.settle()
  expect(findLastPage(world.ctx.store, subjectOfBlindness('upbeat'))).toMatchObject({ state: 'over' })
  await expect.poll(() => mails.length).toBe(2)
  expect(mails[1]!).toContain('The watch sees Upbeat again')
  expect(mails[1]!).not.toContain('blind')
})

test.each([
  ['another person', (path: string) => path.replace('/ada/', '/bob/')],
  ['another page', (path: string) => path.replace(/\/pages\/[^/]+/, '/pages/aaaaaaaaaaaa')],
  ['a changed signature', (path: string) => `${path.slice(0, -4)}AAAA`],
  ['no signature', (path: string) => path.replace(/[^/]+$/, 'A')],
])('a link with %s answers nothing', async (_, forge) => {
  await using stage = await openStage()
  const { id } = await breakUpload(stage.world)
  await stage.settle()
  await expect.poll(() => stage.mails.length).toBe(1)
  const path = forge(linkIn(stage.mails[0]!))
  expect((await fetch(stage.url + path)).status).toBe(404)
  expect((await fetch(stage.url + path, { method: 'POST' })).status).toBe(404)
  expect(findLastPage(stage.world.ctx.store, subjectOfIncident(id))).toMatchObject({ state: 'paging' })
})

test('a webhook is signed with the key of the file', async () => {
  await using receiver = await startReceiver()
  await using stage = await openStage(
    ON_CALL.replace(
      'email: ada@example.org',
      `webhook: { url: '${receiver.url}', secret: a-key-of-sixteen-or-more }`,
    ),
  )
  const { id } = await breakUpload(stage.world)
  await stage.settle()
  await expect.poll(() => receiver.deliveries.length).toBe(1)
  const { headers, body } = receiver.deliveries[0]!
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(headers['upbeat-signature']))!
  expect(createHmac('sha256', 'a-key-of-sixteen-or-more').update(`${seconds}.${body}`).digest('hex')).toBe(
    signature,
  )
  expect(JSON.parse(body)).toMatchObject({
    kind: 'page',
    service: { id: 'upbeat' },
    incident: id,
    title: 'Upload does not work',
    url: expect.stringContaining('https://watch.example/pages/'),
  })
})

test('a page goes out before what waits for subscribers, who are told nothing of it', async () => {
  await using world = await createWatchWorld({
    entries: { upbeat: ENTRY + ON_CALL },
    env: { WATCH_SMTP_URL: 'smtp://127.0.0.1:9' },
  })
  for (const address of ['x@example.org', 'y@example.org'])
    await subscribed(world, { channel: 'email', address })
  await breakUpload(world)
  await collectNotices(world.ctx, ['upbeat'])
  await using paging = startPaging(world.ctx, await openPageLinks(world.ctx))
  await paging.round()
  const kinds = await eventually(
    () => listDue(world.ctx, 'mail', 10).map(({ notice }) => notice.kind),
    (due) => due.length === 3,
  )
  expect(kinds).toEqual(['page', 'incident', 'incident'])
})
