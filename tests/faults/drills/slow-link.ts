/**
 * Somebody watches over a line of 300 kb/s that loses one packet in twenty, and that is silent for a while: what they see gets
 * smaller, the app goes on, and nobody is told that the service is down. Then the line is good again.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import type { CommentPage } from '../../../contract/social.ts'
import type { VideoCard } from '../../../contract/videos.ts'
import { signUp, type Person } from '../../support/browser-upload.ts'
import { openChromium, PHONE } from '../../support/chromium.ts'
import { startFaultProxy } from '../../support/fault-proxy.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { eventually } from '../../rig/eventually.ts'
import { publishVideos } from '../../rig/people/publishing.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'

const SLOW = { bitrateBps: 300_000, latencyMs: 75, lossShare: 0.05 }
const GOOD = { bitrateBps: 20_000_000, latencyMs: 10 }
const VIDEOS = 8
const TURNS = 3
/** From the address to a picture that moves, with an empty cache; and from a swipe. */
const OPENS_WITHIN_MS = 20_000
const GOES_ON_WITHIN_MS = 15_000
const SILENT_MS = 10_000
const KEPT_WITHIN_MS = 15_000
const AGAIN_MS = 5_000
const WATCHED_MS = 20_000
/** Of the time in which a video should move: the smallest size asks for half as much again as the line carries. */
const MOVING_SHARE_MIN = 0.4
const SMALLEST_PX = 360

export async function run(report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const product = stack.use(await startProduct({ dataDir: join(dir.path, 'data') }))
  await publishVideos(product.url, VIDEOS, 'h264Portrait720')
  const person = await signUp(product.url)
  const port = Number(new URL(product.url).port)
  const line = stack.use(await startFaultProxy({ targetPort: port, up: SLOW, down: SLOW }))
  const browser = await openChromium()
  stack.defer(() => browser.close())
  const baseURL = `http://localhost:${line.port}`
  const context = await browser.newContext({
    baseURL,
    viewport: PHONE,
    deviceScaleFactor: 2,
    locale: 'en-GB',
  })
  const [name, value] = person.cookie.split(/=(.*)/s) as [string, string]
  await context.addCookies([{ name, value, url: baseURL, httpOnly: true, sameSite: 'Lax' }])
  const page = await context.newPage()
  const accusations = noteAccusations(page)

  await promiseWatching(report, page)
  await promiseKept(report, page, { url: product.url, person })
  line.freeze()
  await sleep(SILENT_MS)
  line.thaw()
  const thawedMs = performance.now()
  // From the network, not from what was in store.
  const fresh = page
    .waitForResponse((response) => response.url().includes('.m4s') && response.ok(), {
      timeout: allowedMs(GOES_ON_WITHIN_MS),
    })
    .then(
      () => true,
      () => false,
    )
  await page.keyboard.press('ArrowDown')
  const isBack = (await fresh) && (await untilMoving(page, GOES_ON_WITHIN_MS))
  report.promise(
    `after ${SILENT_MS / 1_000} s of silence the next video plays without a touch more`,
    isBack,
    secondsSince(thawedMs),
  )
  const accused = await accusations()
  report.promise('nobody is told that the service is down', accused.length === 0, accused.join(', '))

  line.setFaults({ up: GOOD, down: GOOD })
  const sharper = await eventually(allowedMs(KEPT_WITHIN_MS), async () => {
    await page.keyboard.press('ArrowDown')
    await sleep(2_000)
    const px = await shortEdgePx(page)
    return px !== null && px > SMALLEST_PX && px
  })
  report.promise('on a good line it is sharp again', sharper !== null, `${sharper} px`)
}

async function promiseWatching(report: Report, page: Page): Promise<void> {
  const beganMs = performance.now()
  await page.goto('/', { waitUntil: 'commit' })
  const hasOpened = await untilMoving(page, OPENS_WITHIN_MS)
  report.promise(
    `the app opens with an empty cache, and a video moves, within ${OPENS_WITHIN_MS / 1_000} s`,
    hasOpened,
    secondsSince(beganMs),
  )
  const waits: string[] = []
  let isEachMoving = true
  for (let turn = 0; turn < TURNS; turn++) {
    const turnedMs = performance.now()
    await page.keyboard.press('ArrowDown')
    isEachMoving &&= await untilMoving(page, GOES_ON_WITHIN_MS)
    waits.push(secondsSince(turnedMs))
    await sleep(3_000)
  }
  report.promise('each of the next videos plays', isEachMoving, waits.join(', '))
  const { share, px } = await watch(page)
  report.promise(
    'the smallest size is what is played, and it moves most of the time',
    px === SMALLEST_PX && share >= MOVING_SHARE_MIN,
    `${px} px, ${(share * 100).toFixed(0)} % of ${WATCHED_MS / 1_000} s`,
  )
}

/** A like and a comment, asked for over the line, and looked for without it. */
async function promiseKept(
  report: Report,
  page: Page,
  { url, person }: { url: string; person: Person },
): Promise<void> {
  const video = page.locator('article:not([inert])')
  const beganMs = performance.now()
  await video.getByRole('button', { name: /^Like,/ }).click()
  await video.getByRole('button', { name: /^Comments,/ }).click()
  const field = page.getByPlaceholder('Add a comment')
  await field.fill('From far away')
  await field.press('Control+Enter')
  const isKept = async () => {
    const liked = await readAs<{ items: VideoCard[] }>(url, person, '/me/liked')
    const id = liked.items[0]?.id
    if (liked.items.length !== 1 || !id) return false
    const { items } = await readAs<CommentPage>(url, person, `/videos/${id}/comments`)
    return items.length === 1 && items[0]!.body === 'From far away'
  }
  const kept = await eventually(allowedMs(KEPT_WITHIN_MS), isKept)
  const took = secondsSince(beganMs)
  await page.keyboard.press('Escape')
  // Whatever was sent again would be there by then.
  await sleep(AGAIN_MS)
  report.promise('a like and a comment arrive, once', kept !== null && (await isKept()), took)
}

async function readAs<T>(url: string, { cookie }: Person, path: string): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, { headers: { cookie } })
  return (await response.json()) as T
}

/** Whether a video moves before so long; who goes on stops the one before at once. */
const untilMoving = (page: Page, withinMs: number): Promise<boolean> =>
  page
    .waitForFunction(
      () => {
        const videos = [...document.querySelectorAll('video')]
        return videos.some((video) => !video.paused && video.currentTime > 0.2 && video.readyState > 2)
      },
      undefined,
      { timeout: allowedMs(withinMs) },
    )
    .then(
      () => true,
      () => false,
    )

const shortEdgePx = (page: Page): Promise<number | null> =>
  page.evaluate(() => {
    const moving = [...document.querySelectorAll('video')].find((video) => !video.paused && video.videoWidth)
    return moving ? Math.min(moving.videoWidth, moving.videoHeight) : null
  })

/** What part of the time it moved, and how large it was at the end. */
async function watch(page: Page): Promise<{ share: number; px: number | null }> {
  const share = await page.evaluate(async (watchedMs) => {
    let moved = 0
    let looks = 0
    let before = -1
    for (const endMs = performance.now() + watchedMs; performance.now() < endMs; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const now = [...document.querySelectorAll('video')].find((video) => !video.paused)?.currentTime ?? -1
      if (now !== before && now >= 0) moved++
      before = now
    }
    return moved / looks
  }, WATCHED_MS)
  return { share, px: await shortEdgePx(page) }
}

/** Words that lay it at the service's door, as long as the page lives. */
function noteAccusations(page: Page): () => Promise<readonly string[]> {
  const words = ['Our server stumbled', 'server doesn’t answer', 'On our side', 'isn’t your side']
  void page.addInitScript((sought) => {
    const found = ((globalThis as { accusations?: string[] }).accusations = [] as string[])
    setInterval(() => {
      const text = document.body?.innerText ?? ''
      for (const word of sought) if (text.includes(word) && !found.includes(word)) found.push(word)
    }, 500)
  }, words)
  return () => page.evaluate(() => (globalThis as { accusations?: string[] }).accusations ?? [])
}
