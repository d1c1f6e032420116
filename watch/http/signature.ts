/**
 * Signed messages of programs: pushers of traffic and markers, agents, Alertmanager. A message names its key, its time and
 * a nonce; what is signed is the method, the path, both of these and the hash of the exact bytes of the body.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import type { Statement } from '../store/index.ts'

export type Key = ServiceEntry['keys'][number]
export type Right = Key['may'][number]

/** How far the sender's clock may be off, and how long a message may travel. */
export const MAX_SKEW_MS = 5 * 60_000
const NONCE = /^[A-Za-z0-9_-]{16,64}$/

export interface SignedHeaders {
  readonly 'upbeat-key': string
  /** Milliseconds since 1970. */
  readonly 'upbeat-timestamp': string
  readonly 'upbeat-nonce': string
  /** Base64. */
  readonly 'upbeat-signature': string
}

interface Message {
  readonly method: string
  /** With the query, as sent. */
  readonly path: string
  readonly timestamp: string
  readonly nonce: string
  readonly body: Uint8Array
}

function textToSign({ method, path, timestamp, nonce, body }: Message): Buffer {
  const hash = createHash('sha256').update(body).digest('hex')
  return Buffer.from(`${method}\n${path}\n${timestamp}\n${nonce}\n${hash}`)
}

export type SigningKey =
  | { readonly algorithm: 'hmac-sha256'; readonly secret: string }
  | { readonly algorithm: 'ed25519'; readonly privateKey: KeyObject }

/** Signs a message; its headers go with it. */
export function signMessage(
  keyId: string,
  key: SigningKey,
  message: { readonly method: string; readonly path: string; readonly body: Uint8Array },
  at: { readonly nowMs: number; readonly nonce: string },
): SignedHeaders {
  const timestamp = String(at.nowMs)
  const text = textToSign({ ...message, timestamp, nonce: at.nonce })
  const signature =
    key.algorithm === 'ed25519'
      ? sign(null, text, key.privateKey)
      : createHmac('sha256', key.secret).update(text).digest()
  return {
    'upbeat-key': keyId,
    'upbeat-timestamp': timestamp,
    'upbeat-nonce': at.nonce,
    'upbeat-signature': signature.toString('base64'),
  }
}

export interface VerifiedMessage {
  readonly keyId: string
  /** Those of the services asked about whose key of this name signed it and may do this. */
  readonly services: readonly ServiceEntry[]
  /** To be written in one unit with what the message brings: a second time the unit is undone. */
  readonly takeOnce: Statement
}

/**
 * Checks who sent the message and that it was not seen before.
 *
 * @throws {WatchError} signature-wrong, message-stale, message-replayed, not-allowed
 */
export function verifyMessage(
  ctx: WatchCtx,
  request: FastifyRequest,
  input: { readonly body: Uint8Array; readonly services: readonly ServiceEntry[]; readonly right: Right },
): VerifiedMessage {
  const { keyId, timestamp, nonce, signature, text } = readSigned(request, input.body)
  const signed = input.services.filter((entry) =>
    entry.keys.some((key) => key.id === keyId && isSignedBy(key, text, signature)),
  )
  if (signed.length === 0) throw new WatchError('signature-wrong')
  refuseStale(ctx, timestamp)
  const services = signed.filter((entry) =>
    entry.keys.some(
      (key) => key.id === keyId && key.may.includes(input.right) && isSignedBy(key, text, signature),
    ),
  )
  if (services.length === 0)
    throw new WatchError('not-allowed', { detail: `The key ${keyId} may not push ${input.right}.` })
  return { keyId, services, takeOnce: takeOnce(ctx, keyId, nonce) }
}

/** What another watch signed, with the key that belongs to its name. */
export interface VerifiedPeer {
  /** How it calls itself. */
  readonly id: string
  /** To be signed again with the answer, so that an answer belongs to one question. */
  readonly nonce: string
  readonly takeOnce: Statement
}

/**
 * Checks that the other watch sent the message, and that it was not seen before.
 *
 * @throws {WatchError} signature-wrong, message-stale, message-replayed
 */
export function verifyPeer(
  ctx: WatchCtx,
  request: FastifyRequest,
  input: { readonly body: Uint8Array; readonly keys: ReadonlyMap<string, KeyObject> },
): VerifiedPeer {
  const { keyId, timestamp, nonce, signature, text } = readSigned(request, input.body)
  const key = input.keys.get(keyId)
  if (!key || !isEd25519Of(key, text, signature)) throw new WatchError('signature-wrong')
  refuseStale(ctx, timestamp)
  return { id: keyId, nonce, takeOnce: takeOnce(ctx, `peer:${keyId}`, nonce) }
}

/** Who signed an answer, as the answer to the question with this nonce; null: nobody whose key is known. */
export function signerOfAnswer(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  answer: {
    readonly method: string
    readonly path: string
    readonly nonce: string
    readonly body: Uint8Array
  },
  keys: ReadonlyMap<string, KeyObject>,
): string | null {
  const id = headers['upbeat-key']
  const timestamp = headers['upbeat-timestamp']
  const signature = headers['upbeat-signature']
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return null
  const key = keys.get(id)
  if (!key || signature.length > 200) return null
  const text = textToSign({ ...answer, timestamp })
  return isEd25519Of(key, text, Buffer.from(signature, 'base64')) ? id : null
}

interface SignedParts {
  readonly keyId: string
  readonly timestamp: string
  readonly nonce: string
  readonly signature: Buffer
  readonly text: Buffer
}

function readSigned(request: FastifyRequest, body: Uint8Array): SignedParts {
  const header = (name: keyof SignedHeaders): string => {
    const value = request.headers[name]
    if (typeof value !== 'string' || value.length > 200)
      throw new WatchError('signature-wrong', { detail: `The header ${name} is missing.` })
    return value
  }
  const keyId = header('upbeat-key')
  const timestamp = header('upbeat-timestamp')
  const nonce = header('upbeat-nonce')
  const signature = Buffer.from(header('upbeat-signature'), 'base64')
  if (!NONCE.test(nonce))
    throw new WatchError('signature-wrong', { detail: 'The nonce takes 16 to 64 letters, digits, - and _.' })
  const text = textToSign({ method: request.method, path: request.url, timestamp, nonce, body })
  return { keyId, timestamp, nonce, signature, text }
}

function refuseStale(ctx: WatchCtx, timestamp: string): void {
  const nowMs = ctx.clock.now().getTime()
  if (!/^\d{10,15}$/.test(timestamp) || Math.abs(nowMs - Number(timestamp)) > MAX_SKEW_MS)
    throw new WatchError('message-stale', { facts: { serverTimeMs: nowMs } })
}

/** @throws {WatchError} message-replayed */
function takeOnce(ctx: WatchCtx, keyId: string, nonce: string): Statement {
  const seen = ctx.store.get('select 1 from taken_nonce where key_id = :keyId and nonce = :nonce', {
    keyId,
    nonce,
  })
  if (seen) throw new WatchError('message-replayed')
  return {
    sql: 'insert into taken_nonce (key_id, nonce, at_ms) values (:keyId, :nonce, :nowMs) on conflict do nothing',
    params: { keyId, nonce, nowMs: ctx.clock.now().getTime() },
    mustChange: true,
  }
}

/**
 * Writes what a message brings, once.
 *
 * @throws {WatchError} message-replayed
 */
export async function writeOnce(
  ctx: WatchCtx,
  message: Pick<VerifiedMessage, 'takeOnce'>,
  statements: readonly Statement[],
): Promise<void> {
  try {
    await ctx.store.write([message.takeOnce, ...statements])
  } catch (error) {
    if (error instanceof WatchError && error.code === 'changed-meanwhile')
      throw new WatchError('message-replayed', { cause: error })
    throw error
  }
}

function isSignedBy(key: Key, text: Buffer, signature: Buffer): boolean {
  if (key.algorithm === 'hmac-sha256') return isHmacOf(key.secret!, text, signature)
  try {
    return isEd25519Of(createPublicKey(key.publicKey!), text, signature)
  } catch {
    return false
  }
}

const isEd25519Of = (publicKey: KeyObject, text: Buffer, signature: Buffer): boolean =>
  verify(null, text, publicKey, signature)

function isHmacOf(secret: string, text: Buffer, signature: Buffer): boolean {
  const expected = createHmac('sha256', secret).update(text).digest()
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}

/** Keeps the exact bytes of JSON bodies, which are what is signed. */
export interface SignedBody {
  readonly bytes: Buffer
  readonly json: unknown
}

/** What was sent; a request without a body has no bytes, which its signature must fit. */
export const signedBodyOf = (request: FastifyRequest): SignedBody =>
  (request.body as SignedBody | null | undefined) ?? { bytes: Buffer.alloc(0), json: null }

/** A content type parser for routes that take signed messages. */
export function parseSignedBody(
  _request: FastifyRequest,
  bytes: Buffer,
  done: (error: Error | null, body?: SignedBody) => void,
): void {
  try {
    done(null, { bytes, json: bytes.length > 0 ? JSON.parse(bytes.toString('utf8')) : null })
  } catch {
    done(new WatchError('invalid-input', { detail: 'The body is no JSON.' }))
  }
}
