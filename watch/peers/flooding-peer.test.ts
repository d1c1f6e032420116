/** What another watch that was taken over can not do by saying much: keep people here from what this watch sees, or awake. */
import { expect, test } from 'vitest'
import { openPageLinks, startPaging } from '../on-call/index.ts'
import { subjectOfIncident } from '../on-call/page-records.ts'
import { PEER_PAGES_MAX } from '../on-call/paging.ts'
import { acknowledgePage } from '../on-call/verbs.ts'
import { RESPONDER } from '../pages/world.fixtures.ts'
import { PEER_NOTICES_MAX } from '../telling/outbox.ts'
import { startTelling } from '../telling/index.ts'
import { logOf, makeMessage, say, statementOf } from './messages.fixtures.ts'
import { see, startPair, type PairWatch } from './pair.fixtures.ts'
import type { IncidentStatement } from './statement.ts'

const MINUTE_MS = 60_000
const ON_CALL = `
onCall:
  people: [{ id: ada, name: Ada, email: ada@example.org }]
  escalation: [{ to: [person:ada], waitMinutes: 10 }]
  repeats: 0
`
const idOf = (index: number): string => String(index).padStart(12, '0')
const sayAll = async (watch: PairWatch, statements: readonly IncidentStatement[]) => {
  for (let from = 0; from < statements.length; from += 25)
    expect(await say(watch, makeMessage({ log: logOf(statements.slice(from, from + 25)) }))).toMatchObject({
      status: 200,
    })
}
const tellable = ({ world }: PairWatch) =>
  world.ctx.store
    .all<{ body: string }>("select body ->> 'body' as body from notice where id not like 'page-%'")
    .map(({ body }) => body)

test('what this watch sees itself is told, whatever others said of it that was not told', async () => {
  await using pair = await startPair()
  const { ctx, clock } = pair.a.world
  await using telling = await startTelling(ctx)
  const said = await statementOf(pair.a, { featureIds: ['video'] })
  await telling.round()
  const words = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => ({ ...said.updates[0]!, id: idOf(from + i), author: 'eve' }))
  await sayAll(pair.a, [
    { ...said, updates: words(40, 1), version: said.version + 1 },
    { ...said, incidentId: idOf(9_000), updates: words(40, 100) },
  ])
  await telling.round()
  expect(tellable(pair.a)).toHaveLength(PEER_NOTICES_MAX + 1)
  // It says of each thing that begins that it has seen it before.
  clock.advance(MINUTE_MS)
  const nowMs = clock.now().getTime()
  await sayAll(pair.a, [
    {
      ...said,
      incidentId: idOf(9_001),
      featureIds: ['upload'],
      startedAtMs: nowMs,
      confirmedAtMs: nowMs,
      version: nowMs,
      updates: [{ ...said.updates[0]!, id: idOf(9_002), atMs: nowMs }],
    },
  ])
  await telling.round()
  clock.advance(1_000)
  await see(pair.a, { facts: { featureIds: ['upload'], title: 'Upload does not work' } })
  await telling.round()
  expect(tellable(pair.a)).toHaveLength(PEER_NOTICES_MAX + 2)
})

test('what this watch sees itself is told, however many newer incidents others have', async () => {
  await using pair = await startPair()
  const { ctx, clock } = pair.a.world
  await using telling = await startTelling(ctx)
  const said = await statementOf(pair.a, { featureIds: ['video'], regions: ['eu'] })
  const startedAtMs = clock.now().getTime() + MINUTE_MS
  await sayAll(
    pair.a,
    Array.from({ length: 55 }, (_, i) => ({ ...said, incidentId: idOf(i), startedAtMs, updates: [] })),
  )
  await telling.round()
  expect(tellable(pair.a)).toEqual(['confirmed, as a sees it'])
})

test('another watch has people called ten times at once at most; what this watch sees itself is called for', async () => {
  await using pair = await startPair({ entry: ON_CALL, env: { WATCH_SMTP_URL: 'smtp://127.0.0.1:9' } })
  const { ctx } = pair.a.world
  const links = await openPageLinks(ctx)
  await using paging = startPaging(ctx, links)
  const said = await statementOf(pair.a, { featureIds: ['video'] })
  await paging.round()
  const ours = ctx.pages.listCurrent()[0]!
  const flood = Array.from({ length: PEER_PAGES_MAX }, (_, i) => ({ ...said, incidentId: idOf(i) }))
  await sayAll(pair.a, flood)
  await paging.round()
  expect(ctx.pages.listCurrent()).toHaveLength(PEER_PAGES_MAX + 1)
  expect(ctx.troubles.list()).toEqual([])

  // One more of its own, and one of ours that it says has come back after it was answered.
  await acknowledgePage(ctx, links, { actor: RESPONDER, pageId: ours.id })
  await sayAll(pair.a, [
    { ...said, incidentId: idOf(90) },
    { ...said, incidentId: idOf(91), featureIds: ['feed'], relapses: 1 },
  ])
  await paging.round()
  expect(ctx.pages.listCurrent()).toHaveLength(PEER_PAGES_MAX + 1)
  expect(ctx.troubles.list()).toMatchObject([{ id: 'peer-pages/upbeat' }])

  const own = await see(pair.a, { facts: { featureIds: ['upload'] } })
  await sayAll(pair.a, [{ ...said, incidentId: idOf(92), featureIds: ['upload'] }])
  await paging.round()
  expect(ctx.pages.listOf([subjectOfIncident(own.id)])).toHaveLength(1)
})
