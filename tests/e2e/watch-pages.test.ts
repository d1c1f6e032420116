/** The watch's pages in Chromium: no serious barrier, nothing wider than the screen, no script needed, always the truth. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { confirmOutage, openIncident, postUpdate, scheduleMaintenance } from '../../watch/incidents/index.ts'
import { RESPONDER } from '../../watch/pages/world.fixtures.ts'
import { serveLocally } from '../support/local-server.ts'
import { findBarriers } from './support/barriers.ts'
import { DESKTOP, PHONE } from '../support/chromium.ts'
import { openWatchStage, type WatchStage } from './support/watch-stage.ts'

let stage: WatchStage
let incidentId: string
let maintenanceId: string
beforeAll(async () => {
  stage = await openWatchStage()
  const { ctx, clock } = stage.world
  const base = {
    actor: RESPONDER,
    serviceId: 'upbeat',
    body: 'We are looking.',
    regions: ['eu'],
  }
  const old = await openIncident(ctx, {
    ...base,
    title: 'Search does not work',
    featureIds: ['search'],
    impact: 'major',
  })
  await confirmOutage(ctx, { actor: RESPONDER, incidentId: old.id })
  clock.advance(600_000)
  await postUpdate(ctx, { actor: RESPONDER, incidentId: old.id, state: 'resolved', body: 'Over.' })
  stage.world.setState('upload', { eu: 'down', na: 'up' }, 'partial_outage')
  stage.world.setState('feed', { eu: 'unknown', na: 'suspected' }, 'operational')
  const open = await openIncident(ctx, {
    ...base,
    title: 'Upload does not work in Europe',
    featureIds: ['upload'],
    impact: 'major',
  })
  incidentId = open.id
  const fromMs = clock.now().getTime() + 3_600_000
  const times = { scheduledForMs: fromMs, scheduledUntilMs: fromMs + 3_600_000 }
  const planned = await scheduleMaintenance(ctx, {
    ...base,
    ...times,
    title: 'New disks',
    featureIds: ['search'],
  })
  maintenanceId = planned.id
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const paths = async (): Promise<string[]> => [
  '/',
  '/s/upbeat/components',
  '/s/upbeat/components/upload',
  `/s/upbeat/incidents/${incidentId}`,
  `/s/upbeat/maintenances/${maintenanceId}`,
  '/s/upbeat/history',
  '/s/upbeat/report',
  '/s/upbeat/check',
  '/s/upbeat/subscribe',
  '/s/upbeat/incidents/missing',
  '/operate',
  new URL((await readFile(join(stage.world.ctx.config.dataDir, 'first-operator-link.txt'), 'utf8')).trim())
    .pathname,
]

test.each([
  ['on a phone', PHONE],
  ['on a desktop', DESKTOP],
])('no page has a serious barrier or is wider than the screen: %s', async (_, viewport) => {
  const page = await stage.browser.newPage({ viewport })
  const found: string[] = []
  for (const path of await paths()) {
    await page.goto(stage.url + path)
    found.push(...(await findBarriers(page, path)))
  }
  expect(found).toEqual([])
  await page.close()
})

test('the words under the bars stay below them on a phone, also the longest', async () => {
  const page = await stage.browser.newPage({ viewport: PHONE })
  await page.goto(`${stage.url}/s/upbeat/components`)
  const excess = await page
    .locator('.axis')
    .first()
    .evaluate((axis) => {
      axis.children[1]!.textContent = '99.95 % up, watched for 23 minutes'
      return axis.lastElementChild!.getBoundingClientRect().right - axis.getBoundingClientRect().right
    })
  expect(excess).toBeLessThanOrEqual(0)
  await page.close()
})

test('an open page shows a new outage by itself', async () => {
  const page = await stage.browser.newPage({ viewport: PHONE })
  await page.clock.install()
  // Its first look comes with the page: who waits for one only then may wait for the next.
  const looking = page.waitForResponse(/status\.json/)
  await page.goto(`${stage.url}/s/upbeat`)
  await (await looking).finished()
  const { ctx } = stage.world
  await openIncident(ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Video does not play',
    body: 'We are looking.',
    featureIds: ['video'],
    regions: [],
    impact: 'critical',
  })
  await page.clock.runFor(31_000)
  await page.getByRole('heading', { name: 'Video does not play' }).waitFor({ timeout: 60_000 })
  await page.close()
})

test('without scripts the status page says it all', async () => {
  const context = await stage.browser.newContext({ javaScriptEnabled: false, viewport: PHONE })
  const page = await context.newPage()
  await page.goto(`${stage.url}/s/upbeat`)
  await page.getByRole('link', { name: 'Upload does not work in Europe' }).click()
  await page.getByRole('heading', { name: 'How it went' }).waitFor()
  await context.close()
})

test('the embed shows a banner on another site, and the last known one when the watch is silent', async () => {
  const context = await stage.browser.newContext()
  const page = await context.newPage()
  // What the watch knew a day ago is no longer shown: the device has the watch's time.
  await page.clock.setFixedTime(stage.world.clock.now())
  const script = `<script type="module" src="${stage.url}/assets/embed.js" data-service="upbeat"></script>`
  await using site = await startSite(`<title>Site</title><body><h1>Site</h1>${script}`)
  await page.goto(site.url)
  const banner = page.locator('upbeat-status [role=status]')
  await banner.waitFor({ timeout: 60_000 })
  expect(await banner.innerText()).toMatch(/does not (work|play)/)
  await context.route('**/status.json', (route) => route.abort())
  await page.reload()
  await banner.waitFor({ timeout: 60_000 })
  await context.close()
})

/** A page of somebody else's. */
async function startSite(html: string) {
  const local = await serveLocally((_request, response) =>
    response.setHeader('content-type', 'text/html').end(html),
  )
  return { ...local, url: `http://localhost:${local.port}/` }
}
