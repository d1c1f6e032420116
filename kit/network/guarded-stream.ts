/**
 * An answer without an end, or a WebSocket, from an address that somebody else chose: private ranges refused unless
 * allowed, nothing but what was looked at connected to, redirects not followed, the wait for the beginning bounded.
 */
import { createHash, randomBytes } from 'node:crypto'
import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { addAbortSignal, type Duplex } from 'node:stream'
import { findAllowedAddresses, lookupOf, type ResolveHost } from './guarded-lookup.ts'

export interface GuardedStream {
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Until the answer begins. */
  readonly timeoutMs: number
  /** Ends it, also after it has begun. */
  readonly signal: AbortSignal
  /** Whether the target may lie on this machine or in a private range. @default false */
  readonly allowPrivate?: boolean
  /** @default resolveHost */
  readonly resolve?: ResolveHost
}

/**
 * Asks, and answers as soon as the head of the answer is there; a redirect is an answer like any other.
 *
 * @throws {PrivateAddressError} {ResolveError} and what the connection says
 */
export async function openStream(input: GuardedStream): Promise<IncomingMessage> {
  const request = await begin(input, {})
  return settle(request, input, (resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      addAbortSignal(input.signal, response)
      resolve(response)
    })
    request.end()
  })
}

/** RFC 6455, 1.3. */
const ACCEPT_SALT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Makes the handshake of a WebSocket (`ws:` or `wss:`; RFC 6455, 4.1), without extensions. What came with its end is put
 * back into the socket. Node's own WebSocket looks names up by itself, and can't be held to what was looked at.
 *
 * @throws {PrivateAddressError} {ResolveError} and what the connection says
 */
export async function openWebSocket(input: GuardedStream): Promise<Duplex> {
  const key = randomBytes(16).toString('base64')
  const request = await begin(input, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
  })
  return settle(request, input, (resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      response.destroy()
      reject(new Error(`It answers ${response.statusCode} and opens no WebSocket.`))
    })
    request.once('upgrade', (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      const expected = createHash('sha1').update(`${key}${ACCEPT_SALT}`).digest('base64')
      if (response.headers['sec-websocket-accept'] !== expected) {
        socket.destroy()
        return reject(new Error('What answers speaks no WebSocket.'))
      }
      addAbortSignal(input.signal, socket)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.end()
  })
}

async function begin(input: GuardedStream, handshake: Record<string, string>): Promise<ClientRequest> {
  const { url, signal, allowPrivate = false, resolve } = input
  const addresses = await findAllowedAddresses(url.hostname, { allowPrivate, resolve })
  signal.throwIfAborted()
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:'
  const target = new URL(url)
  target.protocol = isSecure ? 'https:' : 'http:'
  const options: RequestOptions = {
    headers: { 'accept-encoding': 'identity', ...input.headers, ...handshake },
    agent: false,
    lookup: lookupOf(addresses),
    signal,
  }
  return (isSecure ? requestHttps : requestHttp)(target, options)
}

async function settle<T>(
  request: ClientRequest,
  { timeoutMs }: GuardedStream,
  run: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  const timer = setTimeout(
    () => request.destroy(new Error(`No answer within ${Math.round(timeoutMs)} ms.`)),
    timeoutMs,
  )
  try {
    return await new Promise<T>(run)
  } finally {
    clearTimeout(timer)
  }
}
