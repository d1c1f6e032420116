/** What only the other watch saw reaches the people of this one: subscribers and who is on call, each state once. */
import { expect, test } from 'vitest'
import type { OutageState } from '../../engines/detect/index.ts'
import { incidentById, postUpdate } from '../incidents/index.ts'
import { findIncident, writeIncident, writeUpdate, type IncidentRecord } from '../incidents/records.ts'
import { openPageLinks, startPaging } from '../on-call/index.ts'
import { findLastPage, listPages, listRoles, listTold, subjectOfIncident } from '../on-call/page-records.ts'
import { acknowledgePage } from '../on-call/verbs.ts'
import { RESPONDER } from '../pages/world.fixtures.ts'
import { PEER_NOTICES_MAX } from '../telling/outbox.ts'
import { startTelling } from '../telling/index.ts'
import { startMailServer, startReceiver, subscribed } from '../telling/telling.fixtures.ts'
import { see, seeOver, startPair, type PairWatch } from './pair.fixtures.ts'

const MINUTE_MS = 60_000
const SECONDS_TO_TELL = 6
const ON_CALL = `
onCall:
  people:
    - { id: ada, name: Ada, email: ada@example.org }
    - { id: bob, name: Bob, email: bob@example.org }
  escalation:
    - { to: [person:ada], waitMinutes: 10 }
    - { to: [person:bob], waitMinutes: 15 }
  repeats: 0
`

/** A pair whose watches tell one webhook each, and page by mail. */
async function openPair() {
  await using stack = new AsyncDisposableStack()
  const smtp = stack.use(await startMailServer())
  const pair = stack.use(
    await startPair({
      entry: ON_CALL,
      env: { WATCH_ALLOW_PRIVATE_HOOKS: 'yes', WATCH_SMTP_URL: smtp.url },
    }),
  )
  const open = async (watch: PairWatch) => {
    const { ctx } = watch.world
    const receiver = stack.use(await startReceiver())
    const telling = stack.use(await startTelling(ctx))
    await subscribed(watch.world, { channel: 'webhook', address: receiver.url })
    const links = await openPageLinks(ctx)
    const paging = stack.use(startPaging(ctx, links))
    return {
      watch,
      links,
      async settle() {
        await paging.round()
        await telling.round()
      },
      told: () =>
        receiver.deliveries.map(({ body }) => {
          const { id, update, status } = readDelivery(body)
          return { id, update, status }
        }),
      states: () => receiver.deliveries.map(({ body }) => readDelivery(body).status),
    }
  }
  const [a, b] = [await open(pair.a), await open(pair.b)]
  const owned = stack.move()
  return {
    pair,
    a,
    b,
    mails: smtp.mails,
    async pass(seconds = SECONDS_TO_TELL) {
      await pair.pass(seconds)
      for (const one of [a, b]) await one.settle()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function readDelivery(body: string) {
  const { incident } = JSON.parse(body) as {
    incident: { id: string; incident_updates: { body: string; status: string }[] }
  }
  const [update] = incident.incident_updates
  return { id: incident.id, update: update!.body, status: update!.status }
}

/** The watch's own incident in a further state, with the update that says it. */
async function move({ world }: PairWatch, { id }: IncidentRecord, state: OutageState): Promise<void> {
  const { ctx, clock } = world
  const before = findIncident(ctx.store, id)!
  const nowMs = Math.max(clock.now().getTime(), before.updatedAtMs + 1)
  const record: IncidentRecord = {
    ...before,
    state,
    resolvedAtMs: state === 'resolved' ? nowMs : null,
    updatedAtMs: nowMs,
  }
  const update = {
    id: ctx.newId(),
    state,
    body: `${state} again`,
    atMs: nowMs,
    author: 'watch',
    affected: [],
  }
  await ctx.store.write([writeIncident(record, before.updatedAtMs), writeUpdate(id, update)])
  ctx.live.tell({ kind: 'status', serviceId: 'upbeat' })
}

test('what only the other watch saw its own subscribers and those of this one hear, each state once', async () => {
  await using open = await openPair()
  const { pair, a, b } = open
  const record = await see(pair.a)
  await open.pass()
  expect(b.told()).toMatchObject([{ id: record.id }])
  const notices = pair.b.world.ctx.store.all<{ body: string }>(
    "select body ->> 'body' as body from notice where id not like 'page-%'",
  )
  expect(notices).toEqual([{ body: 'confirmed, as a sees it\nSeen by watch a.' }])
  expect(a.told()).toMatchObject([{ id: record.id }])
  await open.pass()
  await move(pair.a, record, 'recovering')
  await open.pass()
  await seeOver(pair.a, findIncident(pair.a.world.ctx.store, record.id)!)
  await open.pass()
  for (const one of [a, b]) expect(one.told()).toHaveLength(3)
  expect(a.states()).toEqual(b.states())
})

test('a watch that sees it later tells nothing that was told, and goes on under the same id', async () => {
  await using open = await openPair()
  const { pair, a, b } = open
  const theirs = await see(pair.a)
  await open.pass()
  const ours = await see(pair.b, { startedAtMs: theirs.startedAtMs })
  await open.pass()
  for (const one of [a, b]) expect(one.told()).toHaveLength(1)
  await seeOver(pair.a, theirs)
  await open.pass()
  // It is not over: the other one still sees it.
  for (const one of [a, b]) expect(one.told()).toHaveLength(1)
  await seeOver(pair.b, ours)
  await open.pass()
  for (const one of [a, b]) expect(one.told()).toHaveLength(2)
  expect(b.told().map(({ id }) => id)).toEqual([theirs.id, theirs.id])
})

test('what each told while they were apart neither tells again once they hear each other', async () => {
  await using open = await openPair()
  const { pair, a, b } = open
  await open.pass()
  pair.cut()
  const ours = await see(pair.a)
  await open.pass()
  const theirs = await see(pair.b, { startedAtMs: ours.startedAtMs })
  await open.pass()
  await seeOver(pair.a, ours)
  await open.pass()
  expect([a.told().length, b.told().length]).toEqual([2, 1])
  const mailsBefore = open.mails.length
  pair.heal()
  await open.pass()
  expect(incidentById(pair.a.world.ctx, ours.id)!.state).toBe('confirmed')
  await seeOver(pair.b, theirs)
  await open.pass()
  expect([a.told().length, b.told().length]).toEqual([2, 2])
  // One page at each watch, and one word that it is over.
  expect(listPages(pair.a.world.ctx.store, 10)).toHaveLength(1)
  expect(listPages(pair.b.world.ctx.store, 10)).toHaveLength(1)
  expect(open.mails.length).toBe(mailsBefore + 1)

  // Somebody sees it begin anew: that is news to everybody.
  open.pair.a.world.clock.advance(MINUTE_MS)
  open.pair.b.world.clock.advance(MINUTE_MS)
  await move(pair.b, theirs, 'confirmed')
  await open.pass()
  expect([a.told().length, b.told().length]).toEqual([3, 3])
  expect(listPages(pair.a.world.ctx.store, 10)).toMatchObject([{ turn: 2, state: 'paging' }, { turn: 1 }])
})

test('a word of an operator at either watch is told by both, once', async () => {
  await using open = await openPair()
  const { pair, a, b } = open
  const { id } = await see(pair.a)
  await open.pass()
  await postUpdate(pair.b.world.ctx, { actor: RESPONDER, incidentId: id, body: 'A cable was cut.' })
  await open.pass()
  await open.pass()
  for (const one of [a, b]) {
    expect(one.told()).toHaveLength(2)
    expect(one.told()[1]!.update).toContain('A cable was cut.')
  }
})

test('who is on call here is paged for what only the other watch saw, answers it, and hears its end', async () => {
  await using open = await openPair()
  const { pair, b } = open
  const { ctx } = pair.b.world
  const record = await see(pair.a)
  await open.pass()
  const page = findLastPage(ctx.store, subjectOfIncident(record.id))!
  expect(page).toMatchObject({ state: 'paging', turn: 1 })
  expect(listTold(ctx.store, page.id)).toMatchObject([{ name: 'Ada', step: 0 }])

  // This watch sees it, too, by now: nobody is called for it a second time.
  const ours = await see(pair.b, { startedAtMs: record.startedAtMs })
  await open.pass()
  expect(listPages(ctx.store, 10)).toHaveLength(1)
  for (const { world } of [pair.a, pair.b]) world.clock.advance(10 * MINUTE_MS)
  await b.settle()
  expect(listTold(ctx.store, page.id).map(({ name }) => name)).toEqual(['Ada', 'Bob'])

  const actor = { kind: 'on-call', id: 'ada', name: 'Ada' } as const
  await acknowledgePage(ctx, b.links, { actor, pageId: page.id })
  expect(listRoles(ctx.store, ours.id)).toMatchObject([{ role: 'commander', person: 'person:ada' }])
  await seeOver(pair.b, findIncident(ctx.store, ours.id)!)
  await open.pass()
  expect(findLastPage(ctx.store, subjectOfIncident(record.id))).toMatchObject({ state: 'acknowledged' })
  await seeOver(pair.a, record)
  await open.pass()
  expect(findLastPage(ctx.store, subjectOfIncident(record.id))).toMatchObject({ state: 'over' })
})

test('who answers for an incident that only the other watch knows leads it here', async () => {
  await using open = await openPair()
  const { pair, b } = open
  const { ctx } = pair.b.world
  const { id } = await see(pair.a)
  await open.pass()
  const page = findLastPage(ctx.store, subjectOfIncident(id))!
  await acknowledgePage(ctx, b.links, { actor: RESPONDER, pageId: page.id })
  expect(listRoles(ctx.store, id)).toMatchObject([{ role: 'commander' }])
  await open.pass()
  expect(listPages(ctx.store, 10)).toHaveLength(1)
})

test('two incidents that turn out to be one are called for by the page that was first', async () => {
  await using open = await openPair()
  const { pair } = open
  const { ctx } = pair.b.world
  const theirs = await see(pair.a)
  await see(pair.b, { facts: { featureIds: ['video'] } })
  await open.pass()
  expect(listPages(ctx.store, 10)).toHaveLength(2)
  const before = findIncident(pair.a.world.ctx.store, theirs.id)!
  const facts = { ...before.facts, featureIds: ['feed', 'video'] }
  const after = { ...before, updatedAtMs: before.updatedAtMs + 1, facts }
  await pair.a.world.ctx.store.write([writeIncident(after, before.updatedAtMs)])
  await open.pass()
  await open.pass()
  expect(
    listPages(ctx.store, 10)
      .map(({ state }) => state)
      .toSorted(),
  ).toEqual(['over', 'paging'])
})

test('what was seen while nobody heard it is told, however late, as long as it is not over', async () => {
  await using open = await openPair()
  const { pair, b } = open
  await open.pass()
  pair.cut()
  await see(pair.a)
  for (const { world } of [pair.a, pair.b]) world.clock.advance(10 * 60 * MINUTE_MS)
  await open.pass()
  expect(b.told()).toHaveLength(0)
  pair.heal()
  await open.pass()
  expect(b.told()).toHaveLength(1)
})

test('a watch that was taken over fills no mailboxes: sixty words of others in six hours', async () => {
  await using open = await openPair()
  const { pair } = open
  for (let count = 0; count < PEER_NOTICES_MAX + 1; count++) await see(pair.a)
  await open.pass()
  await open.pass()
  // Fifty incidents are looked at; the first of them go on until the number is reached.
  for (let count = 0; count < 50; count++) await see(pair.a)
  await open.pass()
  await open.pass()
  expect(pair.b.world.ctx.store.all("select id from notice where body ->> 'watch' is not null")).toHaveLength(
    PEER_NOTICES_MAX,
  )
  expect(pair.b.world.ctx.troubles.list()).toMatchObject([
    { id: 'peer-pages/upbeat' },
    { id: 'peer-words/upbeat' },
  ])
})
