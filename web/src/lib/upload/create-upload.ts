/** The calls that open an upload: the creating POST of tus, and the index sent ahead of the film. */
import { apiUrl, CLIENT_HEADERS, readAnswer, request } from '#lib/api/client.ts'
import { serverFaultProblem } from '#lib/api/answer-problems.ts'
import { ApiError, offlineProblem, unreachableProblem } from '#lib/api/problem.ts'
import { readReceipt } from '#lib/api/endpoints.ts'
import type { Receipt } from '#lib/api/types.ts'
import type { ByteRange } from './mp4-index.ts'
import { fingerprintIn } from './fingerprint.ts'
import type { Draft, FileMark } from './remembered.ts'

export const TUS_VERSION = '1.0.0'
const CREATE_TIMEOUT_MS = 20_000
const INDEX_TIMEOUT_MS = 60_000
const NAME_MAX_LENGTH = 255

export interface CreatedUpload {
  /** Where the bytes go: the server may have sent us to the machine that takes them. */
  readonly url: string
  readonly receipt: Receipt
}

/**
 * Asks for room and a receipt. The same key gives the same upload, so a lost answer may be asked for again.
 *
 * @throws {ApiError}
 */
export async function createUpload(input: {
  readonly mark: FileMark
  readonly mediaType: string
  readonly draft: Draft
  /** Told by HEAD to whoever goes on with it. */
  readonly fingerprint: string | null
  readonly idempotencyKey: string
  readonly signal: AbortSignal
}): Promise<CreatedUpload> {
  let response: Response
  try {
    response = await fetch(apiUrl('/uploads'), {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...CLIENT_HEADERS,
        'tus-resumable': TUS_VERSION,
        'upload-length': String(input.mark.sizeBytes),
        'upload-metadata': encodeMetadata(metadataOf(input)),
        'idempotency-key': input.idempotencyKey,
      },
      signal: AbortSignal.any([input.signal, AbortSignal.timeout(CREATE_TIMEOUT_MS)]),
    })
  } catch (error) {
    if (input.signal.aborted) throw error
    throw new ApiError(navigator.onLine === false ? offlineProblem() : unreachableProblem(), { cause: error })
  }
  const location = response.headers.get('location')
  if (!response.ok || !location) {
    await readAnswer(response)
    throw new ApiError(unreachableProblem())
  }
  const url = new URL(location, response.url).href
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  const id = new URL(url).pathname.split('/').at(-1)!
  return { url, receipt: isJson ? await readAnswer<Receipt>(response) : await readReceipt(id) }
}

/**
 * The mark of the film that an upload was begun with; null when it has none, or the upload is gone: sending says so then.
 *
 * @throws {ApiError} when the server can't be asked.
 */
export async function readFingerprint(uploadUrl: string): Promise<string | null> {
  const response = await fetch(uploadUrl, {
    method: 'HEAD',
    credentials: 'same-origin',
    headers: { ...CLIENT_HEADERS, 'tus-resumable': TUS_VERSION },
    signal: AbortSignal.timeout(CREATE_TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new ApiError(navigator.onLine === false ? offlineProblem() : unreachableProblem(), { cause: error })
  })
  if (response.status >= 500) throw new ApiError(serverFaultProblem(response.status))
  return fingerprintIn(response.headers.get('upload-metadata'))
}

function metadataOf(input: {
  mark: FileMark
  mediaType: string
  draft: Draft
  fingerprint: string | null
}): Record<string, string> {
  const { caption, visibility, coverAtMs, isPostWanted } = input.draft
  return {
    filename: shortenName(input.mark.name),
    ...(input.mediaType ? { filetype: input.mediaType } : {}),
    ...(caption ? { caption } : {}),
    visibility,
    publish: isPostWanted ? '1' : '0',
    ...(coverAtMs === null ? {} : { coverAtMs: String(coverAtMs) }),
    ...(input.fingerprint ? { fingerprint: input.fingerprint } : {}),
  }
}

/** At most 255 characters, with the ending kept: it is what tells the type. */
export function shortenName(name: string): string {
  if (name.length <= NAME_MAX_LENGTH) return name || 'video'
  const ending = /\.[^.]{1,10}$/.exec(name)?.[0] ?? ''
  return name.slice(0, NAME_MAX_LENGTH - ending.length).toWellFormed() + ending
}

/** `Upload-Metadata` of tus: "comma-separated key-value pairs; the value MUST be Base64 encoded". */
export function encodeMetadata(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${toBase64(value)}`)
    .join(',')
}

function toBase64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''))
}

/** Sends a film's index ahead of it, so that the server can begin to encode. Worth trying only: false when it failed. */
export async function sendIndex(
  uploadId: string,
  file: File,
  index: ByteRange,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const body = file.slice(index.offset, index.offset + index.sizeBytes, 'application/octet-stream')
    await request(`/uploads/${encodeURIComponent(uploadId)}/index`, {
      method: 'PUT',
      body,
      headers: { 'upload-index-offset': String(index.offset) },
      timeoutMs: INDEX_TIMEOUT_MS,
      signal,
    })
    return true
  } catch (error) {
    if (error instanceof ApiError) return false
    throw error
  }
}
