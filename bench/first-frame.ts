/**
 * `bench first-frame`: a phone with a cold cache on a line of 10 Mb/s and 40 ms there and back: from navigation to the
 * first moving frame, from a swipe to the next video's first frame, and the JavaScript that comes before the player.
 *
 * Real Chromium, by way of the fault proxy. Beside it the physical limit: a bare page with one `<video>` that plays the
 * same film as one MP4 file, from the same proxy's rates.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg } from 'node:os'
import { chromium, type Browser, type Page } from 'playwright-core'
import { signUp, uploadFilm, waitUntilComplete } from '../tests/support/browser-upload.ts'
import { startFaultProxy, type FaultProxy } from '../tests/support/fault-proxy.ts'
import { startProduct } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import type { BenchResult } from './support.ts'
import { makeFeedClip } from './upload/sources.ts'

/** Targets of the mission's second issue. */
const FIRST_FRAME_MAX_MS = 1_500
const SWIPE_P95_MAX_MS = 150
const SCRIPT_MAX_BYTES = 60 * 1024

const LINE = {
  down: { bitrateBps: 10_000_000, latencyMs: 20 },
  up: { bitrateBps: 10_000_000, latencyMs: 20 },
}
const PHONE = { width: 390, height: 844 }
const CLIPS = 8
const RUNS = 5
/** A person looks at least this long before the next swipe. */
const LOOK_MS = 2_500
const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--autoplay-policy=no-user-gesture-required',
  ],
]

interface Visit {
  readonly firstFrameMs: number
  readonly swipesMs: readonly number[]
  /** Transferred, compressed, up to the first frame. */
  readonly scriptBytes: number
}

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { LOG_LEVEL: 'warn' } })
  const port = Number(new URL(product.url).port)
  const films: string[] = []
  for (let index = 0; index < CLIPS; index++) films.push(await makeFeedClip(index, say))
  for (const [index, path] of films.entries()) {
    say(`publishing clip ${index + 1} of ${CLIPS}`)
    const person = await signUp(`http://127.0.0.1:${port}`)
    const film = { path, filename: 'clip.mp4', mediaType: 'video/mp4', caption: `Clip ${index}` }
    const { id } = await uploadFilm(`http://127.0.0.1:${port}`, person, film)
    await waitUntilComplete(`http://127.0.0.1:${port}`, person, id)
  }
  await using proxy = await startFaultProxy({ targetPort: port, ...LINE })
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS })
  const loadBefore = loadavg()[0]!
  try {
    const visits: Visit[] = []
    const bare: number[] = []
    for (let round = 1; round <= RUNS; round++) {
      visits.push(await visit(browser, proxy))
      bare.push(await visitBarePage(browser, films[0]!))
      say(
        `run ${round}: first frame ${Math.round(visits.at(-1)!.firstFrameMs)} ms, bare ${Math.round(bare.at(-1)!)} ms`,
      )
    }
    return report(visits, bare, loadBefore)
  } finally {
    await browser.close()
  }
}

/** Notes in the page when frames are shown, without asking for them. */
const WATCH_FRAMES = `
  window.frames_ = [];
  const watched = new WeakSet();
  const watch = (video) => {
    if (watched.has(video)) return;
    watched.add(video);
    const note = (now) => { frames_.push({ at: performance.now(), id: video.dataset.bench ??= String(Math.random()), time: video.currentTime, paused: video.paused, src: video.currentSrc }); video.requestVideoFrameCallback(note); };
    video.requestVideoFrameCallback(note);
  };
  new MutationObserver(() => document.querySelectorAll('video').forEach(watch)).observe(document, { childList: true, subtree: true });
`

async function visit(browser: Browser, proxy: FaultProxy): Promise<Visit> {
  const context = await browser.newContext({ viewport: PHONE, hasTouch: true, isMobile: true })
  try {
    const page = await context.newPage()
    await page.addInitScript(WATCH_FRAMES)
    const scripts = await countScripts(page)
    await page.goto(`http://localhost:${proxy.port}/`, { waitUntil: 'commit' })
    const firstFrameMs = await untilMoving(page, 0)
    const scriptBytes = scripts()
    const swipesMs: number[] = []
    for (let swipe = 1; swipe < CLIPS; swipe++) {
      await page.waitForTimeout(LOOK_MS)
      const pressedAt = await page.evaluate(() => performance.now())
      await page.keyboard.press('ArrowDown')
      swipesMs.push((await untilMoving(page, pressedAt)) - pressedAt)
    }
    return { firstFrameMs, swipesMs, scriptBytes }
  } finally {
    await context.close()
  }
}

/** Bytes of scripts that have arrived, as the line carried them. */
async function countScripts(page: Page): Promise<() => number> {
  const session = await page.context().newCDPSession(page)
  const scripts = new Set<string>()
  let bytes = 0
  session.on(
    'Network.responseReceived',
    ({ requestId, type }) => void (type === 'Script' && scripts.add(requestId)),
  )
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength
  })
  await session.send('Network.enable')
  return () => bytes
}

/** The page's time at which a video that had not moved before `after` showed its first frame on the way. */
async function untilMoving(page: Page, after: number): Promise<number> {
  const handle = await page.waitForFunction(
    (since) => {
      const frames = (
        window as unknown as { frames_: { at: number; id: string; paused: boolean; time: number }[] }
      ).frames_
      const before = frames.filter((frame) => frame.at < since && !frame.paused).at(-1)?.id
      return frames.find((frame) => frame.at >= since && !frame.paused && frame.id !== before)?.at ?? null
    },
    after,
    { polling: 20, timeout: 60_000 },
  )
  return (await handle.jsonValue())!
}

/** The physical limit: a page that is nothing but the film. */
async function visitBarePage(browser: Browser, film: string): Promise<number> {
  const { size } = await stat(film)
  const server = createServer((request, response) => {
    if (request.url === '/') {
      response.setHeader('content-type', 'text/html')
      return response.end('<!doctype html><video src="/film.mp4" autoplay muted playsinline></video>')
    }
    const [, from = '0', to = ''] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const [start, end] = [Number(from), to === '' ? size - 1 : Number(to)]
    response.writeHead(206, {
      'content-type': 'video/mp4',
      'content-length': end - start + 1,
      'content-range': `bytes ${start}-${end}/${size}`,
      'accept-ranges': 'bytes',
    })
    return createReadStream(film, { start, end }).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await using proxy = await startFaultProxy({ targetPort: (server.address() as AddressInfo).port, ...LINE })
  const context = await browser.newContext({ viewport: PHONE })
  try {
    const page = await context.newPage()
    await page.addInitScript(WATCH_FRAMES)
    await page.goto(`http://localhost:${proxy.port}/`, { waitUntil: 'commit' })
    return await untilMoving(page, 0)
  } finally {
    await context.close()
    server.closeAllConnections()
    server.close()
  }
}

function report(visits: readonly Visit[], bare: readonly number[], loadBefore: number): BenchResult {
  const firstFrameMs = quantile(
    visits.map((v) => v.firstFrameMs),
    0.5,
  )
  const bareMs = quantile(bare, 0.5)
  const swipesMs = visits.flatMap((v) => v.swipesMs)
  const swipeP95Ms = quantile(swipesMs, 0.95)
  const scriptBytes = quantile(
    visits.map((v) => v.scriptBytes),
    0.5,
  )
  const fallsShort: string[] = []
  if (firstFrameMs > FIRST_FRAME_MAX_MS)
    fallsShort.push(
      `The first moving frame came after ${Math.round(firstFrameMs)} ms instead of ${FIRST_FRAME_MAX_MS} ms.`,
    )
  if (swipeP95Ms > SWIPE_P95_MAX_MS)
    fallsShort.push(
      `95 % of swipes showed their first frame within ${Math.round(swipeP95Ms)} ms instead of ${SWIPE_P95_MAX_MS} ms.`,
    )
  if (scriptBytes > SCRIPT_MAX_BYTES)
    fallsShort.push(
      `${Math.round(scriptBytes / 1024)} kB of scripts came before the first frame, the player's included, instead of 60 kB.`,
    )
  return {
    name: 'first-frame',
    rows: [
      {
        what: 'navigation to first moving frame',
        ours: firstFrameMs,
        rival: bareMs,
        unit: 'ms',
        target: `≤ ${FIRST_FRAME_MAX_MS} ms`,
      },
      {
        what: 'swipe to next first frame, p50',
        ours: quantile(swipesMs, 0.5),
        rival: null,
        unit: 'ms',
        target: null,
      },
      {
        what: 'swipe to next first frame, p95',
        ours: swipeP95Ms,
        rival: null,
        unit: 'ms',
        target: `≤ ${SWIPE_P95_MAX_MS} ms`,
      },
      {
        what: 'scripts before the first frame, compressed',
        ours: scriptBytes / 1024,
        rival: null,
        unit: 'kB',
        target: '≤ 60 kB',
      },
    ],
    figures: {
      firstFrameMs,
      bareFirstFrameMs: bareMs,
      ratio: firstFrameMs / bareMs,
      swipeP50Ms: quantile(swipesMs, 0.5),
      swipeP95Ms,
      swipes: swipesMs.length,
      scriptBytes,
      loadBefore,
    },
    fallsShort,
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]!
}
