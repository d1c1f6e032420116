/** The app shows what the watch sees, also while the platform does not answer. */
import { expect, test } from 'vitest'
import type { WatchStatus } from '../../contract/watch.ts'
import { serveLocally } from '../support/local-server.ts'
import { startProduct, type Product } from '../support/product.ts'
import { makeTemporaryDir } from '../support/temporary-dir.ts'
import { openChromium, PHONE } from '../support/chromium.ts'

const PATIENCE_MS = 60_000

/** What a watch answers, over real HTTP and from another origin. */
async function startWatchAnswers() {
  const said: { status: WatchStatus | null } = { status: null }
  const local = await serveLocally((_request, response) => {
    if (!said.status) return response.destroy()
    response.setHeader('access-control-allow-origin', '*').setHeader('content-type', 'application/json')
    return response.end(JSON.stringify({ ...said.status, asOf: new Date().toISOString() }))
  })
  return {
    ...local,
    url: `http://localhost:${local.port}`,
    say: (status: WatchStatus | null) => void (said.status = status),
  }
}

function makeStatus(state: 'confirmed' | 'recovering', url: string): WatchStatus {
  return {
    service: { id: 'upbeat', name: 'Upbeat', statusUrl: `${url}/s/upbeat` },
    asOf: '2026-01-01T00:00:00.000Z',
    indicator: 'major',
    description: 'Partial System Outage',
    isBlind: false,
    features: [],
    incidents: [
      {
        id: 'aaaaaaaaaaaa',
        title: 'Upload does not work',
        state,
        cause: 'unknown',
        causeProbability: 1,
        features: ['upload'],
        regions: [],
        startedAt: '2026-01-01T00:00:00.000Z',
        expectedEndAt: null,
        advice: 'Wait; what you sent is kept.',
        url: `${url}/s/upbeat/incidents/aaaaaaaaaaaa`,
      },
    ],
    maintenances: [],
  }
}

/** By its operator, as on the page for that. */
async function pauseSearch(product: Product): Promise<void> {
  const operatorToken = new URL(await product.operatorPath(), product.url).searchParams.get('token')
  const send = (path: string, body: unknown, cookie = '') =>
    fetch(`${product.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie },
      body: JSON.stringify(body),
    })
  const account = { handle: 'olive', password: 'a password of olive', operatorToken }
  const signedUp = await send('/accounts', account)
  const cookie = signedUp.headers.getSetCookie()[0]!.split(';')[0]!
  const order = { type: 'pause-feature', feature: 'search', reason: 'A drill', forS: 600 }
  const given = await send('/operations/orders', order, cookie)
  expect(given.status).toBe(200)
}

test('the banner says what the watch says, with the platform silent, and what was last known with the watch silent', async () => {
  await using dir = await makeTemporaryDir()
  await using watch = await startWatchAnswers()
  await using product = await startProduct({
    dataDir: dir.path,
    env: { LOG_LEVEL: 'warn', WATCH_URL: watch.url },
  })
  const url = product.url.replace('127.0.0.1', 'localhost')
  watch.say(makeStatus('confirmed', watch.url))
  await using stack = new AsyncDisposableStack()
  const browser = await openChromium()
  stack.defer(() => browser.close())
  const page = await browser.newPage({ viewport: PHONE, baseURL: url })

  await page.goto('/search')
  const banner = page.getByRole('status', { name: 'Outage' })
  await banner.waitFor({ timeout: PATIENCE_MS })
  expect(await banner.innerText()).toContain('Upload does not work. Wait; what you sent is kept.')
  const check = await banner.getByRole('link', { name: 'Is it me?' }).getAttribute('href')
  expect(check).toMatch(/\/s\/upbeat\/check#app=.*build/)

  await page.goto('/signin')
  await banner.waitFor({ timeout: PATIENCE_MS })
  const lastLink = page.getByRole('main').getByRole('link').last()
  const isClear = async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight))
    const [link, over] = await Promise.all([lastLink.boundingBox(), banner.boundingBox()])
    return link !== null && over !== null && link.y + link.height <= over.y
  }
  await expect.poll(isClear, { timeout: PATIENCE_MS }).toBe(true)

  await pauseSearch(product)
  await page.goto('/search?q=film')
  await page.getByRole('heading', { name: 'Search is paused' }).waitFor({ timeout: PATIENCE_MS })
  await page.getByText('Seen from outside: Upload does not work. Wait; what you sent is kept.').waitFor()

  await page.route('**/api/v1/**', (route) =>
    new URL(route.request().url()).origin === new URL(url).origin ? route.abort() : route.continue(),
  )
  watch.say(makeStatus('recovering', watch.url))
  await page.reload()
  await expect.poll(() => banner.getAttribute('class'), { timeout: PATIENCE_MS }).toContain('warn')

  watch.say(null)
  await page.reload()
  await banner.waitFor({ timeout: PATIENCE_MS })
})
