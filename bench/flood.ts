/**
 * `bench flood`: what it costs to turn somebody away, in CPU time of the product's own processes over that at rest: a request that is answered
 * with 429, on a connection of its own; then a connection of somebody who is kept out, closed before a byte is read; and
 * the same request refused by an edge's nginx.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { flood } from '../tests/rig/load/flood.ts'
import { roundTo } from '../tests/rig/quantile.ts'
import { edgeDocument, startEdge } from '../tests/support/edge-process.ts'
import { openFaultyOrigin } from '../tests/support/faulty-origin.ts'
import { startProduct, type Product } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { readThreadsNs, readWorkersNs } from './machine/processor-time.ts'
import type { BenchResult } from './support.ts'

const SOURCES = 5_000
const RATE_PER_S = 400
const SECONDS = 15
const NODE_MAX_US = 100
const NGINX_MAX_US = 20
/** So few that each is over what one may ask for. */
const EDGE_SOURCES = 20
const ANSWERED_MIN = 0.95
/** The others are what one may ask for. */
const EDGE_REFUSED_MIN = 0.9
/** Of a core, for turning people away. */
const SHARE = 0.3

export async function run(): Promise<BenchResult> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({
    dataDir: dir.path,
    env: { UPLOAD_RESERVE_BYTES: '0', LIMIT_EXEMPT: '127.0.0.9', PROOF_OF_WORK: 'always', LOG_LEVEL: 'warn' },
  })
  const refusal = await measure(product)
  await upbeat([
    'block',
    'add',
    '127.64.0.0/10',
    '--reason',
    'bench flood',
    '--for',
    '1h',
    '--data',
    dir.path,
  ])
  const closing = await measure(product)
  const edge = await measureEdge()
  const ratePerS = (us: number) => Math.floor((SHARE * 1e6) / us)
  return {
    name: 'flood',
    rows: [
      row('a request refused on a connection of its own, CPU of all processes', refusal.us, 'µs'),
      row('a connection closed at the door, CPU of all processes', closing.us, 'µs'),
      {
        ...row('a request refused by an edge, CPU of nginx’s workers', edge.us, 'µs'),
        target: `≤ ${NGINX_MAX_US}`,
      },
      row('requests refused a second at 30 % of a core', ratePerS(refusal.us), '/s'),
      row('connections closed a second at 30 % of a core', ratePerS(closing.us), '/s'),
      row('requests refused a second by an edge at 30 % of a core', ratePerS(edge.us), '/s'),
    ],
    figures: {
      refusalUs: roundTo(refusal.us, 1),
      closingUs: roundTo(closing.us, 1),
      edgeUs: roundTo(edge.us, 1),
      refused: refusal.count,
      closed: closing.count,
    },
    fallsShort: [
      ...(refusal.us > NODE_MAX_US
        ? [`A refusal takes ${refusal.us.toFixed(0)} µs; at most ${NODE_MAX_US}.`]
        : []),
      ...(edge.us > NGINX_MAX_US
        ? [`A refusal takes nginx ${edge.us.toFixed(0)} µs; at most ${NGINX_MAX_US}.`]
        : []),
      'Dropping in the kernel (BLOCK_IN_KERNEL=nftables) is not timed here.',
    ],
  }
}

const row = (what: string, ours: number, unit: string) => ({
  ...{ what, ours, unit, rival: null },
  target: unit === 'µs' ? `≤ ${NODE_MAX_US}` : null,
})

/** CPU time of supervisor and api for each that was turned away, over what they take in as long a time at rest. */
async function measure(product: Product): Promise<{ us: number; count: number }> {
  const pids = await Promise.all([product.pidOf('supervisor'), product.pidOf('api')])
  const begun = await readThreadsNs(pids)
  await sleep(SECONDS * 1_000)
  const rested = await readThreadsNs(pids)
  const done = await flood({
    ...{ port: Number(new URL(product.url).port), ratePerS: RATE_PER_S, seconds: SECONDS, sources: SOURCES },
    paths: ['/api/v1/feed/for-you?limit=20'],
  })
  const tookNs = (await readThreadsNs(pids)) - rested - (rested - begun)
  const count = (done.answered['429'] ?? 0) + done.cut
  // CPU that went into connections whose sender had given up would be told as the price of the few others.
  if (count < done.sent * ANSWERED_MIN)
    throw new Error(`The machine is too busy for a figure: ${JSON.stringify(done)}`)
  return { us: tookNs / 1_000 / count, count }
}

/** Each source asks twenty times as often as it may. */
async function measureEdge(): Promise<{ us: number }> {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  const document = edgeDocument({ origins: [{ name: 'home', url: origin.url }] })
  const perAddress = { requestsPerS: 1, segmentsPerS: 1, connections: 1_024 }
  await using edge = await startEdge({
    dir: dir.path,
    document: { ...document, limits: { ...document.limits, perAddress } },
    env: { EDGE_JUDGE_S: '1' },
  })
  const master = Number(await readFile(join(edge.dataDir, 'nginx', 'nginx.pid'), 'utf8'))
  const before = await readWorkersNs(master)
  const done = await flood({
    ...{ port: edge.port, ratePerS: RATE_PER_S, seconds: SECONDS, sources: EDGE_SOURCES },
    paths: ['/api/v1/instance'],
  })
  const count = done.answered['429'] ?? 0
  if (count < done.sent * EDGE_REFUSED_MIN)
    throw new Error(`Too few were refused for a figure: ${JSON.stringify(done)}`)
  return { us: ((await readWorkersNs(master)) - before) / 1_000 / count }
}
