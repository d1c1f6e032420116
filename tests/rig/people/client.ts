/** A person's program for drills: it keeps an account of what was acknowledged, and goes on after each failure. */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt } from '../../../contract/uploads.ts'
import { BrokenPromise, eventually } from '../eventually.ts'

const REQUEST_TIMEOUT_MS = 30_000
const MAX_RETRY_AFTER_MS = 2_000
const SIGN_UP_TIMEOUT_MS = 30_000

export interface DrillClient {
  readonly handle: string
  /** One request. @throws when it gets no answer; an answer of any status is returned */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>
  /** Repeats a JSON request until it is acknowledged (2xx), with one Idempotency-Key. */
  persist<T>(method: string, path: string, body?: unknown): Promise<T>
  receipt(id: string): Promise<Receipt>
  /** What a browser of this account sends: its session, and what the server has told it at the check of that. */
  cookies(): Promise<string>
  /** How many answers were 500: the server did not know what was the matter. */
  readonly unexplainedCount: number
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: BodyInit
  readonly timeoutMs?: number
}

/** Signs up a new account at the product. */
export async function signUp(url: string): Promise<DrillClient> {
  const handle = `drill_${randomUUID().slice(0, 8)}`
  const jar = new Map<string, string>()
  const cookieHeader = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  let unexplainedCount = 0

  const client: DrillClient = {
    handle,
    get unexplainedCount() {
      return unexplainedCount
    },
    async request(method, path, { headers = {}, body, timeoutMs = REQUEST_TIMEOUT_MS } = {}) {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { ...headers, ...(jar.size > 0 && { cookie: cookieHeader() }) },
        ...(body !== undefined && { body, duplex: 'half' }),
        signal: AbortSignal.timeout(timeoutMs),
      } as RequestInit)
      if (response.status === 500) unexplainedCount++
      for (const told of response.headers.getSetCookie()) keep(jar, told)
      return response
    },
    async persist<T>(method: string, path: string, body?: unknown) {
      const headers = {
        'idempotency-key': randomUUID(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      }
      let last = 'no answer'
      const answer = await eventually(60_000, async () => {
        const response = await client.request(method, path, {
          headers,
          ...(body !== undefined && { body: JSON.stringify(body) }),
          timeoutMs: 12_000,
        })
        const text = await response.text()
        last = `${response.status} ${text}`
        if (response.ok) return { value: text ? (JSON.parse(text) as T) : (null as T) }
        // A good client comes back when it is told to; not later, so that a drill ends.
        await sleep(Math.min(MAX_RETRY_AFTER_MS, Number(response.headers.get('retry-after') ?? 0) * 1_000))
        return null
      })
      if (!answer)
        throw new BrokenPromise(`${method} ${path} is acknowledged sooner or later; the last answer: ${last}`)
      return answer.value
    },
    async cookies() {
      await client.request('GET', '/me')
      return cookieHeader()
    },
    async receipt(id) {
      const response = await client.request('GET', `/uploads/${id}`)
      if (!response.ok) throw new Error(`receipt ${id}: ${response.status}`)
      return (await response.json()) as Receipt
    },
  }

  let last = 'no answer'
  const made = await eventually(SIGN_UP_TIMEOUT_MS, async () => {
    const response = await client.request('POST', '/accounts', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle, password: `a password of ${handle}` }),
    })
    if (response.ok) return response
    last = `${response.status} ${await response.text()}`
    // Paused for the moment: it comes back when it is told to.
    if (response.status === 503) await sleep(1_000)
    return response.status === 503 ? null : 'refused'
  })
  if (made === null || made === 'refused') throw new Error(`sign-up: ${last}`)
  return client
}

/** As browsers do, as far as Upbeat asks for it: one that is taken back comes empty. */
function keep(jar: Map<string, string>, told: string): void {
  const [pair] = told.split(';')
  const at = pair!.indexOf('=')
  const [name, value] = [pair!.slice(0, at), pair!.slice(at + 1)]
  if (value === '') jar.delete(name)
  else jar.set(name, value)
}

export interface DrillUpload {
  readonly id: string
  readonly videoId: string
  readonly sha256: string
  readonly sizeBytes: number
  /** The largest offset that the server has acknowledged. */
  readonly acknowledgedBytes: number
  /** The smallest offset that it ever told after having acknowledged more: what it has lost. */
  readonly lostBytes: number
  /** How often a request had to be repeated. */
  readonly retries: number
  /** Sends everything up to this offset, in pieces, going on after each failure. */
  sendUntil(offset: number): Promise<void>
  /** Sends one piece once; gives the status of the answer. */
  sendPiece(): Promise<number>
}

const TUS = { 'tus-resumable': '1.0.0' }
const PIECE_BYTES = 64 * 1024

/** Creates an upload that publishes by itself. */
export async function startUpload(client: DrillClient, bytes: Buffer, caption: string): Promise<DrillUpload> {
  const receipt = await createUpload(client, bytes.length, caption)
  const { readOffset, patch } = speakTus(client, `/uploads/${receipt.id}`, bytes)
  let acknowledgedBytes = 0
  let lostBytes = 0
  let retries = 0

  return {
    id: receipt.id,
    videoId: receipt.videoId,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    sizeBytes: bytes.length,
    get acknowledgedBytes() {
      return acknowledgedBytes
    },
    get lostBytes() {
      return lostBytes
    },
    get retries() {
      return retries
    },
    sendPiece: async () => (await patch(acknowledgedBytes, bytes.length)).status,
    async sendUntil(end) {
      let offset: number | null = acknowledgedBytes
      let last = 'no answer'
      const done = await eventually(60_000, async () => {
        try {
          offset ??= await readOffset()
          if (offset === null) return null
          if (offset < acknowledgedBytes) lostBytes = Math.max(lostBytes, acknowledgedBytes - offset)
          while (offset < end) {
            const response = await patch(offset, end)
            if (response.status !== 204) throw new RefusedError(response.status, await response.text())
            offset = Number(response.headers.get('upload-offset'))
            acknowledgedBytes = Math.max(acknowledgedBytes, offset)
          }
          return true
        } catch (error) {
          retries++
          offset = null
          last = String(error)
          throw error
        }
      })
      if (!done)
        throw new BrokenPromise(
          `An upload gets past ${acknowledgedBytes} of ${end} bytes; the last try: ${last}`,
        )
    },
  }
}

/** Times that somebody comes again who was told when to. */
const RETURNS_MAX = 20

async function createUpload(client: DrillClient, sizeBytes: number, caption: string): Promise<Receipt> {
  const metadata = { filename: 'clip.mp4', filetype: 'video/mp4', caption, publish: '1' }
  const encoded = Object.entries(metadata).map(([key, value]) => `${key} ${btoa(value)}`)
  const headers = {
    ...TUS,
    'upload-length': String(sizeBytes),
    'upload-metadata': encoded.join(','),
    'idempotency-key': randomUUID(),
  }
  let created = await client.request('POST', '/uploads', { headers })
  for (let returns = 0; created.status === 503 && returns < RETURNS_MAX; returns++) {
    await sleep(1_000 * Number(created.headers.get('retry-after') ?? 1))
    created = await client.request('POST', '/uploads', { headers })
  }
  if (!created.ok) throw new RefusedError(created.status, await created.text())
  return (await created.json()) as Receipt
}

function speakTus(client: DrillClient, path: string, bytes: Buffer) {
  return {
    /** Null: it was not told. */
    async readOffset(): Promise<number | null> {
      const response = await client.request('HEAD', path, { headers: TUS })
      const told = response.headers.get('upload-offset')
      return response.ok && told !== null ? Number(told) : null
    },
    /** Sends the next piece, which does not go beyond `end`. */
    patch: (offset: number, end: number): Promise<Response> =>
      client.request('PATCH', path, {
        headers: {
          ...TUS,
          'upload-offset': String(offset),
          'content-type': 'application/offset+octet-stream',
        },
        body: bytes.subarray(offset, Math.min(end, offset + PIECE_BYTES)) as Uint8Array<ArrayBuffer>,
      }),
  }
}

/** An answer that is no success. */
export class RefusedError extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, body: string) {
    super(`${status} ${body}`)
    this.status = status
    this.body = body
  }
}

/** Whether the receipt has come to its end: published with everything encoded, or failed with a reason. */
export const hasEnded = (receipt: Receipt): boolean =>
  receipt.state === 'failed' || (receipt.state === 'complete' && receipt.publishedAt !== null)
