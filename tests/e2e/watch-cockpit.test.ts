/** The cockpit in Chromium: joining by the link, answering a page on a phone, and no barrier on any of its pages. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addFollowUp } from '../../watch/follow-up/follow-ups.ts'
import { openIncident, postUpdate, scheduleMaintenance } from '../../watch/incidents/index.ts'
import { openPageLinks, startPaging } from '../../watch/on-call/index.ts'
import { findLastPage, subjectOfIncident } from '../../watch/on-call/page-records.ts'
import { codeFor, PASSWORD } from '../../watch/operators/cockpit.fixtures.ts'
import { RESPONDER } from '../../watch/pages/world.fixtures.ts'
import { eventually } from '../support/eventually.ts'
import { findBarriers } from './support/barriers.ts'
import { DESKTOP, PHONE } from '../support/chromium.ts'
import { openWatchStage, type WatchStage } from './support/watch-stage.ts'

const ON_CALL = `
timeZone: Europe/Berlin
onCall:
  people:
    - { id: ada, name: Ada Lovelace, operator: ada, webhook: { url: https://hooks.example/ada, secret: sixteen-or-more-of-them } }
    - { id: bob, name: Bob }
  rotas:
    - id: first
      name: First line
      layers:
        - { people: [bob, ada], startsOn: 2026-11-16 }
    - id: office
      name: Office
      layers:
        - { people: [bob], startsOn: 2026-11-16, hours: { from: '09:00', until: '17:00' } }
  escalation:
    - { to: ['rota:first'] }
    - { to: ['rota:office', 'role:commander'] }
  repeats: 1
`

let stage: WatchStage
let incidentId: string
/** Where Ada answers. */
let answerPath: string
let signedIn: Awaited<ReturnType<BrowserContext['storageState']>>

async function joinAsAda(page: Page): Promise<void> {
  const link = await readFile(join(stage.world.ctx.config.dataDir, 'first-operator-link.txt'), 'utf8')
  await page.goto(stage.url + new URL(link.trim()).pathname)
  await page.getByLabel('Name').fill('ada')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Next: the code generator' }).click()
  const secret = (await page.locator('code').innerText()).replaceAll(/\s/g, '')
  await page.getByLabel('The six digits').fill(codeFor(secret))
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('heading', { name: 'Incidents', level: 1 }).waitFor()
}

beforeAll(async () => {
  stage = await openWatchStage(ON_CALL)
  const { ctx, clock } = stage.world
  const base = { actor: RESPONDER, serviceId: 'upbeat', body: 'We are looking.', regions: [] }
  const old = await openIncident(ctx, {
    ...base,
    title: 'Search does not work',
    featureIds: ['search'],
    impact: 'minor',
  })
  await postUpdate(ctx, { actor: RESPONDER, incidentId: old.id, state: 'resolved', body: 'Over.' })
  const promise = { actor: RESPONDER, incidentId: old.id, owner: 'Bob' }
  await addFollowUp(ctx, { ...promise, text: 'A second index on another disk', dueOn: '2026-11-23' })
  await addFollowUp(ctx, { ...promise, text: 'An alarm before the disk is full', dueOn: null })
  clock.advance(73 * 3_600_000)
  stage.world.setState('upload', { eu: 'down', na: 'up' }, 'partial_outage')
  const open = await openIncident(ctx, {
    ...base,
    title: 'Upload does not work in Europe',
    featureIds: ['upload'],
    regions: ['eu'],
    impact: 'major',
  })
  incidentId = open.id
  const fromMs = clock.now().getTime() + 3_600_000
  await scheduleMaintenance(ctx, {
    ...base,
    title: 'New disks',
    featureIds: ['search'],
    scheduledForMs: fromMs,
    scheduledUntilMs: fromMs + 3_600_000,
  })
  const links = await openPageLinks(ctx)
  await using paging = startPaging(ctx, links)
  await paging.round()
  const paged = await eventually(
    () => findLastPage(ctx.store, subjectOfIncident(incidentId)),
    (page) => page?.stepsTaken === 1,
  )
  answerPath = new URL(links.linkFor(paged!.id, 'ada')).pathname
  const page = await stage.browser.newPage()
  await joinAsAda(page)
  signedIn = await page.context().storageState()
  await page.context().close()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test.each([
  ['on a phone', PHONE],
  ['on a desktop', DESKTOP],
])('no page has a serious barrier or is wider than the screen: %s', async (_, viewport) => {
  const context = await stage.browser.newContext({ viewport, storageState: signedIn })
  const page = await context.newPage()
  const found: string[] = []
  for (const path of [
    '/operate',
    `/operate/incidents/${incidentId}`,
    '/operate/on-call',
    '/operate/follow-ups',
    '/operate/maintenances',
    '/operate/audit',
    '/operate/people',
    answerPath,
  ]) {
    const response = await page.goto(stage.url + path)
    expect(response!.status()).toBe(200)
    found.push(...(await findBarriers(page, path)))
  }
  expect(found).toEqual([])
  await context.close()
})

test('whoever was paged answers on a phone without signing in, and without scripts', async () => {
  const context = await stage.browser.newContext({ viewport: PHONE, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(stage.url + answerPath)
  await page.getByRole('heading', { name: 'Upload does not work in Europe' }).waitFor()
  await page.getByText('What to do first').waitFor()
  await page.getByRole('button', { name: 'I take it (Ada Lovelace)' }).click()
  await page.getByText('Nobody else is called.').waitFor()
  expect(findLastPage(stage.world.ctx.store, subjectOfIncident(incidentId))).toMatchObject({
    state: 'acknowledged',
  })
  await context.close()
})

test('standing in for somebody takes three taps', async () => {
  const context = await stage.browser.newContext({ viewport: PHONE, storageState: signedIn })
  const page = await context.newPage()
  await page.goto(`${stage.url}/operate/on-call`)
  await page.getByText('Change who is on call').click()
  await page.getByLabel('I take over').selectOption('Office')
  await page.getByRole('button', { name: 'I take over now' }).click()
  await page.getByRole('heading', { name: 'Standing in' }).waitFor()
  await page.getByRole('button', { name: 'End it' }).click()
  await expect.poll(() => page.getByRole('heading', { name: 'Standing in' }).count()).toBe(0)
  await context.close()
})
