/**
 * The server that is loaded, on the measured core: four routes of four classes before one bottleneck, behind one of the ways
 * to protect it.
 */
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
 * somebody has set, without order; `closed`: nobody gets in.
 */
export type Protection = 'ours' | 'none' | 'under-pressure' | 'fixed' | 'closed'
/** `pool`: ten connections, each held for a while; `cpu`: this thread; `none`: an answer at once. */
export type Bottleneck = 'pool' | 'cpu' | 'none'

export interface ServerStatus {
  readonly cpuMs: number
  readonly limit: number | null
  /** The share of the time since the last status in which the thread was not waiting for anything to come. */
  readonly busyShare: number
}

const POOL_SIZE = 10
const FIXED_LIMIT = 100

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
  for (let piece = 0; piece < 2; piece++) {
    const endMs = performance.now() + ms / 2
    while (performance.now() < endMs);
    if (piece === 0) await turn()
  }
}

await app.listen({ host: '127.0.0.1', port: 0 })
let lastUse = performance.eventLoopUtilization()
process.on('message', () => {
  const use = performance.eventLoopUtilization(lastUse)
  lastUse = performance.eventLoopUtilization()
  const { user, system } = process.cpuUsage()
  const status: ServerStatus = {
    cpuMs: (user + system) / 1_000,
    limit: door?.gate.settledLimit ?? null,
    busyShare: use.utilization,
  }
  process.send!({ status })
})
process.once('disconnect', () => process.exit(0))
process.send!({ port: (app.server.address() as { port: number }).port })
