/** While another process holds the watch's file: people are called all the same, and once only. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createDetector, type ProbeSample } from '../../engines/detect/index.ts'
import { incidentById, listAudit, startIncidentLoop, statusOf } from '../incidents/index.ts'
import { findIncident } from '../incidents/records.ts'
import { toText } from '../pages/html.ts'
import { breakUpload, createWatchWorld, ENTRY, type WatchWorld } from '../pages/world.fixtures.ts'
import { startTelling } from '../telling/index.ts'
import { startMailServer } from '../telling/telling.fixtures.ts'
import { answerRoutes, openPageLinks, pageOfIncident, renderPage, startPaging } from './index.ts'
import { findPage, listRoles, listTold } from './page-records.ts'

const MINUTE_MS = 60_000
const ON_CALL = `
onCall:
  people:
    - { id: ada, name: Ada, email: ada@example.org }
    - { id: bob, name: Bob, email: bob@example.org }
    - { id: cleo, name: Cleo, email: cleo@example.org }
  escalation:
    - { to: [person:ada], waitMinutes: 10 }
    - { to: [person:bob], waitMinutes: 15 }
    - { to: [person:cleo], waitMinutes: 15 }
  repeats: 0
`

async function openStage(options: { readonly isQuiet?: boolean } = {}) {
  await using stack = new AsyncDisposableStack()
  const smtp = stack.use(await startMailServer())
  const world = stack.use(
    await createWatchWorld({
      ...options,
      entries: { upbeat: ENTRY + ON_CALL },
      env: { WATCH_SMTP_URL: smtp.url, WATCH_PUBLIC_URL: 'https://watch.example' },
    }),
  )
  const telling = stack.use(await startTelling(world.ctx))
  const links = await openPageLinks(world.ctx)
  const paging = stack.use(startPaging(world.ctx, links, telling))
  const url = await world.serve(answerRoutes(links))
  const owned = stack.move()
  return {
    world,
    smtp,
    url,
    paging,
    async settle() {
      await paging.round()
      await telling.round()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Holds the file as another process would, until it is disposed. */
function holdFile({ ctx }: WatchWorld): Disposable {
  const other = new DatabaseSync(join(ctx.config.dataDir, 'watch.sqlite'), { timeout: 5_000 })
  other.exec('begin immediate')
  return {
    [Symbol.dispose]() {
      other.exec('rollback')
      other.close()
    },
  }
}

test('the next one is called, an answer counts, and all of it is written down once the disk is back', async () => {
  await using stage = await openStage()
  const { world, smtp, paging } = stage
  const { ctx, clock } = world
  const { id } = await breakUpload(world)
  await stage.settle()
  await expect.poll(() => smtp.asked).toEqual(['ada@example.org'])
  const pageId = ctx.pages.listCurrent()[0]!.id
  const shown = () => toText(renderPage(pageOfIncident(ctx, incidentById(ctx, id)!)!, context(world)))
  expect(shown()).not.toContain('Not written down yet')

  const held = holdFile(world)
  clock.advance(10 * MINUTE_MS)
  await paging.round()
  await paging.round()
  expect(smtp.asked).toEqual(['ada@example.org', 'bob@example.org'])
  expect(findPage(ctx.store, pageId)).toMatchObject({ stepsTaken: 1 })
  expect(ctx.pages.find(pageId)).toMatchObject({ stepsTaken: 2 })
  expect(shown()).toContain('Not written down yet')
  expect(shown()).toMatch(/Bob[\s\S]*handed over/)
  expect(ctx.troubles.list()).toMatchObject([{ id: 'disk/pages' }])

  const [, path] = /https:\/\/watch\.example(\/pages\/\S+)/.exec(smtp.mails[1]!)!
  const answered = await fetch(stage.url + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: stage.url },
  })
  expect(answered.status).toBe(303)
  clock.advance(20 * MINUTE_MS)
  await paging.round()
  // Ada hears that Bob has it, and nobody else is called.
  expect(smtp.asked).toEqual(['ada@example.org', 'bob@example.org', 'ada@example.org'])

  held[Symbol.dispose]()
  await stage.settle()
  await stage.settle()
  expect(smtp.mails).toHaveLength(3)
  expect(findPage(ctx.store, pageId)).toMatchObject({
    state: 'acknowledged',
    stepsTaken: 2,
    acknowledgedBy: 'on-call:Bob',
  })
  expect(listTold(ctx.store, pageId).map(({ name }) => name)).toEqual(['Ada', 'Bob'])
  expect(listRoles(ctx.store, id)).toMatchObject([{ role: 'commander', person: 'person:bob' }])
  expect(
    listAudit(ctx, {})
      .map(({ action }) => action)
      .toSorted(),
  ).toEqual(['acknowledge-page', 'open-incident', 'open-page', 'page', 'page'])
  expect(shown()).not.toContain('Not written down yet')
  expect(shown()).toMatch(/Bob[\s\S]*handed over/)
  expect(ctx.troubles.list()).toEqual([])
})

test('a message that could not be handed over from memory goes out once, when its receiver is back', async () => {
  await using stage = await openStage()
  const { world, smtp, paging } = stage
  const { clock } = world
  await breakUpload(world)
  const held = holdFile(world)
  smtp.rules.receiver = () => ({ code: 451, text: '4.3.0 Try again later' })
  await paging.round()
  expect(smtp.asked).toEqual(['ada@example.org'])
  await paging.round()
  expect(smtp.asked).toHaveLength(1)
  delete smtp.rules.receiver
  clock.advance(10_000)
  await paging.round()
  expect(smtp.mails).toHaveLength(1)
  held[Symbol.dispose]()
  await stage.settle()
  await stage.settle()
  expect(smtp.mails).toHaveLength(1)
})

test('an outage that is found while nothing can be written calls people, is shown, and is one incident afterwards', async () => {
  await using stage = await openStage({ isQuiet: true })
  const { world, smtp, paging } = stage
  const { ctx, clock, board } = world
  await using loop = startIncidentLoop(ctx, { board, createDetector, beatMs: 5 })
  const look = async (seconds: number, outcome: ProbeSample['outcome']) => {
    for (let passed = 0; passed < seconds; passed += 5) {
      clock.advance(5_000)
      for (const region of ['eu', 'na']) loop.observe(probe(clock.now().getTime(), region, outcome))
      await new Promise((resolve) => setTimeout(resolve, 8))
    }
  }
  await look(300, 'ok')
  const held = holdFile(world)
  await look(120, 'failed')
  await expect.poll(() => ctx.live.unwritten('upbeat').length, { timeout: 30_000 }).toBe(1)
  await expect
    .poll(() => ctx.live.unwritten('upbeat')[0]?.record.confirmedAtMs ?? null, { timeout: 30_000 })
    .not.toBeNull()
  const { id } = ctx.live.unwritten('upbeat')[0]!.record
  expect(findIncident(ctx.store, id)).toBeNull()
  expect(statusOf(ctx, 'upbeat').incidents).toMatchObject([{ id, isUnwritten: true }])
  await paging.round()
  expect(smtp.asked).toEqual(['ada@example.org'])
  expect(smtp.mails[0]).toContain('you are paged')

  held[Symbol.dispose]()
  await expect.poll(() => findIncident(ctx.store, id), { timeout: 30_000 }).not.toBeNull()
  await expect.poll(() => statusOf(ctx, 'upbeat').incidents[0]?.isUnwritten).toBeUndefined()
  await stage.settle()
  await stage.settle()
  expect(smtp.mails).toHaveLength(1)
  const [page] = ctx.pages.listCurrent()
  expect(findPage(ctx.store, page!.id)).toEqual(page)
  expect(incidentById(ctx, id)!.updates.map(({ state }) => state)).toContain('confirmed')
}, 120_000)

const probe = (atMs: number, region: string, outcome: ProbeSample['outcome']): ProbeSample => ({
  kind: 'probes',
  serviceId: 'upbeat',
  atMs,
  monitorId: `feed-${region}`,
  featureIds: ['feed'],
  vantageId: 'watch',
  region,
  asn: null,
  outcome,
  failure: outcome === 'failed' ? 'http-5xx' : null,
  durationMs: 20,
  intervalMs: 5_000,
})

const context = ({ clock }: WatchWorld) => ({ timeZone: 'Etc/UTC', now: clock.now(), mayAct: true })
