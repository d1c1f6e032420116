/**
 * `bench flood`: what it costs to turn somebody away, in CPU time of the product's own processes over that at rest: a request
 * that is answered with 429, on a connection of its own and on one that is kept; a connection of somebody who is kept out, closed
 * before a byte is read; the same requests refused by an edge's nginx; and a packet that the kernel drops (needs `nft` and `hping3`).
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { flood } from '../tests/rig/load/flood.ts'
import type { FloodOrder } from '../tests/rig/load/flood-process.ts'
import { roundTo } from '../tests/rig/quantile.ts'
import { edgeDocument, startEdge } from '../tests/support/edge-process.ts'
import { openFaultyOrigin } from '../tests/support/faulty-origin.ts'
import { startProduct, type Product } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { readMachineBusyS, readThreadsNs, readWorkersNs } from './machine/processor-time.ts'
import type { BenchResult } from './support.ts'

const run_ = promisify(execFile)

type Asked = Pick<FloodOrder, 'ratePerS' | 'sources' | 'keepsConnections'>

/** How they come: each on a connection of its own; or on those that each source keeps, more often. */
const OWN: Asked = { ratePerS: 400, sources: 5_000 }
const KEPT: Asked = { ratePerS: 2_000, sources: 500, keepsConnections: true }
const SECONDS = 15
/** What of the faults' table is asked of Node, and of nginx and the kernel. */
const NODE_MAX_US = 100
const KERNEL_MAX_US = 20
/** So few that each is over what one may ask for. */
const EDGE_SOURCES = 20
const ANSWERED_MIN = 0.95
/** The others are what one may ask for. */
const EDGE_REFUSED_MIN = 0.9
/** Of a core, for turning people away. */
const SHARE = 0.3
const BLOCKED = { network: '127.64.0.0/10', address: '127.64.0.5' }
const PACKETS_S = 5

interface Cost {
  readonly what: string
  readonly us: number
  readonly max: number
}

export async function run(): Promise<BenchResult> {
  const [kernel, doors, edge] = [await measureKernel(), await measureProduct(), await measureEdge()]
  const costs: readonly Cost[] = [
    {
      what: 'a request refused on its own connection, CPU of supervisor and api',
      us: doors.own,
      max: NODE_MAX_US,
    },
    {
      what: 'a request refused on a kept connection, CPU of supervisor and api',
      us: doors.kept,
      max: NODE_MAX_US,
    },
    {
      what: 'a connection closed at the door, CPU of supervisor and api',
      us: doors.closing,
      max: NODE_MAX_US,
    },
    {
      what: 'a request refused by an edge on its own connection, CPU of nginx',
      us: edge.own,
      max: KERNEL_MAX_US,
    },
    {
      what: 'a request refused by an edge on a kept connection, CPU of nginx',
      us: edge.kept,
      max: KERNEL_MAX_US,
    },
    ...(kernel === null
      ? []
      : [
          {
            what: 'a packet sent and dropped in the kernel, CPU of the machine',
            us: kernel,
            max: KERNEL_MAX_US,
          },
        ]),
  ]
  return {
    name: 'flood',
    rows: costs.flatMap(({ what, us, max }) => [
      { what, ours: us, unit: 'µs', rival: null, target: `≤ ${max}` },
      {
        what: '… a second at 30 % of a core',
        ours: Math.floor((SHARE * 1e6) / us),
        unit: '/s',
        rival: null,
        target: null,
      },
    ]),
    figures: {
      ownUs: roundTo(doors.own, 1),
      keptUs: roundTo(doors.kept, 1),
      closingUs: roundTo(doors.closing, 1),
      edgeOwnUs: roundTo(edge.own, 1),
      edgeKeptUs: roundTo(edge.kept, 1),
      kernelUs: kernel && roundTo(kernel, 2),
    },
    fallsShort: [
      ...costs
        .filter(({ us, max }) => us > max)
        .map(({ what, us, max }) => `${what}: ${us.toFixed(0)} µs; at most ${max}.`),
      ...(kernel === null
        ? ['Dropping in the kernel is not timed here: it needs nft, hping3 and root.']
        : []),
    ],
  }
}

async function measureProduct(): Promise<{ own: number; kept: number; closing: number }> {
  await using dir = await makeTemporaryDir()
  await using product = await start(dir.path)
  const own = await measure(product, OWN)
  const kept = await measure(product, KEPT)
  await block(dir.path)
  return { own, kept, closing: await measure(product, OWN) }
}

const start = (dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<Product> =>
  startProduct({
    dataDir,
    env: {
      ...{ UPLOAD_RESERVE_BYTES: '0', LIMIT_EXEMPT: '127.0.0.9', PROOF_OF_WORK: 'always', LOG_LEVEL: 'warn' },
      ...env,
    },
  })

const block = (dataDir: string) =>
  upbeat(['block', 'add', BLOCKED.network, '--reason', 'bench flood', '--for', '1h', '--data', dataDir])

/** CPU time of supervisor and api in µs for each that was turned away, over what they take in as long a time at rest. */
async function measure(product: Product, asked: Asked): Promise<number> {
  const pids = await Promise.all([product.pidOf('supervisor'), product.pidOf('api')])
  const begun = await readThreadsNs(pids)
  await sleep(SECONDS * 1_000)
  const rested = await readThreadsNs(pids)
  const done = await flood({
    ...{ ...asked, port: Number(new URL(product.url).port), seconds: SECONDS },
    paths: ['/api/v1/feed/for-you?limit=20'],
  })
  const tookNs = (await readThreadsNs(pids)) - rested - (rested - begun)
  const count = (done.answered['429'] ?? 0) + done.cut
  // CPU that went into connections whose sender had given up would be told as the price of the few others.
  if (count < done.sent * ANSWERED_MIN)
    throw new Error(`The machine is too busy for a figure: ${JSON.stringify(done)}`)
  return tookNs / 1_000 / count
}

/** Each source asks far more often than it may. */
async function measureEdge(): Promise<{ own: number; kept: number }> {
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
  const measureOne = async (asked: Asked): Promise<number> => {
    const before = await readWorkersNs(master)
    const done = await flood({
      ...{ ...asked, sources: EDGE_SOURCES, port: edge.port, seconds: SECONDS },
      paths: ['/api/v1/instance'],
    })
    const count = done.answered['429'] ?? 0
    if (count < done.sent * EDGE_REFUSED_MIN)
      throw new Error(`Too few were refused for a figure: ${JSON.stringify(done)}`)
    return ((await readWorkersNs(master)) - before) / 1_000 / count
  }
  return { own: await measureOne(OWN), kept: await measureOne(KEPT) }
}

/** Null: there is no way here. */
async function measureKernel(): Promise<number | null> {
  await using dir = await makeTemporaryDir()
  await using product = await start(dir.path, { BLOCK_IN_KERNEL: 'nftables' })
  await block(dir.path)
  const { port } = new URL(product.url)
  const dropped = async (): Promise<number | null> => {
    const listed = await run_('nft', ['list', 'chain', 'inet', `upbeat_${port}`, 'door']).catch(() => null)
    const found = /@blocks4 counter packets (\d+)/.exec(listed?.stdout ?? '')
    return found && Number(found[1])
  }
  if ((await dropped()) === null) return null
  const startedMs = performance.now()
  const before = await readMachineBusyS()
  const orders = ['-q', '--flood', '-S', '-p', port, '-a', BLOCKED.address, '127.0.0.1']
  // It sends until it is told to end.
  const until = { timeout: PACKETS_S * 1_000, killSignal: 'SIGINT' } as const
  const sent = await run_('hping3', orders, until).catch((error: NodeJS.ErrnoException) => error)
  if (sent instanceof Error && sent.code === 'ENOENT') return null
  const took = (await readMachineBusyS()) - before
  const seconds = (performance.now() - startedMs) / 1_000
  const rested = await readMachineBusyS()
  await sleep(seconds * 1_000)
  const atRest = (await readMachineBusyS()) - rested
  const count = await dropped()
  if (!count) throw new Error('The kernel dropped nothing.')
  return ((took - atRest) * 1e6) / count
}
