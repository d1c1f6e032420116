/** A real Chromium that watches: when frames come, what was fetched before the first, and swipes by a finger. */
import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core'

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
]
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
const FRAME_TIMEOUT_MS = 30_000
/** Longer than a snap takes. */
const SNAP_MS = 500

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGS })

/** What the page notes, by its own clock, which begins with the navigation. */
interface Noted {
  /** The second frame of the first video that plays: it moves. */
  firstMovingMs: number | null
  /** The first frame of each video that begins to play. */
  readonly starts: { readonly atMs: number; readonly element: number }[]
  /** Fingers lifted. */
  readonly liftsMs: number[]
}

/** Runs in the page before anything else. */
function noteFrames(): void {
  const noted: Noted = { firstMovingMs: null, starts: [], liftsMs: [] }
  Object.assign(globalThis, { noted })
  const known = new Map<HTMLVideoElement, number>()
  let playing = -1
  const watch = (video: HTMLVideoElement) => {
    if (known.has(video)) return
    const element = known.size
    known.set(video, element)
    let frames = 0
    const onFrame = () => {
      if (!video.paused) {
        frames += 1
        if (playing !== element) noted.starts.push({ atMs: performance.now(), element: (playing = element) })
        if (frames === 2) noted.firstMovingMs ??= performance.now()
      }
      video.requestVideoFrameCallback(onFrame)
    }
    video.requestVideoFrameCallback(onFrame)
  }
  new MutationObserver(() => document.querySelectorAll('video').forEach(watch)).observe(document, {
    childList: true,
    subtree: true,
  })
  const options = { capture: true, passive: true }
  addEventListener('touchend', (event) => noted.liftsMs.push(event.timeStamp), options)
}

declare global {
  var noted: Noted
}

export interface ColdStart {
  readonly firstMovingMs: number
  /** Of all scripts that had arrived before the first moving frame, compressed by gzip; the player is among them. */
  readonly scriptGzipBytes: number
  readonly scriptCount: number
  /** Everything that had arrived by then. */
  readonly transferredBytes: number
  readonly requests: readonly { readonly url: string; readonly endMs: number; readonly sizeBytes: number }[]
}

export interface Watching extends AsyncDisposable {
  readonly page: Page
  readonly start: ColdStart
}

/** Opens the address in a browser profile of its own, empty, and waits for the first moving frame. */
export async function watchCold(browser: Browser, url: string): Promise<Watching> {
  const context: BrowserContext = await browser.newContext({ ...PHONE, locale: 'en-GB' })
  try {
    const page = await context.newPage()
    await page.addInitScript(noteFrames)
    const log = await logRequests(await context.newCDPSession(page))
    await page.goto(url, { waitUntil: 'commit' })
    const firstMovingMs = await page
      .waitForFunction(() => globalThis.noted.firstMovingMs, null, {
        timeout: FRAME_TIMEOUT_MS,
        polling: 100,
      })
      .then((handle) => handle.jsonValue() as Promise<number>)
    const start = await log.before(firstMovingMs)
    return { page, start, [Symbol.asyncDispose]: () => context.close() }
  } catch (error) {
    await context.close()
    throw error
  }
}

/** The network's log: by the browser, so that what a worker or the cache answers is told apart. */
async function logRequests(session: CDPSession) {
  await session.send('Network.enable', { maxTotalBufferSize: 50_000_000, maxResourceBufferSize: 10_000_000 })
  const open = new Map<string, { url: string; type: string }>()
  const done: { id: string; url: string; type: string; atS: number; sizeBytes: number }[] = []
  let originS: number | null = null
  session.on('Network.requestWillBeSent', ({ requestId, request, type, timestamp }) => {
    if (type === 'Document') originS ??= timestamp
    open.set(requestId, { url: request.url, type: type ?? 'Other' })
  })
  session.on('Network.loadingFinished', ({ requestId, timestamp, encodedDataLength }) => {
    const request = open.get(requestId)
    if (request) done.push({ ...request, id: requestId, atS: timestamp, sizeBytes: encodedDataLength })
  })
  return {
    async before(untilMs: number): Promise<ColdStart> {
      const early = done.filter(({ atS }) => (atS - originS!) * 1000 <= untilMs)
      const scripts = early.filter(({ type }) => type === 'Script')
      const sizes = await Promise.all(
        scripts.map(async ({ id }) => {
          const { body, base64Encoded } = await session.send('Network.getResponseBody', { requestId: id })
          return gzipSync(Buffer.from(body, base64Encoded ? 'base64' : 'utf8'), { level: 9 }).length
        }),
      )
      return {
        firstMovingMs: untilMs,
        scriptGzipBytes: sizes.reduce((sum, size) => sum + size, 0),
        scriptCount: scripts.length,
        transferredBytes: early.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        requests: early.map(({ url, atS, sizeBytes }) => ({
          url,
          sizeBytes,
          endMs: (atS - originS!) * 1000,
        })),
      }
    },
  }
}

export interface SwipeOptions {
  readonly count: number
  /** From the first frame of a video to the next swipe. */
  readonly watchMs: number
}

/** Swipes from video to video; answers, for each, the time from the lifted finger to the next video's first frame. */
export async function swipeThrough(page: Page, { count, watchMs }: SwipeOptions): Promise<number[]> {
  const session = await page.context().newCDPSession(page)
  const latenciesMs: number[] = []
  while (latenciesMs.length < count) {
    await sleep(watchMs)
    const before = await page.evaluate(() => globalThis.noted.starts.length)
    const isMoved = await swipeUp(page, session)
    // Too limp a flick, as a busy machine makes one, snaps back: a person swipes again.
    if (!isMoved) continue
    const latencyMs = await page
      .waitForFunction(
        (startCount) => {
          const { starts, liftsMs } = globalThis.noted
          const start = starts[startCount]
          // A finger that lingers has the next video play before it is lifted.
          return start && { ms: Math.max(0, start.atMs - liftsMs.at(-1)!) }
        },
        before,
        { timeout: FRAME_TIMEOUT_MS, polling: 30 },
      )
      .then((handle) => handle.jsonValue())
    latenciesMs.push((latencyMs as { ms: number }).ms)
  }
  return latenciesMs
}

/** A flick of a thumb: 400 px in 100 ms. Tells whether another video is in view once the page lies still. */
async function swipeUp(page: Page, session: CDPSession): Promise<boolean> {
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) =>
    session.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x: 195, y }] })
  const inView = () =>
    page.evaluate(() => document.querySelector('article:not([inert])')?.getAttribute('aria-posinset'))
  const before = await inView()
  await touch('touchStart', 640)
  for (let step = 1; step <= 6; step++) {
    await sleep(16)
    await touch('touchMove', 640 - step * 66)
  }
  await touch('touchEnd')
  await sleep(SNAP_MS)
  return (await inView()) !== before
}
