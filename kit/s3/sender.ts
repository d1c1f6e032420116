/** Requests to one bucket: signed, bounded in time, tried again where that may help. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AnswerTooLongError, readBounded } from '../http/read-bounded.ts'
import { S3Error, toS3Error } from './errors.ts'
import { encode, signRequest, type S3Credentials } from './sign-request.ts'

export interface SenderOptions {
  /** Null: Amazon's own, by the region. */
  readonly endpoint: string | null
  readonly region: string
  readonly bucket: string
  readonly credentials: S3Credentials
  /** Between attempts, doubled each time. @default 500 */
  readonly pauseMs?: number
}

export type Query = Readonly<Record<string, string>>

export interface Send {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE'
  readonly key?: string
  readonly query?: Query
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

export interface Sender {
  /** What may go better the next time is tried again. */
  send(request: Send): Promise<Response>
  /** The same, of which nobody wants the answer. */
  done(request: Send): Promise<void>
  sendForXml(request: Send): Promise<string>
}

const ATTEMPTS = 4
/** Of one request with at most a part for a body, and of each piece of an answer. */
const PATIENCE_MS = 60_000
const XML_MAX_BYTES = 16 * 1024 * 1024

const never = new AbortController().signal

export function createSender(options: SenderOptions): Sender {
  const { pauseMs = 500 } = options
  const root = rootOf(options)

  async function send(request: Send): Promise<Response> {
    for (let attempt = 1; ; attempt++)
      try {
        return await sendOnce(options, root, request)
      } catch (error) {
        if (!(error instanceof S3Error) || !error.isPassing || attempt === ATTEMPTS) throw error
        await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal: request.signal ?? never })
      }
  }

  return {
    send,
    async done(request) {
      const { body } = await send(request)
      await body?.cancel()
    },
    sendForXml: async (request) => readText(await send(request)),
  }
}

async function sendOnce(options: SenderOptions, root: string, request: Send): Promise<Response> {
  const { method, key = '', body, signal = never } = request
  if (!isWholeAddress(key))
    throw new S3Error(`${key} can't be asked for: it would name another object.`, { status: 400 })
  const url = addressOf(root, request)
  const answering = new AbortController()
  const timer = setTimeout(() => answering.abort(new Error('It did not answer in time.')), PATIENCE_MS)
  try {
    const response = await fetch(url, {
      ...{ method, headers: sign(options, url, request), redirect: 'manual' },
      signal: AbortSignal.any([signal, answering.signal]),
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    })
    if (response.ok) return response
    throw await toS3Error(response, `${method} ${url.host}${url.pathname}`)
  } catch (cause) {
    if (signal.aborted || cause instanceof S3Error) throw cause
    throw new S3Error(`${url.host} could not be reached: ${reasonOf(cause)}`, { status: null, cause })
  } finally {
    clearTimeout(timer)
  }
}

function addressOf(root: string, { key = '', query = {} }: Send): URL {
  const url = new URL(root + key.split('/').map(encode).join('/'))
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  // Spaces are %20 in what is signed, and must be in what is sent.
  url.search = url.search.replaceAll('+', '%20')
  return url
}

function sign(
  { region, credentials }: SenderOptions,
  url: URL,
  { method, body }: Send,
): Record<string, string> {
  const bodySha256 = createHash('sha256')
    .update(body ?? '')
    .digest('hex')
  const request = { method, url, headers: {}, region, at: new Date(), bodySha256 }
  const { host: _host, ...sent } = signRequest(request, credentials)
  return sent
}

/** S3 allows such keys, and whoever may write to a folder can make one; as an address it leads out of that folder. */
export const isWholeAddress = (key: string): boolean =>
  !key.split('/').some((part) => part === '.' || part === '..')

/** With a slash at its end. A service of one's own is asked by the path: its certificate knows no buckets. */
function rootOf({ endpoint, region, bucket }: SenderOptions): string {
  if (endpoint !== null) return `${endpoint.replace(/\/$/, '')}/${bucket}/`
  return bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com/${bucket}/`
    : `https://${bucket}.s3.${region}.amazonaws.com/`
}

/** Ends an answer that stands still. */
export async function* watched(response: Response, cutting: AbortController): AsyncGenerator<Uint8Array> {
  if (!response.body) return
  const stalled = () => cutting.abort(new Error('It stopped in the middle of an answer.'))
  let timer = setTimeout(stalled, PATIENCE_MS)
  try {
    for await (const piece of response.body) {
      clearTimeout(timer)
      yield piece
      timer = setTimeout(stalled, PATIENCE_MS)
    }
  } catch (cause) {
    throw new S3Error(`An answer broke off: ${reasonOf(cause)}`, { status: null, cause })
  } finally {
    clearTimeout(timer)
  }
}

async function readText(response: Response): Promise<string> {
  const text = await readBounded(watched(response, new AbortController()), XML_MAX_BYTES).catch(
    (error: unknown) => {
      if (!(error instanceof AnswerTooLongError)) throw error
      throw new S3Error('It answered at too great length.', { status: null, cause: error })
    },
  )
  return text.toString()
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message || message : message
}
