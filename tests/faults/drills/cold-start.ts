/**
 * Everything starts with empty caches while three times as much as can be served waits at the door: it comes back in its
 * order, and no step has to be taken back again and again. Then everyone who was held up uploads at once.
 */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { backAfter, shareServed, startWatching } from '../../rig/people/watching.ts'
import { startGenerator, type Generator } from '../../rig/load/generator.ts'
import type { LoadOrder } from '../../rig/load/generator-process.ts'
import type { Restoration } from '../../../contract/operations.ts'
import { STEPS } from '../../../engines/steward/index.ts'
import { askDesk } from '../../../platform/supervisor/index.ts'
import { makeClip } from '../../support/clips.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { hasEnded, startUpload } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, percent, secondsSince, type Report } from '../report.ts'
import { listFallen, readState, untilFullService } from '../../rig/service.ts'

const TIMES = 3
const PLAYBACK_MIN = 0.99
/** Of the faults' table. */
const PLAYBACK_MS = 10_000
const SERVICE_MS = 60_000
const LOAD_MS = 30_000
const CONNECTIONS = 300
const UPLOADED_MS = 90_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const env = { UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off', ADMISSION: 'on' }
  const first = await startProduct({ dataDir: dir.path, env })
  const port = Number(new URL(first.url).port)
  const audience = await gather(first, { people: 6, videos: 3 })
  await using generator = await startGenerator()
  const capacityPerS = await measureCapacity(generator, port, audience)
  await first.stop()

  const players = startWatching({ port, ratePerS: 20, seconds: 200, asked: audience.media })
  const startMs = performance.now()
  const startedAtMs = Date.now()
  const starting = startProduct({ dataDir: dir.path, port, env, until: 'control' })
  starting.catch(() => {})
  await eventually(20_000, () => isOpen(port))
  const load = generator.load(orderOf(port, audience, capacityPerS * TIMES))
  await using product = await starting
  const limitMs = allowedMs(SERVICE_MS)
  const fullMs = await untilFullService(product.url, limitMs)
  const tookS = secondsSince(startMs)
  const fallen = fullMs === null ? listFallen(await readState(product.url)) : []
  await load
  players.stop()

  promisePlayback(report, players.outcomes, startedAtMs)
  report.promise(
    `full service within ${Math.round(limitMs / 1_000)} s with ${TIMES}× the load at the door`,
    fullMs !== null,
    `${fullMs === null ? fallen.join(', ') : tookS}; ${Math.round(capacityPerS)} requests/s can be served`,
  )
  const { restoration } = await askDesk(dir.path, { command: 'state' })
  promiseOrder(report, restoration)
  await promiseUploads(report, product, audience)
}

async function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Flat out, once warm. */
async function measureCapacity(generator: Generator, port: number, audience: Audience): Promise<number> {
  const order = { ...orderOf(port, audience, 0), ratePerS: null, connections: 24 }
  await generator.load({ ...order, durationMs: 2_000 })
  const { byClass, countedMs } = await generator.load({ ...order, durationMs: 4_000 })
  return (byClass.reduce((sum, { good }) => sum + good, 0) / countedMs) * 1_000
}

function orderOf(port: number, audience: Audience, ratePerS: number): LoadOrder {
  const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`
  const cookies = audience.feeds.map(({ headers }) => `cookie: ${headers!['cookie']}\r\n`)
  const { handle } = audience.author
  return {
    port,
    requests: [
      audience.media.map(({ path }) => get(path)),
      cookies.flatMap((cookie) => audience.videoIds.map((id) => get(`/api/v1/videos/${id}`, cookie))),
      cookies.map((cookie) => get(`/api/v1/profiles/${handle}`, cookie)),
      cookies.map((cookie) => get(`/api/v1/profiles/${handle}`, `${cookie}priority: u=7\r\n`)),
    ],
    mix: [0.1, 0.3, 0.4, 0.2],
    ratePerS,
    connections: CONNECTIONS,
    durationMs: LOAD_MS,
    deadlineMs: 1_000,
    skipMs: 0,
  }
}

function promisePlayback(
  report: Report,
  outcomes: Parameters<typeof shareServed>[0],
  startedAtMs: number,
): void {
  const back = backAfter(outcomes, { fromMs: startedAtMs, share: PLAYBACK_MIN, windowMs: 1_000 })
  const limitMs = allowedMs(PLAYBACK_MS)
  const after = shareServed(outcomes, startedAtMs + limitMs, Infinity)
  report.promise(
    `from ${Math.round(limitMs / 1_000)} s on, at least ${PLAYBACK_MIN * 100} % of what is watched is served`,
    after !== null && after >= PLAYBACK_MIN,
    `${percent(after)}; without a loss from ${back === null ? 'never' : `${(back / 1_000).toFixed(1)} s`} on`,
  )
}

function promiseOrder(report: Report, restoration: Restoration | null): void {
  if (!restoration) return report.promise('the way back is told step by step', false, 'nobody tells it')
  const openedAt = (name: string) =>
    restoration.timeline.findIndex(({ step, share }) => step === name && share === 1)
  const early = STEPS.flatMap(({ name, after }) =>
    after
      .filter((before) => openedAt(name) >= 0 && openedAt(name) < openedAt(before))
      .map((before) => `${name} before ${before}`),
  )
  const missing = STEPS.filter(({ name }) => openedAt(name) < 0).map(({ name }) => name)
  report.promise(
    'every step comes after those before it',
    early.length === 0 && missing.length === 0,
    [
      ...early,
      ...missing.map((name) => `${name} never opened`),
      restoration.timeline.map(({ step, share }) => `${step} ${share * 100} %`).join(', '),
    ].join('; '),
  )
  const closings = STEPS.map(({ name }) => ({
    name,
    count: countFalls(restoration.timeline.filter(({ step }) => step === name).map(({ share }) => share)),
  }))
  report.promise(
    'no step closes twice',
    closings.every(({ count }) => count <= 1),
    closings
      .filter(({ count }) => count > 0)
      .map(({ name, count }) => `${name} fell back ${count} times`)
      .join(', ') || 'none fell back',
  )
}

const countFalls = (shares: readonly number[]): number =>
  shares.filter((share, index) => index > 0 && share < shares[index - 1]!).length

/** The surge after the recovery. */
async function promiseUploads(report: Report, product: Product, audience: Audience): Promise<void> {
  const startMs = performance.now()
  const bytes = await readFile(await makeClip('h264'))
  const ended = await Promise.all(
    audience.people.map(async (person, index) => {
      const upload = await startUpload(person, bytes, `after the outage ${index}`)
      await upload.sendUntil(bytes.length)
      const receipt = await eventually(UPLOADED_MS, async () => {
        const now = await person.receipt(upload.id)
        return hasEnded(now) ? now : null
      })
      return receipt?.state === 'complete' && receipt.sha256 === upload.sha256
    }),
  )
  report.promise(
    'uploads that all come at once right afterwards are published',
    ended.every(Boolean),
    `${ended.filter(Boolean).length} of ${ended.length}, ${secondsSince(startMs)}`,
  )
  const level = (await readState(product.url))?.level
  report.promise('they take nothing else away', level === 0, `level ${level}`)
}
