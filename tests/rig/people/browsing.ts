/** People in real Chromium: they watch, go on to the next video every few seconds, and what they miss is written down. */
import type { BrowserContext, Page } from 'playwright-core'
import { openChromium, PHONE } from '../../support/chromium.ts'

export interface Browsing extends AsyncDisposable {
  /** Begins to count anew. */
  reset(): Promise<void>
  /** Asks the pages for what they have seen since. */
  look(): Promise<Seen>
}

export interface Seen {
  readonly requests: number
  /** Answers of 500 and above but for refusals, and those that never came. */
  readonly failures: readonly string[]
  /** The longest that a video in view stood still though it should play, in milliseconds. */
  readonly stallMaxMs: number
  /** Videos that were gone on to. */
  readonly turns: number
}

const TURN_EVERY_MS = 5_000
const PATIENCE_MS = 120_000

/** Each has a browser of their own; answers when all see a video move. */
export async function startBrowsing({
  url,
  people,
}: {
  readonly url: string
  readonly people: number
}): Promise<Browsing> {
  await using stack = new AsyncDisposableStack()
  const browser = await openChromium()
  stack.defer(() => browser.close())
  let counted = { requests: 0, failures: [] as string[], turns: 0 }
  let isOver = false
  const pages: Page[] = []
  for (let n = 0; n < people; n++) {
    const context = await browser.newContext({ baseURL: url, viewport: PHONE, locale: 'en-GB' })
    countRequests(context, {
      onRequest: () => void (counted.requests += 1),
      onFailure: (what) => void counted.failures.push(what),
    })
    const page = await context.newPage()
    await page.addInitScript(WATCH_STALLS)
    await page.goto('/')
    await page.waitForFunction(
      () => [...document.querySelectorAll('video')].some((video) => !video.paused && video.currentTime > 0.2),
      undefined,
      { timeout: PATIENCE_MS },
    )
    pages.push(page)
  }
  const timer = setInterval(() => {
    for (const page of pages)
      void page.keyboard.press('ArrowDown').then(
        () => void (counted.turns += 1),
        () => {
          if (!isOver) counted.failures.push('the page is gone')
        },
      )
  }, TURN_EVERY_MS)
  stack.defer(() => {
    isOver = true
    clearInterval(timer)
  })
  const parts = stack.move()
  return {
    async reset() {
      counted = { requests: 0, failures: [], turns: 0 }
      await Promise.all(pages.map((page) => page.evaluate('globalThis.longestStall = 0')))
    },
    async look() {
      const stalls = await Promise.all(pages.map((page) => page.evaluate('globalThis.longestStall')))
      return { ...counted, stallMaxMs: Math.round(Math.max(...(stalls as number[]))) }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

interface Ears {
  readonly onRequest: () => void
  readonly onFailure: (what: string) => void
}

function countRequests(context: BrowserContext, { onRequest, onFailure }: Ears): void {
  context.on('request', onRequest)
  context.on('response', (response) => {
    const status = response.status()
    if (status >= 500 && status !== 503) onFailure(`${status} ${new URL(response.url()).pathname}`)
  })
  context.on('requestfailed', (request) => {
    const error = request.failure()?.errorText ?? 'unknown'
    // The page changed its mind: it went on, and needs this no more.
    if (error !== 'net::ERR_ABORTED') onFailure(`${error} ${new URL(request.url()).pathname}`)
  })
}

/** Runs in the page, and keeps `longestStall`, in milliseconds: the clock of each video that should move is looked at ten times a second. */
export const WATCH_STALLS = `
  globalThis.longestStall = 0
  const last = new WeakMap()
  setInterval(() => {
    const now = performance.now()
    for (const video of document.querySelectorAll('video')) {
      const isDue = !video.paused && !video.ended
      const known = last.get(video)
      if (!isDue || !known || known.time !== video.currentTime) {
        last.set(video, isDue ? { time: video.currentTime, atMs: now } : undefined)
        continue
      }
      globalThis.longestStall = Math.max(globalThis.longestStall, now - known.atMs)
    }
  }, 100)
`
