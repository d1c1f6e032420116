/** What stands behind an edge: an origin with known segments, or the product itself, that fails as it is told. */
import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { serveLocally } from './local-server.ts'

export type OriginFault = 'none' | 'fails' | 'hangs' | 'flips' | 'truncates'

export interface FaultyOrigin extends AsyncDisposable {
  readonly url: string
  /** Every request that came, with when and from which edge. */
  readonly asked: { readonly path: string; readonly atMs: number; readonly via: string }[]
  /** What happens to the requests of now on, for as many of them as are named. @default all */
  be(fault: OriginFault, times?: number): void
}

export interface FaultyOriginOptions {
  /** Passed on to it; else segments and pictures are made up, and everything else is `{}`. */
  readonly behind?: string
  /** What is made up here all the same. */
  readonly madeUp?: RegExp
  /** Of a made-up segment. @default 65536 */
  readonly segmentBytes?: number
  /** How long one takes, its bytes coming evenly. @default 0 */
  readonly paceMs?: number
}

const PIECE_MS = 25
const FILE = /^\/media\/.+\.(?:m4s|mp4|jpg)$/

/** The bytes of a made-up segment: they depend on its path alone. */
export function segmentBytesOf(path: string, sizeBytes = 65_536): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  let block = createHash('sha256').update(path).digest()
  for (let at = 0; at < sizeBytes; at += block.length) {
    block = createHash('sha256').update(block).digest()
    block.copy(bytes, at)
  }
  return bytes
}

/** Opens it on a free port. */
export async function openFaultyOrigin(options: FaultyOriginOptions = {}): Promise<FaultyOrigin> {
  const asked: { path: string; atMs: number; via: string }[] = []
  let fault: OriginFault = 'none'
  let left = Infinity
  const server = await serveLocally((request, response) => {
    const path = request.url!
    asked.push({ path, atMs: performance.now(), via: String(request.headers['cdn-loop'] ?? '') })
    // Probes tell nothing of how often a thing is asked for; they fail with the rest, and use up no fault.
    const isProbe = path === '/api/v1/state' || path.startsWith('/api/v1/edges/')
    const now = left > 0 ? fault : 'none'
    if (!isProbe && now !== 'none') left -= 1
    if (now === 'hangs' && !(isProbe && left !== Infinity)) return
    if (now === 'fails') return void response.writeHead(500).end()
    const isMadeUp = options.behind === undefined || options.madeUp?.test(path)
    if (!isMadeUp) return passOn(options.behind!, request, response)
    if (!FILE.test(path))
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"items":[],"next":null}')
    sendSegment({ ...options, path, fault: now }, response).catch(() => response.destroy())
  })
  return {
    url: server.url,
    asked,
    be(next, times = Infinity) {
      fault = next
      left = times
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function sendSegment(
  { path, segmentBytes, paceMs = 0, fault }: FaultyOriginOptions & { path: string; fault: OriginFault },
  response: ServerResponse,
): Promise<void> {
  const tail = path.replace(/^\/media\/t\/[^/]+/, '/media')
  const bytes = segmentBytesOf(tail, segmentBytes)
  const digest = createHash('sha256').update(bytes).digest('base64')
  response.writeHead(200, {
    'content-type': tail.endsWith('.jpg') ? 'image/jpeg' : 'video/mp4',
    'repr-digest': `sha-256=:${digest}:`,
    'cache-control': 'public, max-age=31536000, immutable',
    ...(fault !== 'truncates' && { 'content-length': bytes.length }),
  })
  if (fault === 'flips') bytes[bytes.length >> 1]! ^= 1
  const sent = fault === 'truncates' ? bytes.subarray(0, bytes.length >> 1) : bytes
  const pieces = Math.max(1, Math.round(paceMs / PIECE_MS))
  const pieceBytes = Math.ceil(sent.length / pieces)
  for (let at = 0; at < sent.length; at += pieceBytes) {
    response.write(sent.subarray(at, at + pieceBytes))
    if (paceMs > 0) await sleep(PIECE_MS)
  }
  response.end()
}

function passOn(behind: string, request: IncomingMessage, response: ServerResponse): void {
  const { hostname, port } = new URL(behind)
  const { method, url: path, headers } = request
  const onward = httpRequest({ hostname, port, method, path, headers }, (answer) => {
    if (response.destroyed) return void answer.destroy()
    response.writeHead(answer.statusCode!, answer.headers)
    pipeline(answer, response, () => {})
  })
  onward.on('error', () => response.destroy())
  pipeline(request, onward, () => {})
}
