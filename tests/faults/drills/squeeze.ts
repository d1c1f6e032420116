/** Half the CPU that is needed, and a small heap: the level rises, and people go on watching. */
import { setTimeout as sleep } from 'node:timers/promises'
import { shareServed, startWatching } from '../../rig/people/watching.ts'
import { startGenerator, type Generator } from '../../rig/load/generator.ts'
import type { LoadOrder } from '../../rig/load/generator-process.ts'
import { limitCpu, measureCpu, whyNoCpuQuota } from '../../support/cpu-quota.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { percent, type Report } from '../report.ts'
import { listFallen, listRestarts, readState, untilState } from '../../rig/service.ts'

const PLAYBACK_MIN = 0.99
const RISE_MS = 2_000
/** How long a question for the state may itself have to wait, with half the CPU. */
const ASK_MS = 500
const CALM_MS = 90_000
const SQUEEZE_MS = 10_000
/** What the api is made to use before it gets half of it. */
const BUSY_CORES = 0.6
const RATE_MAX_PER_S = 900
/** Megabytes of old objects: what it has in quiet, and a half more. */
const HEAP_MB = 96
const CONNECTIONS = 64

export async function run(report: Report): Promise<void> {
  await withHalfTheCpu(report)
  await withSmallHeap(report)
}

async function withHalfTheCpu(report: Report): Promise<void> {
  const why = await whyNoCpuQuota()
  if (why !== null) return report.skip('the level rises and playback goes on at half the CPU', why)
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { UPLOAD_RESERVE_BYTES: '0' } })
  const audience = await gather(product, { people: 6, videos: 2 })
  await using generator = await startGenerator()
  const api = await product.pidOf('api')
  const ratePerS = await findRate(generator, { product, audience, api })
  await untilState(product.url, CALM_MS, ({ level }) => level === 0)

  const port = Number(new URL(product.url).port)
  const players = startWatching({ port, ratePerS: 20, seconds: 120, asked: audience.media })
  const load = generator.load(orderOf(product, audience, ratePerS, SQUEEZE_MS + 5_000))
  const usedCores = await measureCpu(api, 3_000)
  const levelBefore = (await readState(product.url))?.level
  await using quota = await limitCpu([api])
  const beganMs = Date.now()
  await quota.set(usedCores / 2)
  const roseMs = await untilState(product.url, SQUEEZE_MS, ({ level }) => level > (levelBefore ?? 0))
  await sleep(Math.max(0, SQUEEZE_MS - (Date.now() - beganMs)))
  const endedMs = Date.now()
  const during = await readState(product.url)
  await quota.set(null)
  await load
  const calmMs = await untilState(product.url, CALM_MS, ({ level }) => level === 0)
  players.stop()

  report.promise(
    'at half the CPU that it needs, the level rises within 2 s',
    roseMs !== null && roseMs <= RISE_MS + ASK_MS,
    `${roseMs === null ? 'it did not rise' : `after ${Math.round(roseMs)} ms`}; ${usedCores.toFixed(2)} cores at ${ratePerS} requests/s, then ${(usedCores / 2).toFixed(2)}; ${listFallen(during).join(', ')}`,
  )
  const served = shareServed(players.outcomes, beganMs, endedMs)
  report.promise(
    `at half the CPU, at least ${PLAYBACK_MIN * 100} % of what is watched is served`,
    served !== null && served >= PLAYBACK_MIN,
    percent(served),
  )
  report.promise(
    'with the CPU back, everything is back',
    calmMs !== null,
    calmMs === null
      ? listFallen(await readState(product.url)).join(', ')
      : `${(calmMs / 1_000).toFixed(1)} s`,
  )
}

interface Measured {
  readonly product: Product
  readonly audience: Audience
  readonly api: number
}

/** The rate at which the api uses what is wanted. */
async function findRate(generator: Generator, { product, audience, api }: Measured): Promise<number> {
  const PROBE_PER_S = 150
  const load = generator.load(orderOf(product, audience, PROBE_PER_S, 5_000))
  await sleep(1_500)
  const cores = await measureCpu(api, 3_000)
  await load
  return Math.min(RATE_MAX_PER_S, Math.max(PROBE_PER_S, Math.round((BUSY_CORES / cores) * PROBE_PER_S)))
}

/** What people ask besides the videos themselves. */
function orderOf(product: Product, audience: Audience, ratePerS: number, durationMs: number): LoadOrder {
  const { media, feeds, videoIds, people } = audience
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')}\r\n`
  const cookies = feeds.map(({ headers }) => headers!)
  const api = (path: string, more = {}) => cookies.map((one) => get(`/api/v1${path}`, { ...one, ...more }))
  return {
    port: Number(new URL(product.url).port),
    requests: [
      media.map(({ path }) => get(path)),
      videoIds.flatMap((id) => api(`/videos/${id}`)),
      [...videoIds.flatMap((id) => api(`/videos/${id}/comments`)), ...api(`/profiles/${people[0]!.handle}`)],
      api(`/profiles/${people[1]!.handle}`, { priority: 'u=7' }),
    ],
    mix: [0.1, 0.3, 0.4, 0.2],
    ratePerS,
    connections: CONNECTIONS,
    durationMs,
    deadlineMs: 1_000,
    skipMs: 0,
  }
}

async function withSmallHeap(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: dir.path,
    env: { UPLOAD_RESERVE_BYTES: '0', NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
  })
  const audience = await gather(product, { people: 6, videos: 2 })
  await using generator = await startGenerator()
  const before = await listRestarts(product)
  const port = Number(new URL(product.url).port)
  const players = startWatching({ port, ratePerS: 20, seconds: 60, asked: audience.media })
  const beganMs = Date.now()
  await generator.load({ ...orderOf(product, audience, 0, SQUEEZE_MS), ratePerS: null, connections: 200 })
  const endedMs = Date.now()
  await sleep(1_000)
  players.stop()
  const after = await listRestarts(product)
  report.promise(
    `with a heap of ${HEAP_MB} MB and 200 connections that ask without pause, no process runs out of memory`,
    before === after,
    after,
  )
  const served = shareServed(players.outcomes, beganMs, endedMs)
  report.promise(
    `with a small heap, at least ${PLAYBACK_MIN * 100} % of what is watched is served`,
    served !== null && served >= PLAYBACK_MIN,
    percent(served),
  )
}
