/**
 * One bucket of a service that speaks S3: puts, gets, lists and removes objects, in bounded memory.
 *
 * Every body is signed with its SHA-256, so what arrives is what was read, or is refused.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3Error, toS3Error } from './errors.ts'
import { encode, signRequest, type S3Credentials } from './sign-request.ts'
import { listOf, textOf } from './xml.ts'

export interface S3Options {
  /** Null: Amazon's own, by the region. */
  readonly endpoint: string | null
  readonly region: string
  readonly bucket: string
  readonly credentials: S3Credentials
  /** Larger files go in parts of this size, each held in memory while it is sent. @default 8 MiB */
  readonly partBytes?: number
  /** Between attempts, doubled each time. @default 500 */
  readonly pauseMs?: number
}

export interface S3Client {
  /** Puts the file there, whole or not at all. */
  putFile(key: string, path: string, signal: AbortSignal): Promise<void>
  put(key: string, body: Uint8Array, signal: AbortSignal): Promise<void>
  /** The bytes from the first to the last. @throws {S3Error} with status 404 when there is no such object */
  get(key: string): AsyncGenerator<Uint8Array>
  has(key: string): Promise<boolean>
  /** Without those whose key no address can name. */
  list(prefix: string): AsyncGenerator<{ readonly key: string; readonly sizeBytes: number }>
  remove(key: string): Promise<void>
  /** Gives up uploads in parts that nobody ended. */
  removeUnfinished(prefix: string): Promise<void>
}

/** S3 takes no more parts than this for one object. */
const PARTS_MAX = 10_000
const PART_BYTES = 8 * 1024 * 1024
const ATTEMPTS = 4
/** Of one request with at most a part for a body, and of each piece of an answer. */
const PATIENCE_MS = 60_000
const XML_MAX_BYTES = 16 * 1024 * 1024

type Query = Readonly<Record<string, string>>

interface Send {
  readonly method: 'GET' | 'PUT' | 'POST' | 'HEAD' | 'DELETE'
  readonly key?: string
  readonly query?: Query
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

const never = new AbortController().signal

export function openS3(options: S3Options): S3Client {
  const { partBytes = PART_BYTES, pauseMs = 500 } = options
  const root = rootOf(options)

  async function sendOnce({ method, key = '', query = {}, body, signal = never }: Send): Promise<Response> {
    if (!isWholeAddress(key))
      throw new S3Error(`${key} can't be asked for: it would name another object.`, { status: 400 })
    const url = new URL(root + key.split('/').map(encode).join('/'))
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    // Spaces are %20 in what is signed, and must be in what is sent.
    url.search = url.search.replaceAll('+', '%20')
    const headers = signRequest(
      {
        ...{ method, url, headers: {}, region: options.region, at: new Date() },
        bodySha256: createHash('sha256')
          .update(body ?? '')
          .digest('hex'),
      },
      options.credentials,
    )
    const { host: _host, ...sent } = headers
    const answering = new AbortController()
    const timer = setTimeout(() => answering.abort(new Error('It did not answer in time.')), PATIENCE_MS)
    try {
      const response = await fetch(url, {
        ...{ method, headers: sent, redirect: 'manual' },
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

  /** What may go better the next time is tried again. */
  async function send(request: Send): Promise<Response> {
    for (let attempt = 1; ; attempt++)
      try {
        return await sendOnce(request)
      } catch (error) {
        if (!(error instanceof S3Error) || !error.isPassing || attempt === ATTEMPTS) throw error
        await sleep(pauseMs * 2 ** (attempt - 1), undefined, { signal: request.signal ?? never })
      }
  }

  async function done(request: Send): Promise<void> {
    const { body } = await send(request)
    await body?.cancel()
  }
  const sendForXml = async (request: Send): Promise<string> => readText(await send(request))

  async function putParts(key: string, parts: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const begun = await sendForXml({ method: 'POST', key, query: { uploads: '' }, signal })
    const uploadId = textOf(begun, 'UploadId')
    if (uploadId === null) throw new S3Error('It began no upload in parts.', { status: null })
    try {
      const tags: string[] = []
      for await (const body of parts) {
        const query = { partNumber: String(tags.length + 1), uploadId }
        const response = await send({ method: 'PUT', key, query, body, signal })
        await response.body?.cancel()
        tags.push(response.headers.get('etag') ?? '')
      }
      const lines = tags.map(
        (tag, place) => `<Part><PartNumber>${place + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
      )
      const body = Buffer.from(`<CompleteMultipartUpload>${lines.join('')}</CompleteMultipartUpload>`)
      const ended = await sendForXml({ method: 'POST', key, query: { uploadId }, body, signal })
      // The answer begins before the parts are joined: it can be 200 and tell of a failure.
      const code = textOf(ended, 'Code')
      if (code !== null) throw new S3Error(`${code}: ${textOf(ended, 'Message') ?? ''}`, { status: null })
    } catch (error) {
      await done({ method: 'DELETE', key, query: { uploadId } }).catch(() => {})
      throw error
    }
  }

  async function* listPages(query: Query): AsyncGenerator<string> {
    for (let token: Query = {}; ;) {
      const page = await sendForXml({ method: 'GET', query: { ...query, ...token } })
      yield page
      if (textOf(page, 'IsTruncated') !== 'true') return
      const [next, key, id] = ['NextContinuationToken', 'NextKeyMarker', 'NextUploadIdMarker'].map((name) =>
        textOf(page, name),
      )
      token = next
        ? { 'continuation-token': next }
        : { 'key-marker': key ?? '', 'upload-id-marker': id ?? '' }
    }
  }

  return {
    async putFile(key, path, signal) {
      await using file = await open(path, 'r')
      const { size } = await file.stat()
      const parts = readParts(file, Math.max(partBytes, Math.ceil(size / PARTS_MAX)))
      if (size > partBytes) return await putParts(key, parts, signal)
      const pieces: Uint8Array[] = []
      for await (const piece of parts) pieces.push(piece)
      await done({ method: 'PUT', key, body: Buffer.concat(pieces), signal })
    },
    put: (key, body, signal) => done({ method: 'PUT', key, body, signal }),
    async *get(key) {
      const cutting = new AbortController()
      const response = await send({ method: 'GET', key, signal: cutting.signal })
      try {
        yield* watched(response, cutting)
      } finally {
        cutting.abort()
      }
    },
    async has(key) {
      try {
        await done({ method: 'HEAD', key })
        return true
      } catch (error) {
        if (error instanceof S3Error && error.status === 404) return false
        throw error
      }
    },
    async *list(prefix) {
      for await (const page of listPages({ 'list-type': '2', prefix }))
        for (const item of listOf(page, 'Contents')) {
          const key = textOf(item, 'Key') ?? ''
          if (isWholeAddress(key)) yield { key, sizeBytes: Number(textOf(item, 'Size')) }
        }
    },
    remove: (key) => done({ method: 'DELETE', key }),
    async removeUnfinished(prefix) {
      const found: { key: string; uploadId: string }[] = []
      for await (const page of listPages({ uploads: '', prefix }))
        for (const item of listOf(page, 'Upload'))
          found.push({ key: textOf(item, 'Key') ?? '', uploadId: textOf(item, 'UploadId') ?? '' })
      for (const { key, uploadId } of found) await done({ method: 'DELETE', key, query: { uploadId } })
    },
  }
}

/** S3 allows such keys, and whoever may write to a folder can make one; as an address it leads out of that folder. */
const isWholeAddress = (key: string): boolean => !key.split('/').some((part) => part === '.' || part === '..')

/** With a slash at its end. A service of one's own is asked by the path: its certificate knows no buckets. */
function rootOf({ endpoint, region, bucket }: S3Options): string {
  if (endpoint !== null) return `${endpoint.replace(/\/$/, '')}/${bucket}/`
  return bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com/${bucket}/`
    : `https://${bucket}.s3.${region}.amazonaws.com/`
}

async function* readParts(
  file: Awaited<ReturnType<typeof open>>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const part = Buffer.allocUnsafe(sizeBytes)
    let length = 0
    while (length < sizeBytes) {
      const { bytesRead } = await file.read(part, length, sizeBytes - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > 0) yield part.subarray(0, length)
    if (length < sizeBytes) return
  }
}

/** Ends an answer that stands still. */
async function* watched(response: Response, cutting: AbortController): AsyncGenerator<Uint8Array> {
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
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of watched(response, new AbortController())) {
    pieces.push(piece)
    sizeBytes += piece.byteLength
    if (sizeBytes > XML_MAX_BYTES) throw new S3Error('It answered at too great length.', { status: null })
  }
  return Buffer.concat(pieces).toString()
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message || message : message
}
