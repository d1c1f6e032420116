/**
 * One address of an instance fails: its certificate expires while somebody watches; later its name is not found, or leads
 * to somebody else's server. App, API and player go on by another address.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import type { VideoCard } from '../../../contract/videos.ts'
import { signUp, type Person } from '../../support/browser-upload.ts'
import { CHROMIUM, PHONE } from '../../support/chromium.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { eventually } from '../../rig/eventually.ts'
import { WATCH_STALLS } from '../../rig/people/browsing.ts'
import { publishVideos } from '../../rig/people/publishing.ts'
import { makeCertificate, openTlsFront, type Certificate } from '../injecting/tls-front.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'

const OWN = 'own.upbeat.test'
const OTHER = 'other.upbeat.test'
const STALL_MAX_MS = 2_000
const TURNS = 3
const TURN_MS = 4_000
const SHOWN_WITHIN_MS = 15_000
const BACK_WITHIN_MS = 40_000

export async function run(report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const [good, expired, other, strange] = await Promise.all([
    makeCertificate(dir.path, OWN, 2),
    makeCertificate(dir.path, OWN, -1),
    makeCertificate(dir.path, OTHER, 2),
    makeCertificate(dir.path, 'strange.test', 2),
  ])
  let target = ''
  const own = stack.use(await openTlsFront(() => target, good))
  const byOther = stack.use(await openTlsFront(() => target, other))
  const stranger = stack.use(await openTlsFront(() => target, strange))
  const ownUrl = `https://${OWN}:${own.port}`
  const otherHost = `${OTHER}:${byOther.port}`
  const product = stack.use(
    await startProduct({
      dataDir: join(dir.path, 'data'),
      env: { OTHER_URLS: `${ownUrl},https://${otherHost}`, TRUSTED_PROXIES: '127.0.0.1' },
    }),
  )
  target = product.url
  await publishVideos(product.url, TURNS + 2)
  const person = await signUp(product.url)
  const open = (rules: string) =>
    openBrowser({ dir: join(dir.path, 'browser'), ownUrl, rules, trusted: [good, other], person })

  {
    await using browser = await open(`MAP ${OWN} 127.0.0.1`)
    const { page } = browser
    await page.goto('/')
    await untilMoving(page)
    const isReady = await eventually(allowedMs(30_000), () => knowsAnother(page))
    report.promise('the app has heard of the other address', isReady !== null)
    own.show(expired)
    await goesOn(report, page, { fault: 'its certificate has expired', otherHost })
    const liked = await likeInView(page)
    own.show(good)
    const beganMs = performance.now()
    const isGone = await eventually(
      allowedMs(BACK_WITHIN_MS),
      async () => (await bannersOf(page)).length === 0,
    )
    report.promise('the address is back: the app goes by it again', isGone !== null, secondsSince(beganMs))
    const isLiked = await eventually(allowedMs(BACK_WITHIN_MS), async () =>
      (await listLiked(product.url, person)).includes(liked),
    )
    report.promise('what was liked meanwhile is liked', isLiked !== null, secondsSince(beganMs))
  }
  for (const [fault, rule] of [
    ['its name is not found', `MAP ${OWN} ~NOTFOUND`],
    ['its name leads to somebody else’s server', `MAP ${OWN}:${own.port} 127.0.0.1:${stranger.port}`],
  ] as const) {
    await using browser = await open(rule)
    await browser.page.goto('/')
    await goesOn(report, browser.page, { fault, otherHost })
  }
}

interface Fault {
  readonly fault: string
  readonly otherHost: string
}

async function goesOn(report: Report, page: Page, { fault, otherHost }: Fault): Promise<void> {
  const hasBegun = await untilMoving(page).then(
    () => true,
    () => false,
  )
  await page.evaluate('globalThis.longestStall = 0')
  const before = await nameInView(page)
  for (let turn = 0; hasBegun && turn < TURNS; turn++) {
    await page.keyboard.press('ArrowDown')
    await sleep(TURN_MS)
  }
  const stallMs = Math.round(Number(await page.evaluate('globalThis.longestStall')))
  const isMoving = await untilMoving(page).then(
    () => true,
    () => false,
  )
  const after = await nameInView(page)
  report.promise(
    `${fault}: videos go on, the next ones too, and nothing stands still for ${STALL_MAX_MS / 1_000} s`,
    hasBegun && isMoving && after !== before && stallMs <= STALL_MAX_MS,
    hasBegun ? `${stallMs} ms at the longest; from “${before}” to “${after}”` : 'no video began',
  )
  const words = await eventually(allowedMs(SHOWN_WITHIN_MS), async () =>
    (await bannersOf(page)).find((text) => text.includes(otherHost)),
  )
  report.promise(`${fault}: the app says so, and by which address it is used`, words !== null, words ?? '')
}

const nameInView = async (page: Page): Promise<string> =>
  (await page.locator('article:not([inert])').first().innerText()).replaceAll('\n', ' ')

const bannersOf = (page: Page): Promise<string[]> =>
  page.getByRole('status', { name: 'Another way' }).allInnerTexts()

/** The worker is there, and has heard of the other address. */
const knowsAnother = (page: Page): Promise<boolean> =>
  page.evaluate(
    async () =>
      navigator.serviceWorker.controller !== null &&
      ((await (await caches.match('/', { cacheName: 'upbeat-addresses' }))?.json()) ?? []).length > 0,
  )

async function likeInView(page: Page): Promise<string> {
  const [answer] = await Promise.all([
    page.waitForRequest((request) => request.method() === 'PUT' && request.url().endsWith('/like')),
    page
      .locator('article:not([inert])')
      .getByRole('button', { name: /^Like,/ })
      .click(),
  ])
  return /videos\/([^/]+)\/like/.exec(answer.url())![1]!
}

async function listLiked(url: string, person: Person): Promise<string[]> {
  const response = await fetch(`${url}/api/v1/me/liked`, { headers: { cookie: person.cookie } })
  return ((await response.json()) as { items: VideoCard[] }).items.map(({ id }) => id)
}

const untilMoving = (page: Page): Promise<unknown> =>
  page.waitForFunction(
    () => [...document.querySelectorAll('video')].some((video) => !video.paused && video.currentTime > 0.2),
    undefined,
    { timeout: allowedMs(30_000) },
  )

interface BrowserOptions {
  readonly dir: string
  readonly ownUrl: string
  /** Of Chromium's resolver. */
  readonly rules: string
  readonly trusted: readonly Certificate[]
  readonly person: Person
}

/** The same person's browser each time: what it keeps is kept. */
async function openBrowser({ dir, ownUrl, rules, trusted, person }: BrowserOptions) {
  const fingerprints = trusted.map(({ fingerprint }) => fingerprint).join(',')
  const context: BrowserContext = await chromium.launchPersistentContext(dir, {
    executablePath: CHROMIUM.executablePath,
    args: [
      ...CHROMIUM.args,
      `--host-resolver-rules=${rules}, MAP ${OTHER} 127.0.0.1`,
      `--ignore-certificate-errors-spki-list=${fingerprints}`,
    ],
    baseURL: ownUrl,
    viewport: PHONE,
    locale: 'en-GB',
  })
  const [name, value] = person.cookie.split(/=(.*)/s) as [string, string]
  await context.addCookies([{ name, value, url: ownUrl, httpOnly: true, secure: true, sameSite: 'Lax' }])
  const page = await context.newPage()
  await page.addInitScript(WATCH_STALLS)
  return { page, [Symbol.asyncDispose]: () => context.close() }
}
