/** Edges before a product, and a person in a real browser who watches through the first of them. */
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { loadSecrets } from '../../../platform/app/secrets.ts'
import { signUp, uploadFilm, waitUntilComplete } from '../../support/browser-upload.ts'
import { makeClip } from '../../support/clips.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../../support/edge-process.ts'
import { openFaultyOrigin } from '../../support/faulty-origin.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { openChromium, PHONE } from '../../support/chromium.ts'

/** Longer, and a person notices. */
export const STALL_MAX_MS = 2_000
const EDGES = 2
const LOOK_INTERVAL_MS = 50
const PATIENCE_MS = 90_000

export interface Watched {
  /** How long the video that plays stood still at the longest. */
  readonly longestMs: number
  readonly playedS: number
}

export interface EdgeStage extends AsyncDisposable {
  readonly product: Product
  readonly edges: readonly EdgeProcess[]
  /** As people's browsers know them. */
  readonly urls: readonly string[]
  readonly originUrl: string
  readonly browser: Browser
  /** It plays, and knows of the other edge. */
  readonly page: Page
  /** Segments that came to it, by the edge that says that it gave them. */
  readonly from: Map<string, number>
  /** Since the stage was opened. */
  seen(): Promise<Watched>
}

/**
 * @param madeUp of the paths behind the edges what the product does not have.
 * @param product how it is started.
 */
export async function openEdgeStage(input: {
  readonly madeUp?: RegExp
  readonly product?: Pick<Parameters<typeof startProduct>[0], 'args' | 'env'>
}): Promise<EdgeStage> {
  await using opening = new AsyncDisposableStack()
  const dir = opening.use(await makeTemporaryDir())
  const ports = await Promise.all(Array.from({ length: EDGES }, findFreePort))
  const urls = ports.map((port) => `http://localhost:${port}`)
  const product = opening.use(
    await startProduct({
      ...{ ...input.product, dataDir: join(dir.path, 'product') },
      env: { ...input.product?.env, MEDIA_URLS: urls.join(',') },
    }),
  )
  await publishLong(product.url)
  const { media: mediaKey } = await loadSecrets(join(product.dataDir, 'secrets.json'))
  const origin = opening.use(
    await openFaultyOrigin({ behind: product.url, ...(input.madeUp && { madeUp: input.madeUp }) }),
  )
  const edges: EdgeProcess[] = []
  for (const [n, port] of ports.entries()) {
    const place = opening.use(await makeTemporaryDir())
    const document = edgeDocument({ name: `edge-${n}`, origins: [{ name: 'home', url: origin.url }] })
    edges.push(opening.use(await startEdge({ dir: place.path, document, mediaKey, port })))
  }
  const browser = await openChromium()
  opening.defer(() => browser.close())
  const page = await browser.newPage({ viewport: PHONE })
  page.setDefaultTimeout(PATIENCE_MS)
  const from = new Map<string, number>()
  page.on('response', (response) => {
    const name = response.headers()['upbeat-edge']
    if (name && response.ok() && response.url().endsWith('.m4s')) from.set(name, (from.get(name) ?? 0) + 1)
  })
  const toldOfPlaces = page.waitForResponse((response) => response.url().endsWith('/api/v1/instance'))
  await page.goto(`${urls[0]!}/`)
  await untilPlaying(page)
  await toldOfPlaces
  await watchForStalls(page)
  const opened = opening.move()
  return {
    ...{ product, edges, urls, originUrl: origin.url, browser, page, from },
    seen: () => page.evaluate(() => (globalThis as unknown as { seen: Watched }).seen),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** "3 from edge-0, 20 from edge-1" */
export const told = (from: ReadonlyMap<string, number>): string =>
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
