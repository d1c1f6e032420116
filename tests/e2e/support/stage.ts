/** A whole product and a real Chromium before it, for the tests of one file; between them a network that can fail. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import {
  signUp,
  uploadFilm,
  waitUntilComplete,
  type Film,
  type Person,
} from '../../support/browser-upload.ts'
import { makeClip, type ClipName } from '../../support/clips.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { openChromium, PHONE } from '../../support/chromium.ts'

const PICTURES_DIR = join(import.meta.dirname, '..', '..', '..', '.cache', 'e2e')
/** What a page waits for at most: a busy machine must not fail a test. */
const PATIENCE_MS = 60_000

export interface Stage extends AsyncDisposable {
  /** The product's address, by way of the network that can fail. */
  readonly url: string
  /** The same without that network: for what a test prepares. */
  readonly directUrl: string
  readonly product: Product
  readonly network: FaultProxy
  readonly browser: Browser
  /** A browser of its own until the test ends: no cookies, no cache, nothing stored. */
  visitor(options?: VisitorOptions): Promise<Visitor>
  /** A new account that has one published video of this clip. */
  author(clip?: ClipName, caption?: string): Promise<Author>
}

export interface VisitorOptions {
  /** Signed in as this account; null: signed out. @default null */
  readonly as?: Person | null
  /** @default a phone's */
  readonly viewport?: { readonly width: number; readonly height: number }
  /** @default 'allow' */
  readonly serviceWorkers?: 'allow' | 'block'
}

export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
}

export interface Author extends Person {
  readonly videoId: string
}

/** Starts everything; `await using`, or close it in `afterAll`. */
export async function openStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const product = stack.use(
    await startProduct({ dataDir: dir.path, env: { LOG_LEVEL: 'warn', ...settings } }),
  )
  const port = Number(new URL(product.url).port)
  const network = stack.use(await startFaultProxy({ targetPort: port }))
  const browser = await openChromium()
  stack.defer(() => browser.close())
  const url = `http://localhost:${network.port}`
  const directUrl = `http://127.0.0.1:${port}`
  const parts = stack.move()
  return {
    url,
    directUrl,
    product,
    network,
    browser,
    async visitor({ as = null, viewport = PHONE, serviceWorkers = 'allow' } = {}) {
      const context = await browser.newContext({ baseURL: url, viewport, serviceWorkers, locale: 'en-GB' })
      context.on('page', (page) => keepOffline(context, page))
      context.setDefaultTimeout(PATIENCE_MS)
      if (as) await context.addCookies([cookieOf(as, url)])
      onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail') await keepPictures(context, task.name)
        // Its videos would play on beside the tests that follow.
        await context.close()
      })
      return { context, page: await context.newPage() }
    },
    async author(clip = 'h264', caption = 'A clip') {
      const person = await signUp(directUrl)
      return { ...person, videoId: await publish(directUrl, person, clip, caption) }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function publish(url: string, person: Person, clip: ClipName, caption: string): Promise<string> {
  const film: Film = { path: await makeClip(clip), filename: 'clip.mp4', mediaType: 'video/mp4', caption }
  const { id, videoId } = await uploadFilm(url, person, film)
  await waitUntilComplete(url, person, id)
  return videoId
}

/** What was to be seen when a test failed. */
async function keepPictures(context: BrowserContext, testName: string): Promise<void> {
  const name = testName.replaceAll(/\W+/g, '-').slice(0, 80)
  for (const page of context.pages()) {
    const path = join(PICTURES_DIR, `${name}-${randomUUID().slice(0, 4)}.png`)
    await page.screenshot({ path, timeout: 5_000 }).then(
      () => console.error(`The page at ${page.url()} looked like ${path}`),
      () => {},
    )
  }
}

function cookieOf(person: Person, url: string) {
  const [name, ...value] = person.cookie.split('=')
  return { name: name!, value: value.join('='), url, httpOnly: true, sameSite: 'Lax' as const }
}

/** The video in view: the others are there too, but nobody can get into them. */
export const inView = (page: Page): Locator => page.locator('article:not([inert])')

/** Waits until a video on the page truly moves: its clock runs, and frames were shown. */
export async function untilPlaying(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('video')].some(
      (video) =>
        !video.paused &&
        video.currentTime > 0.2 &&
        video.getVideoPlaybackQuality().totalVideoFrames > 3 &&
        getComputedStyle(video).opacity !== '0',
    ),
  )
}

/** Waits until no video on the page moves. */
export async function untilStill(page: Page): Promise<void> {
  await page.waitForFunction(() => [...document.querySelectorAll('video')].every((video) => video.paused))
}

/** Takes the network away, as a tunnel does: the browser knows, and nothing gets through to the worker either. */
/** Whose device has no network now. */
const offline = new WeakSet<BrowserContext>()

export async function goOffline(stage: Stage, context: BrowserContext): Promise<void> {
  stage.network.refuse()
  stage.network.reset()
  offline.add(context)
  await context.setOffline(true)
}

export async function goOnline(stage: Stage, context: BrowserContext): Promise<void> {
  stage.network.admit()
  offline.delete(context)
  await context.setOffline(false)
}

/** Chromium 150 forgets with each document that it was told of no network; it listens when that is news. */
function keepOffline(context: BrowserContext, page: Page): void {
  page.on('domcontentloaded', () => {
    const remind = async () => {
      if (!offline.has(context) || !(await page.evaluate(() => navigator.onLine))) return
      await context.setOffline(false)
      if (offline.has(context)) await context.setOffline(true)
    }
    // The page may be gone again by now.
    remind().catch(() => null)
  })
}

/** JSON of the API, as this person gets it. */
export async function readAs<T>(stage: Stage, person: Person | null, path: string): Promise<T> {
  const response = await fetch(`${stage.directUrl}/api/v1${path}`, {
    headers: person ? { cookie: person.cookie } : {},
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
