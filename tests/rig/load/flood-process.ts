/**
 * A flood from thousands of addresses of this machine (127.0.0.0/8), to 127.0.0.1 only: each request on a connection of its
 * own, or on those that each source keeps, from one source after the other, on a schedule that nothing slows down.
 *
 * Argument: a `FloodOrder` as JSON. Tells what became of it as one line of JSON, and ends.
 */
import { connect, type Socket } from 'node:net'

export interface FloodOrder {
  readonly port: number
  readonly ratePerS: number
  readonly seconds: number
  /** 127.B.C.D with B from 100 on: 250 in each /24. */
  readonly sources: number
  readonly paths: readonly string[]
  /** Whether each source asks again on the connection that it has. @default false */
  readonly keepsConnections?: boolean
}

export interface FloodResult {
  readonly sent: number
  readonly answered: Readonly<Record<string, number>>
  /** With 200, by path. */
  readonly served: Readonly<Record<string, number>>
  /** Cut off before a byte of an answer. */
  readonly cut: number
  readonly timedOut: number
  /** Left out, because so many were open already. */
  readonly leftOut: number
  readonly worstLagMs: number
}

const OPEN_MAX = 1_500
const PATIENCE_MS = 1_000
const STEP_MS = 5

const order = JSON.parse(process.argv[2]!) as FloodOrder
const answered: Record<string, number> = {}
const served: Record<string, number> = {}
let [sent, cut, timedOut, leftOut, open, worstLagMs] = [0, 0, 0, 0, 0, 0]

const addressOf = (source: number): string =>
  `127.${100 + Math.floor(source / 62_500)}.${Math.floor(source / 250) % 250}.${1 + (source % 250)}`

/** Idle, by source. */
const kept = new Map<number, Socket>()

function takeSocket(source: number, request: string): Socket {
  const known = kept.get(source)
  kept.delete(source)
  if (known && !known.destroyed) {
    known.write(request)
    return known
  }
  const socket = connect({ host: '127.0.0.1', port: order.port, localAddress: addressOf(source) })
  return socket.once('connect', () => void socket.write(request))
}

function send(n: number): void {
  if (open >= OPEN_MAX) return void leftOut++
  sent++
  open++
  const path = order.paths[n % order.paths.length]!
  // A step that shares no factor with the number of sources visits all of them.
  const source = (n * 7_919) % order.sources
  const socket = takeSocket(source, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: flood\r\n\r\n`)
  let isOver = false
  const end = (note: () => void, isKept = false) => {
    if (isOver) return
    isOver = true
    open--
    clearTimeout(timer)
    note()
    socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('error')
    if (isKept)
      kept.set(
        source,
        socket.on('error', () => {}),
      )
    else socket.on('error', () => {}).resetAndDestroy()
  }
  const timer = setTimeout(() => end(() => timedOut++), PATIENCE_MS)
  socket.once('data', (bytes: Buffer) =>
    end(() => {
      const status = bytes.toString('latin1', 9, 12)
      answered[status] = (answered[status] ?? 0) + 1
      if (status === '200') served[path] = (served[path] ?? 0) + 1
    }, order.keepsConnections),
  )
  socket.on('error', () => end(() => cut++)).once('close', () => end(() => cut++))
}

const startedMs = performance.now()
let begun = 0
let lookedMs = startedMs
const timer = setInterval(() => {
  const nowMs = performance.now()
  worstLagMs = Math.max(worstLagMs, nowMs - lookedMs - STEP_MS)
  lookedMs = nowMs
  const due = Math.floor(((nowMs - startedMs) / 1_000) * order.ratePerS)
  while (begun < due) send(begun++)
  if (nowMs - startedMs < order.seconds * 1_000) return
  clearInterval(timer)
  setTimeout(() => {
    const result: FloodResult = {
      ...{ sent, answered, served, cut, timedOut, leftOut },
      worstLagMs: Math.round(worstLagMs),
    }
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
  }, PATIENCE_MS + 100)
}, STEP_MS)
