/**
 * One bucket of a service that speaks S3: puts, gets, lists and removes objects, in bounded memory.
 *
 * Every body is signed with its SHA-256, so what arrives is what was read, or is refused.
 */
import { open } from 'node:fs/promises'
import { S3Error } from './errors.ts'
import {
  createSender,
  isWholeAddress,
  watched,
  type Query,
  type Sender,
  type SenderOptions,
} from './sender.ts'
import { listOf, textOf } from './xml.ts'

export interface S3Options extends SenderOptions {
  /** Larger files go in parts of this size, each held in memory while it is sent. @default 8 MiB */
  readonly partBytes?: number
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

export function openS3(options: S3Options): S3Client {
  const { partBytes = PART_BYTES } = options
  const sender = createSender(options)
  const { send, done } = sender
  return {
    async putFile(key, path, signal) {
      await using file = await open(path, 'r')
      const { size } = await file.stat()
      const parts = readParts(file, Math.max(partBytes, Math.ceil(size / PARTS_MAX)))
      if (size > partBytes) return await putParts(sender, key, parts, signal)
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
      for await (const page of listPages(sender, { 'list-type': '2', prefix }))
        for (const item of listOf(page, 'Contents')) {
          const key = textOf(item, 'Key') ?? ''
          if (isWholeAddress(key)) yield { key, sizeBytes: Number(textOf(item, 'Size')) }
        }
    },
    remove: (key) => done({ method: 'DELETE', key }),
    async removeUnfinished(prefix) {
      const found: { key: string; uploadId: string }[] = []
      for await (const page of listPages(sender, { uploads: '', prefix }))
        for (const item of listOf(page, 'Upload'))
          found.push({ key: textOf(item, 'Key') ?? '', uploadId: textOf(item, 'UploadId') ?? '' })
      for (const { key, uploadId } of found) await done({ method: 'DELETE', key, query: { uploadId } })
    },
  }
}

async function putParts(
  { send, done, sendForXml }: Sender,
  key: string,
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
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

async function* listPages({ sendForXml }: Sender, query: Query): AsyncGenerator<string> {
  for (let [token, seen]: [Query, string | null] = [{}, null]; ;) {
    const page = await sendForXml({ method: 'GET', query: { ...query, ...token } })
    yield page
    if (textOf(page, 'IsTruncated') !== 'true') return
    const [next, key, id] = ['NextContinuationToken', 'NextKeyMarker', 'NextUploadIdMarker'].map((name) =>
      textOf(page, name),
    )
    token = next ? { 'continuation-token': next } : { 'key-marker': key ?? '', 'upload-id-marker': id ?? '' }
    const place = JSON.stringify(token)
    if (place === seen) throw new S3Error('It lists the same page again and again.', { status: null })
    seen = place
  }
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

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
