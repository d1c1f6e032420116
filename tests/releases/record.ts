/**
 * Records what this release's web app and server say to each other: a real browser before a real product.
 *
 *   node tests/releases/record.ts FILE
 *
 * Done once for each release, before the next one changes anything; `replay.test.ts` holds later servers to it.
 */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import type { Page, Request } from 'playwright-core'
import { signUp, uploadFilm, waitUntilComplete } from '../support/browser-upload.ts'
import { makeClip } from '../support/clips.ts'
import { startProduct } from '../support/product.ts'
import { makeTemporaryDir } from '../support/temporary-dir.ts'
import { createScrubber, type Exchange, type Traffic } from './traffic.ts'
import { openChromium, PHONE } from '../support/chromium.ts'

/** What a server reads of a request; the rest is the browser's. */
const HEADERS = new Set([
  ...['accept', 'content-type', 'idempotency-key', 'priority', 'x-deadline-ms', 'upbeat-client'],
  ...[
    'tus-resumable',
    'upload-length',
    'upload-metadata',
    'upload-offset',
    'upload-index-offset',
    'upload-checksum',
  ],
])
const VIEWER = { handle: 'recorded_viewer', password: 'a password made for recording' }

/** Every exchange with the API, in the order of the requests. A stream has no end, so it is left out. */
function recordExchanges(page: Page): () => Promise<Exchange[]> {
  const recorded: Promise<Exchange | null>[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/api/v1/') && pathname !== '/api/v1/updates')
      recorded.push(readExchange(request))
  })
  return async () => (await Promise.all(recorded)).filter((exchange) => exchange !== null)
}

async function readExchange(request: Request): Promise<Exchange | null> {
  const response = await request.response()
  // Cut off by the page's own leaving.
  if (!response) return null
  const { pathname, search } = new URL(request.url())
  const headers = await request.allHeaders()
  const isJson = /\bjson\b/.test(response.headers()['content-type'] ?? '')
  const answer: unknown = isJson ? await response.json().catch(() => undefined) : undefined
  return {
    method: request.method(),
    path: pathname + search,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => HEADERS.has(name))),
    ...bodyOf(request, headers),
    status: response.status(),
    ...(answer !== undefined && { answer }),
  }
}

function bodyOf(request: Request, headers: Record<string, string>): Pick<Exchange, 'body'> {
  const sizeBytes = Number(headers['content-length'] ?? 0)
  const offset = headers['upload-offset'] ?? headers['upload-index-offset']
  if (offset !== undefined && sizeBytes > 0)
    return { body: { clipFrom: Number(offset), clipTo: Number(offset) + sizeBytes } }
  const text = request.postData()
  return text && headers['content-type']?.includes('json') ? { body: { json: JSON.parse(text) } } : {}
}

/** What people do here, once each. */
async function visit(page: Page, author: string, clipPath: string): Promise<void> {
  const inView = page.locator('article:not([inert])')
  const button = (name: string | RegExp) => inView.getByRole('button', { name }).first()
  await page.goto('/')
  await button(/^Like,/).waitFor()
  await page.goto('/signup')
  await page.getByLabel('Handle').fill(VIEWER.handle)
  await page.getByLabel('Password', { exact: true }).fill(VIEWER.password)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByText(`Welcome, @${VIEWER.handle}`).waitFor()
  await button(/^Like,/).click()
  await button(`Follow ${author}`).click()
  await button(/^Save/).click()
  await button(/^Comments,/).click()
  await page.getByPlaceholder('Add a comment').fill('What a morning!')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('What a morning!').waitFor()
  await page.keyboard.press('Escape')
  await button(/^Take back the like/).click()
  await page.waitForLoadState('networkidle', { timeout: 5000 }).catch(() => {})
  for (const path of ['/following', `/@${author}`, `/@${VIEWER.handle}`, '/notifications', '/settings'])
    await settle(page, path)
  await settle(page, '/search')
  await page.getByRole('searchbox').fill('recorded')
  await page.keyboard.press('Enter')
  await page.waitForTimeout(2000)
  await settle(page, '/upload')
  await page.locator('input[type=file][multiple]').setInputFiles(clipPath)
  await page.getByLabel('Caption').fill('A draft #recorded')
  await page.waitForTimeout(5000)
  await settle(page, '/settings/security')
  await page.context().clearCookies()
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(VIEWER.handle)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).last().click()
  await page.waitForTimeout(2000)
  await page.getByLabel('Password', { exact: true }).fill(VIEWER.password)
  await page.getByRole('button', { name: 'Sign in' }).last().click()
  await page.waitForTimeout(4000)
}

async function settle(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await page.waitForTimeout(2500)
}

/** Who only waits asks the same again and again: the first time tells all. */
function withoutRepeats(exchanges: readonly Exchange[]): Exchange[] {
  const seen = new Set<string>()
  return exchanges.filter((one) => {
    if (one.method !== 'GET') return seen.clear() === undefined
    const key = `${one.path} ${one.status}`
    return seen.has(key) ? false : seen.add(key)
  })
}

const [file] = process.argv.slice(2)
if (!file) throw new Error('Usage: node tests/releases/record.ts FILE')
await using dir = await makeTemporaryDir()
await using product = await startProduct({ dataDir: dir.path, env: { LOG_LEVEL: 'warn' } })
const author = await signUp(product.url)
const clipPath = await makeClip('h264')
const film = { path: clipPath, filename: 'clip.mp4', mediaType: 'video/mp4', caption: 'A clip #recorded' }
const { id } = await uploadFilm(product.url, author, film)
await waitUntilComplete(product.url, author, id)
const browser = await openChromium()
try {
  const context = await browser.newContext({
    baseURL: product.url,
    serviceWorkers: 'block',
    locale: 'en-GB',
    viewport: PHONE,
  })
  const page = await context.newPage()
  const exchangesOf = recordExchanges(page)
  await visit(page, author.handle, clipPath)
  const scrub = createScrubber()
  const traffic: Traffic = {
    release: execFileSync('git', ['describe', '--always', '--tags'], { encoding: 'utf8' }).trim(),
    authorHandle: author.handle,
    exchanges: withoutRepeats(await exchangesOf()).map((one) => scrub(one) as Exchange),
  }
  await writeFile(file, `${JSON.stringify(traffic, null, 1)}\n`)
  console.log(`${traffic.exchanges.length} exchanges of ${traffic.release}`)
} finally {
  await browser.close()
}
