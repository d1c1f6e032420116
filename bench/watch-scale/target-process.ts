/**
 * What is watched: a server that answers `/ok/N` at once and `/hang/N` never, and writes down when each was asked for. How
 * late a monitor is, is judged here, by what arrives, whoever sends it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { quantileOf } from '../../tests/rig/quantile.ts'

export type TargetOrder =
  | { readonly type: 'begin' }
  | { readonly type: 'judge'; readonly everyMs: number; readonly count: number }

export interface Arrivals {
  readonly durationMs: number
  readonly checks: number
  /** Of the monitors, how many were asked for at all. */
  readonly seen: number
  /** How long after its turn a check came; the turns of a monitor are a period apart from its most punctual check on. */
  readonly latenessMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Turns at which nothing came. */
  readonly missed: number
}

let arrivals = new Map<string, number[]>()
let beganMs = performance.now()

const server = createServer((request, response) => {
  const path = request.url!
  const nowMs = performance.now()
  const known = arrivals.get(path)
  if (known) known.push(nowMs)
  else arrivals.set(path, [nowMs])
  if (path.startsWith('/ok/')) response.writeHead(200, { 'content-type': 'text/plain' }).end('fine')
  else request.socket.on('error', () => {})
})
server.keepAliveTimeout = 0
server.requestTimeout = 0
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () =>
  process.send!({ type: 'ready', port: (server.address() as AddressInfo).port }),
)

function judge(everyMs: number, count: number): Arrivals {
  const latenesses: number[] = []
  let [checks, missed] = [0, 0]
  for (const times of arrivals.values()) {
    checks += times.length
    const turnOf = (atMs: number) => Math.round((atMs - times[0]!) / everyMs)
    const firstMs = Math.min(...times.map((atMs) => atMs - turnOf(atMs) * everyMs))
    for (const atMs of times) latenesses.push(atMs - turnOf(atMs) * everyMs - firstMs)
    missed += turnOf(times.at(-1)!) + 1 - new Set(times.map(turnOf)).size
  }
  // One that never came missed all of its turns.
  const durationMs = performance.now() - beganMs
  missed += (count - arrivals.size) * Math.floor(durationMs / everyMs)
  return {
    durationMs,
    checks,
    seen: arrivals.size,
    latenessMs: {
      p50: quantileOf(latenesses, 0.5),
      p99: quantileOf(latenesses, 0.99),
      max: quantileOf(latenesses, 1),
    },
    missed,
  }
}

process.on('message', (order: TargetOrder) => {
  if (order.type === 'judge')
    return void process.send!({ type: 'judged', arrivals: judge(order.everyMs, order.count) })
  arrivals = new Map()
  beganMs = performance.now()
  process.send!({ type: 'begun' })
})
process.once('disconnect', () => process.exit(0))
