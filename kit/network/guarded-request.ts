/**
 * One HTTP request to an address that somebody else chose: private ranges refused unless allowed (each redirect, too),
 * the body and the time bounded, each phase timed.
 */
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { findAllowedAddresses, lookupOf, PrivateAddressError, type ResolveHost } from './guarded-lookup.ts'
import { ResolveError, type HostAddress } from './resolve-host.ts'

export interface GuardedRequest {
  /** `http:` or `https:`. */
  readonly url: string
  /** @default 'GET' */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | null
  /** For everything, redirects included. */
  readonly timeoutMs: number
  /** What lies beyond is not read. @default 262144 */
  readonly maxBodyBytes?: number
  /** @default 0 */
  readonly maxRedirects?: number
  /** Whether the target may lie on this machine or in a private range. @default false */
  readonly allowPrivate?: boolean
  /** @default true */
  readonly verifyTls?: boolean
  readonly signal?: AbortSignal
  /** How a host becomes addresses. @default resolveHost */
  readonly resolve?: ResolveHost
}

/** Milliseconds of each phase of the last hop; a phase that was not reached is missing. */
export interface RequestPhases {
  dnsMs?: number
  connectMs?: number
  tlsMs?: number
  firstByteMs?: number
  transferMs?: number
}

export interface GuardedResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether there was more than `maxBodyBytes`. */
  readonly isBodyCut: boolean
  /** After redirects. */
  readonly url: string
  readonly address: string | null
  readonly phases: RequestPhases
  readonly durationMs: number
  readonly redirects: number
}

/**
 * `resolver`: nobody could be asked for the address. `private`: the target, or a redirect's, is not public. `protocol`:
 * what answered spoke no HTTP. `aborted`: the caller's signal.
 */
export type GuardedFailure =
  | 'dns'
  | 'resolver'
  | 'private'
  | 'connect'
  | 'tls'
  | 'tls-expired'
  | 'timeout'
  | 'protocol'
  | 'redirects'
  | 'aborted'

export class GuardedRequestError extends Error {
  readonly kind: GuardedFailure
  readonly phases: RequestPhases
  readonly durationMs: number
  /** The hop at which it ended: 0 is the first request. */
  readonly redirects: number

  constructor(
    kind: GuardedFailure,
    message: string,
    at: { phases: RequestPhases; durationMs: number; redirects: number; cause?: unknown },
  ) {
    super(message, { cause: at.cause })
    this.name = 'GuardedRequestError'
    this.kind = kind
    this.phases = at.phases
    this.durationMs = at.durationMs
    this.redirects = at.redirects
  }
}

const DEFAULT_MAX_BODY_BYTES = 262_144
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** Carried along to another origin. Any other may be a secret, whatever its name. */
const HARMLESS_HEADERS = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent'])

/**
 * Sends the request and follows redirects.
 *
 * @throws {GuardedRequestError}
 */
export async function sendGuarded(input: GuardedRequest): Promise<GuardedResponse> {
  const startedMs = performance.now()
  const timeout = AbortSignal.timeout(Math.ceil(input.timeoutMs))
  const signal = input.signal ? AbortSignal.any([timeout, input.signal]) : timeout
  let hop: Hop = {
    url: new URL(input.url),
    method: input.method ?? 'GET',
    headers: { ...input.headers },
    body: input.body ?? null,
  }
  let phases: RequestPhases = {}
  for (let redirects = 0; ; redirects++) {
    phases = {}
    try {
      const answer = await sendHop(hop, input, signal, phases)
      const next = redirects < (input.maxRedirects ?? 0) ? nextHop(hop, answer) : null
      if (!next) return { ...answer, phases, redirects, durationMs: performance.now() - startedMs }
      hop = next
    } catch (error) {
      const at = { phases, redirects, durationMs: performance.now() - startedMs, cause: error }
      if (timeout.aborted)
        throw new GuardedRequestError(
          'timeout',
          `No complete answer within ${Math.round(input.timeoutMs)} ms.`,
          at,
        )
      if (input.signal?.aborted) throw new GuardedRequestError('aborted', 'The request was ended.', at)
      throw new GuardedRequestError(...classify(error, phases, hop.url), at)
    }
  }
}

interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
}

type HopAnswer = Omit<GuardedResponse, 'phases' | 'redirects' | 'durationMs'>

class BadRedirectError extends Error {}

function nextHop(hop: Hop, answer: HopAnswer): Hop | null {
  const { location } = answer.headers
  if (!REDIRECTS.has(answer.status) || location === undefined) return null
  let url: URL
  try {
    url = new URL(location, hop.url)
  } catch {
    throw new BadRedirectError('It redirects to what is no address.')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new BadRedirectError(`It redirects to ${url.protocol}, which is no web address.`)
  const isSameOrigin = url.origin === hop.url.origin
  const becomesGet = answer.status === 303 || (answer.status < 303 && hop.method === 'POST')
  if (!isSameOrigin && !becomesGet && hop.body !== null)
    throw new BadRedirectError(`It redirects what was sent to it to another place, ${url.origin}.`)
  return {
    url,
    method: becomesGet && hop.method !== 'HEAD' ? 'GET' : hop.method,
    body: becomesGet ? null : hop.body,
    headers: isSameOrigin
      ? hop.headers
      : Object.fromEntries(
          Object.entries(hop.headers).filter(([name]) => HARMLESS_HEADERS.has(name.toLowerCase())),
        ),
  }
}

async function sendHop(
  hop: Hop,
  input: GuardedRequest,
  signal: AbortSignal,
  phases: RequestPhases,
): Promise<HopAnswer> {
  const addresses = await findAddresses(hop.url, input, signal, phases)
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, verifyTls = true } = input
  const send = hop.url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const startedMs = performance.now()
    let reachedMs = startedMs
    const lap = (phase: keyof RequestPhases) => {
      const nowMs = performance.now()
      phases[phase] = nowMs - reachedMs
      reachedMs = nowMs
    }
    const options: RequestOptions = {
      method: hop.method,
      headers: { 'accept-encoding': 'identity', ...hop.headers },
      agent: false,
      lookup: lookupOf(addresses),
      rejectUnauthorized: verifyTls,
      signal,
    }
    const request = send(hop.url, options)
    request.on('socket', (socket) => {
      socket.once('connect', () => lap('connectMs'))
      if (hop.url.protocol === 'https:') (socket as TLSSocket).once('secureConnect', () => lap('tlsMs'))
    })
    request.on('error', reject)
    request.on('response', (response) => {
      lap('firstByteMs')
      const address = response.socket.remoteAddress ?? null
      readBody(response, maxBodyBytes).then(
        ({ body, isCut }) => {
          lap('transferMs')
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            body,
            isBodyCut: isCut,
            url: hop.url.href,
            address,
          })
        },
        (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))),
      )
    })
    request.end(hop.body ?? undefined)
  })
}

async function findAddresses(
  url: URL,
  input: GuardedRequest,
  signal: AbortSignal,
  phases: RequestPhases,
): Promise<HostAddress[]> {
  const startedMs = performance.now()
  const { allowPrivate = false, resolve } = input
  const finding = findAllowedAddresses(url.hostname, { allowPrivate, resolve })
  const addresses = await Promise.race([finding, rejectOn(signal)])
  phases.dnsMs = performance.now() - startedMs
  return addresses
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(new Error('aborted'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly body: Buffer; readonly isCut: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    response.on('data', (chunk: Buffer) => {
      const room = maxBytes - sizeBytes
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      sizeBytes += Math.min(chunk.length, room)
      if (chunk.length <= room) return
      resolve({ body: Buffer.concat(chunks), isCut: true })
      response.destroy()
    })
    response.on('end', () => resolve({ body: Buffer.concat(chunks), isCut: false }))
    response.on('error', reject)
    // A connection that ends within the body.
    response.on('close', () => reject(new Error('The answer was cut off.')))
  })
}

const EXPIRED = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

function classify(error: unknown, phases: RequestPhases, url: URL): [GuardedFailure, string] {
  if (error instanceof ResolveError) return [error.kind === 'no-answer' ? 'dns' : 'resolver', error.message]
  if (error instanceof PrivateAddressError) return ['private', error.message]
  if (error instanceof BadRedirectError) return ['redirects', error.message]
  const { code = '', message } = firstOf(error as NodeJS.ErrnoException & { errors?: Error[] })
  if (EXPIRED.has(code)) return ['tls-expired', message]
  if (phases.connectMs !== undefined && url.protocol === 'https:' && phases.tlsMs === undefined)
    return ['tls', message]
  if (code.startsWith('HPE_')) return ['protocol', `What answered does not speak HTTP (${code}).`]
  if (/CERT|SSL|TLS/.test(code)) return ['tls', message]
  return ['connect', message || code]
}

/** Of several addresses that were tried, the first one's error speaks. */
const firstOf = (error: NodeJS.ErrnoException & { errors?: Error[] }): NodeJS.ErrnoException =>
  (error.errors?.[0] as NodeJS.ErrnoException | undefined) ?? error
