/**
 * Somebody in a real Chromium who signs in, scrolls, likes and uploads, again and again: first on a device that is new in their
 * network, then on that device, which is known by now. Whatever disturbs them is kept in words.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { BrowserContext, Page } from 'playwright-core'
import type { Receipt } from '../../../contract/uploads.ts'
import { eventually } from '../eventually.ts'
import { signUp } from '../../support/browser-upload.ts'
import { openChromium, PHONE } from '../../support/chromium.ts'

const PATIENCE_MS = 60_000
const POLL_MS = 250
const BUSY_PAUSE_MS = 2_000
const VIDEOS_SCROLLED = 3
/** Longer, and a person notices. */
const STALL_MS = 2_000
const WORDS_WAIT_MS = 5_000
const WORDS_TOLD = 300
/** How the proof of work is asked for: the app does it by itself. */
const WORK_NEEDED = 428
const LIKE = /^\/api\/v1\/videos\/[^/]+\/like$/

export interface BrowsingRound {
  readonly isNewDevice: boolean
  readonly signedInMs: number
  readonly scrolledMs: number
  /** Until the server has kept it. */
  readonly likedMs: number
  /** Until everyone can watch it. */
  readonly uploadedMs: number
}

export interface Browsing extends AsyncDisposable {
  /** Whole rounds so far; it grows. */
  readonly rounds: readonly BrowsingRound[]
  /** What went wrong before their eyes, in words; it grows. */
  readonly disturbances: readonly string[]
  /** What the app was refused and got over by itself, in words; it grows. */
  readonly refusals: readonly string[]
  /** Lets the round that is under way come to its end. */
  stop(): Promise<void>
}

/** Begins at once, at an account that signed up elsewhere in the same network. @throws when Chromium is missing */
export async function startBrowsing(url: string, clipPath: string): Promise<Browsing> {
  const { handle, password } = await signUp(url)
  const clip = await readFile(clipPath)
  const browser = await openChromium()
  const context = await browser.newContext({ baseURL: url, viewport: PHONE, locale: 'en-GB' })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const rounds: BrowsingRound[] = []
  const disturbances: string[] = []
  const refusals: string[] = []
  await noteStalls(context, disturbances)
  page.on('response', (response) => {
    const status = response.status()
    if (status >= 400 && status !== WORK_NEEDED)
      refusals.push(`${new URL(response.url()).pathname.replaceAll(/[\da-f-]{36}/g, '…')} answered ${status}`)
  })
  let isOver = false

  async function round(isNewDevice: boolean): Promise<void> {
    await context.clearCookies({ name: 'upbeat.session_token' })
    const signedInMs = await timed(() => signIn(page, handle, password))
    const scrolledMs = await timed(() => scroll(page))
    const likedMs = await timed(() => like(page))
    const uploadedMs = await timed(() => upload(page, makeFilm(clip, rounds.length + 1)))
    rounds.push({ isNewDevice, signedInMs, scrolledMs, likedMs, uploadedMs })
  }
  const running = (async () => {
    for (let n = 0; !isOver; n++)
      await round(n === 0).catch(async (error: Error) => {
        isOver = true
        disturbances.push(`${page.url()}: ${inOneLine(error)}; it says: ${await wordsOf(page)}`)
      })
  })()
  return {
    rounds,
    disturbances,
    refusals,
    async stop() {
      isOver = true
      await running
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      await browser.close()
      await running
    },
  }
}

/** One whole round. */
export async function browseOnce(url: string, clipPath: string): Promise<Browsing> {
  const browsing = await startBrowsing(url, clipPath)
  await browsing.stop()
  await browsing[Symbol.asyncDispose]()
  return browsing
}

/** In one line, of the first rounds. */
export function tellBrowsing({ rounds, disturbances, refusals }: Browsing): string {
  const inWords = rounds.map(
    ({ isNewDevice, signedInMs, scrolledMs, likedMs, uploadedMs }) =>
      `${isNewDevice ? 'new' : 'known'} device: in ${inSeconds(signedInMs)}, three videos ${inSeconds(scrolledMs)}, like ${inSeconds(likedMs)}, upload ${inSeconds(uploadedMs)}`,
  )
  const gotOver = refusals.length > 0 ? [`the app got over ${[...new Set(refusals)].join(', ')}`] : []
  return [...inWords.slice(0, 3), ...new Set(disturbances), ...gotOver].join('; ')
}

const inSeconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

/** Told that it is busy, they press once more. */
async function signIn(page: Page, handle: string, password: string): Promise<void> {
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(handle)
  await page.getByLabel('Password', { exact: true }).fill(password)
  const button = page.getByRole('button', { name: 'Sign in', exact: true })
  await button.click()
  const isIn = () => new URL(page.url()).pathname === '/'
  const told = await eventually(PATIENCE_MS, async () =>
    isIn() ? 'in' : (await page.getByRole('alert').isVisible()) && 'busy',
  )
  if (told === 'busy') {
    await sleep(BUSY_PAUSE_MS)
    await button.click()
  }
  await page.waitForURL((address) => address.pathname === '/')
}

/** Each video has to be in view and move before the next is asked for. */
async function scroll(page: Page): Promise<void> {
  for (let position = 1; position <= VIDEOS_SCROLLED; position++) {
    if (position > 1) await page.keyboard.press('ArrowDown')
    await page.waitForFunction((at) => {
      const inView = document.querySelector('article[aria-posinset]:not([inert])')
      const isMoving = [...document.querySelectorAll('video')].some(
        (video) => !video.paused && video.currentTime > 0.2,
      )
      return isMoving && inView?.getAttribute('aria-posinset') === String(at)
    }, position)
  }
}

/** The video in view, or takes the like of an earlier round back. */
async function like(page: Page): Promise<void> {
  await Promise.all([
    page.waitForResponse((response) => LIKE.test(new URL(response.url()).pathname) && response.ok()),
    page.keyboard.press('l'),
  ])
}

interface Film {
  readonly name: string
  readonly mimeType: string
  readonly buffer: Buffer
  readonly caption: string
}

/** Another one each time: with a file that it knows, the app would go on with the earlier upload, whose post was asked for. */
function makeFilm(clip: Buffer, number: number): Film {
  // A box that players skip, ISO/IEC 14496-12, 8.1.2.
  const skipped = Buffer.from('\0\0\0\x0cfree\0\0\0\0', 'latin1')
  skipped.writeUInt32BE(number, 8)
  return {
    name: `film-${number}.mp4`,
    mimeType: 'video/mp4',
    buffer: Buffer.concat([clip, skipped]),
    caption: `Film ${number}`,
  }
}

/** Until the server has it for everyone: the page may still show what became of an earlier one. */
async function upload(page: Page, { caption, ...file }: Film): Promise<void> {
  await page.goto('/upload')
  await page.locator('input[type=file][multiple]').setInputFiles(file)
  await page.getByLabel('Caption').fill(caption)
  await page.getByRole('button', { name: 'Post', exact: true }).click()
  await page.waitForFunction(
    async (sought) => {
      const response = await fetch('/api/v1/uploads')
      const { items } = (await response.json()) as { items: readonly Receipt[] }
      return items.some(
        (receipt) => receipt.caption === sought && receipt.publishedAt && receipt.state === 'complete',
      )
    },
    caption,
    { polling: POLL_MS },
  )
}

async function noteStalls(context: BrowserContext, into: string[]): Promise<void> {
  await context.exposeFunction('noteStall', (ms: number) => {
    into.push(`playback stood still for ${Math.round(ms)} ms`)
  })
  await context.addInitScript(watchForStalls, STALL_MS)
}

/** Runs in the page: a video that has moved waits for more than `stallMs`. */
function watchForStalls(stallMs: number): void {
  const stoodSince = new WeakMap<EventTarget, number>()
  const tellEnd = ({ target }: Event) => {
    const since = stoodSince.get(target!)
    stoodSince.delete(target!)
    const ms = performance.now() - (since ?? Infinity)
    if (ms > stallMs) (globalThis as unknown as { noteStall(ms: number): void }).noteStall(ms)
  }
  const begin = ({ target }: Event) => {
    if ((target as HTMLVideoElement).currentTime > 0) stoodSince.set(target!, performance.now())
  }
  document.addEventListener('waiting', begin, true)
  for (const name of ['playing', 'timeupdate', 'pause', 'emptied'])
    document.addEventListener(name, tellEnd, true)
}

/** What went wrong, and what it was waiting for at the last. */
function inOneLine({ message }: Error): string {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  return [...new Set([lines.at(0), lines.at(-1)])].join(' … ')
}

async function wordsOf(page: Page): Promise<string> {
  const words = await page
    .locator('main')
    .innerText({ timeout: WORDS_WAIT_MS })
    .catch(() => 'nothing')
  return words.replaceAll(/\s+/g, ' ').slice(0, WORDS_TOLD)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}
