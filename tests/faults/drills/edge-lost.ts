/** Two edges before a product, and a person in a real browser who watches through one of them as it dies. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { loadSecrets } from '../../../platform/app/secrets.ts'
import { signUp, uploadFilm, waitUntilComplete } from '../../support/browser-upload.ts'
import { makeClip } from '../../support/clips.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../../support/edge-process.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { secondsSince, type Report } from '../report.ts'

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--autoplay-policy=no-user-gesture-required',
]
const STALL_MAX_MS = 2_000
/** Longer than a player has in hand. */
const WATCHED_MS = 60_000
const LOOK_INTERVAL_MS = 50
const PATIENCE_MS = 90_000

interface Watched {
  longestMs: number
  playedS: number
}

export async function run(report: Report): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const ports = [await findFreePort(), await findFreePort()]
  const urls = ports.map((port) => `http://localhost:${port}`)
  const product = stack.use(
    await startProduct({ dataDir: join(dir.path, 'product'), env: { MEDIA_URLS: urls.join(',') } }),
  )
  await publishLong(product.url)
  const { media: mediaKey } = await loadSecrets(join(product.dataDir, 'secrets.json'))
  const edges: EdgeProcess[] = []
  for (const [n, port] of ports.entries()) {
    const place = stack.use(await makeTemporaryDir())
    const document = edgeDocument({ name: `edge-${n}`, origins: [{ name: 'home', url: product.url }] })
    edges.push(stack.use(await startEdge({ dir: place.path, document, mediaKey, port })))
  }
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS })
  stack.defer(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 390, height: 844 } })
  page.setDefaultTimeout(PATIENCE_MS)
  const from = new Map<string, number>()
  page.on('response', (response) => {
    const name = response.headers()['upbeat-edge']
    if (name && response.ok() && response.url().endsWith('.m4s')) from.set(name, (from.get(name) ?? 0) + 1)
  })
  await page.goto(`${urls[0]!}/`)
  await untilPlaying(page)
  await lose(report, { page, edge: edges[0]!, from })
}

async function lose(
  report: Report,
  {
    page,
    edge,
    from,
  }: { readonly page: Page; readonly edge: EdgeProcess; readonly from: Map<string, number> },
): Promise<void> {
  await watchForStalls(page)
  report.promise('a person watches through the first edge', (from.get('edge-0') ?? 0) > 0, told(from))
  from.clear()
  const beganMs = performance.now()
  await edge[Symbol.asyncDispose]()
  await sleep(WATCHED_MS)
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: Watched }).seen)
  report.promise(
    `with that edge dead nothing stands still for ${STALL_MAX_MS / 1_000} s`,
    seen.longestMs <= STALL_MAX_MS && seen.playedS > WATCHED_MS / 2_000,
    `${Math.round(seen.longestMs)} ms at the longest; ${Math.round(seen.playedS)} s played in ${secondsSince(beganMs)}`,
  )
  report.promise(
    'what is played on comes from the other edge, which says so',
    (from.get('edge-1') ?? 0) > 0,
    told(from),
  )
}

const told = (from: ReadonlyMap<string, number>): string =>
  [...from].map(([name, count]) => `${count} from ${name}`).join(', ') || 'nothing came'

async function publishLong(url: string): Promise<void> {
  const person = await signUp(url)
  const film = {
    path: await makeClip('h264Long'),
    filename: 'clip.mp4',
    mediaType: 'video/mp4',
    caption: 'A long day',
  }
  const { id } = await uploadFilm(url, person, film)
  await waitUntilComplete(url, person, id)
}

async function untilPlaying(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('video')].some((video) => !video.paused && video.currentTime > 0.5),
  )
}

/** From now on the page notes how long the video that plays stood still at the longest, and how much of it was played. */
async function watchForStalls(page: Page): Promise<void> {
  await page.evaluate((intervalMs) => {
    const seen = { longestMs: 0, playedS: 0 }
    Object.assign(globalThis, { seen })
    let [atS, movedMs] = [-1, performance.now()]
    setInterval(() => {
      const video = [...document.querySelectorAll('video')].find((each) => !each.paused)
      const nowMs = performance.now()
      if (video && video.currentTime !== atS) {
        if (atS >= 0 && video.currentTime > atS) seen.playedS += video.currentTime - atS
        ;[atS, movedMs] = [video.currentTime, nowMs]
      }
      seen.longestMs = Math.max(seen.longestMs, nowMs - movedMs)
    }, intervalMs)
  }, LOOK_INTERVAL_MS)
}
