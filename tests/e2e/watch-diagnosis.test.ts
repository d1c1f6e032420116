/** "Is it down, or is it me?" in a real browser, with the faults it is there to tell apart. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import { NOW } from '../../watch/pages/view.fixtures.ts'
import { PHONE } from '../support/chromium.ts'
import { openWatchStage, type Mode, type WatchStage } from './support/watch-stage.ts'

/** An address in Germany, as the shipped tables know it: the region is Europe. */
const HOME = '88.198.0.1'
const PATIENCE_MS = 60_000

let stage: WatchStage
beforeAll(async () => void (stage = await openWatchStage()))
afterAll(() => stage?.[Symbol.asyncDispose]())
afterEach(() => {
  stage.target.mode = 'ok'
  stage.beacon.mode = 'ok'
  for (const { id } of stage.world.ctx.catalog.find('upbeat')!.features)
    stage.world.setState(id, { eu: 'up', na: 'up' }, 'operational')
})

interface Situation {
  readonly target?: Mode
  readonly beacon?: Mode
  /** What the app handed over. */
  readonly app?: Record<string, unknown>
  /** What happens to the browser between opening the page and the check. */
  readonly before?: (context: BrowserContext, page: Page) => Promise<unknown>
  readonly outage?: { readonly eu: 'up' | 'down'; readonly na: 'up' | 'down' }
  /** The device's clock is wrong by this much. @default 0 */
  readonly clockOffMs?: number
}

async function checkIn(situation: Situation): Promise<{ code: string; text: string }> {
  const { target = 'ok', beacon = 'ok', app, before, outage, clockOffMs = 0 } = situation
  stage.target.mode = target
  stage.beacon.mode = beacon
  if (outage)
    for (const { id } of stage.world.ctx.catalog.find('upbeat')!.features)
      stage.world.setState(id, outage, outage.na === 'down' ? 'major_outage' : 'partial_outage')
  stage.world.clock.advance(2_000)
  const context = await stage.browser.newContext({ viewport: PHONE })
  await context.route(`${stage.url}/**`, (route) =>
    route.continue({ headers: { ...route.request().headers(), 'x-forwarded-for': HOME } }),
  )
  try {
    const page = await context.newPage()
    await page.clock.setFixedTime(new Date(stage.world.clock.now().getTime() + clockOffMs))
    const hash = app ? `#app=${encodeURIComponent(JSON.stringify(app))}` : ''
    await page.goto(`${stage.url}/s/upbeat/check${hash}`)
    await page.getByRole('button', { name: 'Start the check' }).waitFor()
    await before?.(context, page)
    await page.getByRole('button', { name: 'Start the check' }).click()
    const verdict = page.locator('#check-verdict')
    await verdict.waitFor({ timeout: PATIENCE_MS })
    return { code: (await verdict.getAttribute('data-code'))!, text: await verdict.innerText() }
  } finally {
    await context.close()
  }
}

const APP = { build: 'b2', isFromWorker: true, dataAgeS: 2, isSignedIn: true }

test.each<[string, Situation, string]>([
  ['nothing is wrong', { app: APP }, 'nothing-wrong'],
  ['the browser is offline', { before: (context) => context.setOffline(true) }, 'offline'],
  ['the service is blocked for this browser alone', { target: 'down' }, 'only-you'],
  ['a stored copy of an older build', { app: { ...APP, build: 'b1' } }, 'stale-page'],
  ['an older build', { app: { ...APP, build: 'b1', isFromWorker: false } }, 'old-version'],
  ['a portal answers in our place', { beacon: 'portal' }, 'portal'],
  ['the service is down for all', { target: 'down', outage: { eu: 'down', na: 'down' } }, 'down-for-others'],
  [
    'the service is down in this region',
    { target: 'down', outage: { eu: 'down', na: 'up' } },
    'down-near-you',
  ],
  ['it answers, and fails for all', { outage: { eu: 'down', na: 'down' } }, 'feature-fails'],
  ['nobody is signed in', { app: { ...APP, isSignedIn: false } }, 'signed-out'],
  ['only the watch is reached', { target: 'down', beacon: 'down' }, 'only-watch-reachable'],
  ['the clock is an hour ahead', { clockOffMs: 3_600_000 }, 'clock-wrong'],
])('%s', async (_, situation, code) => {
  const verdict = await checkIn(situation)
  expect(verdict.code, verdict.text).toBe(code)
  expect(verdict.text).toContain('How sure')
})

test('a slow line is called slow', async () => {
  const slowly = async (_context: BrowserContext, page: Page) => {
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 2_000,
      downloadThroughput: 20_000,
      uploadThroughput: 20_000,
    })
  }
  expect((await checkIn({ before: slowly, beacon: 'slow' })).code).toBe('weak-link')
})

test('the result goes along to the report, where it can be read and taken out', async () => {
  const context = await stage.browser.newContext({ viewport: PHONE })
  const page = await context.newPage()
  await page.clock.setFixedTime(NOW)
  await page.goto(`${stage.url}/s/upbeat/check`)
  await page.getByRole('button', { name: 'Start the check' }).click()
  await page.getByRole('link', { name: 'Report a problem with this result' }).click({ timeout: PATIENCE_MS })
  const field = page.getByLabel('Result of “Is it down, or is it me?”')
  await expect.poll(() => field.inputValue()).toContain('The service answered 3 of 3 tries.')
  await page.getByLabel('Upload').check()
  await page.getByRole('button', { name: 'On a phone' }).click()
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()
  const row = stage.world.ctx.store.get<{ diagnosis: string }>('select diagnosis from report limit 1')
  expect(row!.diagnosis).toContain('not tested')
  await context.close()
})

test('a person behind a crowded address proves some work without noticing', async () => {
  const context = await stage.browser.newContext({ viewport: PHONE })
  const send = (i: number) =>
    fetch(`${stage.url}/api/v1/services/upbeat/reports`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': `Mozilla/5.0 (${i})`,
        'x-forwarded-for': '192.0.2.9',
      },
      body: JSON.stringify({ feature: 'feed' }),
    })
  const statuses = []
  for (let i = 0; i < 12; i++) statuses.push((await send(i)).status)
  expect(statuses.at(-1)).toBe(428)
  await context.route(`${stage.url}/**`, (route) =>
    route.continue({ headers: { ...route.request().headers(), 'x-forwarded-for': '192.0.2.9' } }),
  )
  const page = await context.newPage()
  await page.goto(`${stage.url}/s/upbeat/report?on=feed`)
  await page.getByRole('button', { name: 'On a phone' }).click()
  await page.getByRole('heading', { name: /Thank you|counted already/ }).waitFor({ timeout: PATIENCE_MS })
  await context.close()
})
