/**
 * The server that is loaded, on the measured core: four routes of four classes before one bottleneck, behind one of the ways
 * to protect it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import underPressure from '@fastify/under-pressure'
import Fastify from 'fastify'
import { createSlots } from '../../kit/bounded/slots.ts'
import { installAdmission, type Door } from '../../kit/admission/index.ts'
import { CLASSES } from '../../platform/app/priority-classes.ts'
import { SERVICE_MS } from './service-times.ts'

/**
 * `ours`; `none`; `under-pressure`: @fastify/under-pressure with its documented limits; `fixed`: ours with a limit that
 * somebody has set, without order; `closed`: ours, and nobody gets in; `bare`: a `node:http` that turns everybody away.
 */
export type Protection = 'ours' | 'none' | 'under-pressure' | 'fixed' | 'closed' | 'bare'
/**
 * `pool`: ten connections, each held for a while; `cpu`: this thread; `none`: an answer at once; `work`: as that, and beside it
 * the thread has other work without end.
 */
export type Bottleneck = 'pool' | 'cpu' | 'none' | 'work'

export interface ServerStatus {
  readonly cpuMs: number
  readonly limit: number | null
  /** Of the work without end, what is done in all. */
  readonly workedMs: number
  /** The share of the time since the last status in which the thread was not waiting for anything to come. */
  readonly busyShare: number
}

const POOL_SIZE = 10
const FIXED_LIMIT = 100
/** As long as a piece of a request of the `cpu`. */
const WORK_PIECE_MS = 2.7

// From the parent, by the environment that it gives.
const { PROTECTION: protection, BOTTLENECK: bottleneck } = process.env as {
  PROTECTION: Protection
  BOTTLENECK: Bottleneck
}

const app = Fastify()
let door: Door | null = null
const personOf = (request: { headers: Record<string, unknown> }) => String(request.headers['x-person'])
if (protection === 'ours') door = installAdmission(app, { personOf })
else if (protection === 'fixed')
  door = installAdmission(app, { isFixed: true, initial: FIXED_LIMIT, isCutting: false, maxWaiting: 0 })
else if (protection === 'closed') {
  // Nobody comes twice: who does, at once, is held, and here it is the refusals that are measured.
  let comers = 0
  const everAnother = () => String(comers++)
  const closed = { isFixed: true, initial: 0, min: 0, isCutting: false, maxWaiting: 0 }
  door = installAdmission(app, { ...closed, personOf: everAnother })
}
if (protection === 'under-pressure')
  await app.register(underPressure, {
    maxEventLoopDelay: 1_000,
    maxEventLoopUtilization: 0.98,
    maxHeapUsedBytes: 1e9,
    maxRssBytes: 2e9,
  })

const pool = createSlots({ running: POOL_SIZE, waiting: Infinity })
for (const level of CLASSES) {
  const route = { config: { admission: { class: level } } }
  app.get(`/p${level}`, route, async () => {
    if (bottleneck === 'pool') await pool.run(() => sleep(spread(SERVICE_MS.pool[level])))
    else if (bottleneck === 'cpu') await burn(spread(SERVICE_MS.cpu[level]))
    return { level }
  })
}

/** Half of it, up to half more: no two requests are alike. */
const spread = (meanMs: number) => meanMs * (0.5 + Math.random())

/** In two pieces, as a handler that waits for something in the middle. */
async function burn(ms: number): Promise<void> {
  burnPiece(ms / 2)
  await turn()
  burnPiece(ms / 2)
}

function burnPiece(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

let workedMs = 0
async function workWithoutEnd(): Promise<never> {
  for (;;) {
    burnPiece(WORK_PIECE_MS)
    workedMs += WORK_PIECE_MS
    await turn()
  }
}

const bare = createServer((_, response) => {
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '2' })
  response.end('{"title":"no"}')
})
const server = protection === 'bare' ? bare.listen({ host: '127.0.0.1', port: 0 }) : app.server
if (protection === 'bare') await once(bare, 'listening')
else await app.listen({ host: '127.0.0.1', port: 0 })
if (bottleneck === 'work') void workWithoutEnd()
let lastUse = performance.eventLoopUtilization()
process.on('message', () => {
  const use = performance.eventLoopUtilization(lastUse)
  lastUse = performance.eventLoopUtilization()
  const { user, system } = process.cpuUsage()
  const status: ServerStatus = {
    cpuMs: (user + system) / 1_000,
    limit: door?.gate.settledLimit ?? null,
    workedMs,
    busyShare: use.utilization,
  }
  process.send!({ status })
})
process.once('disconnect', () => process.exit(0))
process.send!({ port: (server.address() as AddressInfo).port })
