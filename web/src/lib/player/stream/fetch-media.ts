/** Fetches playlists and segments: bounded in time, measured, and kept in memory while they are asked for twice. */
import { BACKGROUND_HEADERS, proveWork } from '#lib/api/client.ts'
import { parseMaster, parseMedia, type MediaPlaylist, type Variant } from './playlist.ts'
import { fetchMedia, hasOtherOrigins, leaveOrigin } from './media-origins.ts'
import { bandwidth } from './network.ts'

const PLAYLIST_TIMEOUT_MS = 8000
/** A transfer that has brought nothing for so long is dead. */
const IDLE_TIMEOUT_MS = 8000
/** The same, while there is another place to go to: what is buffered bridges it. */
const LEAVING_TIMEOUT_MS = 1_500

/** The answer had a status that says no. */
export class MediaStatusError extends Error {
  override readonly name = 'MediaStatusError'
  readonly status: number
  /** When the server wishes to be asked again; null: it does not say. */
  readonly retryAfterMs: number | null
  constructor(response: Response) {
    super(`${response.url} answered ${response.status}`)
    this.status = response.status
    const seconds = Number(response.headers.get('retry-after'))
    this.retryAfterMs = seconds > 0 ? seconds * 1000 : null
  }
}

export interface MediaFetch {
  /** It may not be watched at all: the server puts it last. @default false */
  readonly isAhead?: boolean
}

const headersOf = ({ isAhead = false }: MediaFetch): HeadersInit => (isAhead ? BACKGROUND_HEADERS : {})

/** Who asks too often may have to prove work, and asks once more with the proof. */
async function fetchProven(url: string, how: RequestInit & { signal: AbortSignal }): Promise<Response> {
  const response = await fetchMedia(url, how)
  return response.status === 429 && (await proveWork()) ? fetchMedia(url, how) : response
}

const MAX_REMEMBERED = 64
const remembered = new Map<string, Promise<unknown>>()

/** Remembers a promise by its address, so that prefetch and player share one request; failures are forgotten. */
function once<T>(key: string, make: () => Promise<T>): Promise<T> {
  const known = remembered.get(key) as Promise<T> | undefined
  if (known) return known
  const made = make()
  remembered.set(key, made)
  made.catch(() => remembered.delete(key))
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!)
  return made
}

async function fetchText(url: string, how: MediaFetch): Promise<string> {
  const response = await fetchProven(url, {
    headers: headersOf(how),
    signal: AbortSignal.timeout(PLAYLIST_TIMEOUT_MS),
  })
  if (!response.ok) throw new MediaStatusError(response)
  return response.text()
}

export function readMaster(url: string, how: MediaFetch = {}): Promise<Variant[]> {
  const absolute = new URL(url, location.href).href
  return once(absolute, async () => parseMaster(await fetchText(absolute, how), absolute))
}

/** A playlist that is complete is remembered; one that grows is read anew. */
export async function readMedia(url: string, how: MediaFetch = {}): Promise<MediaPlaylist> {
  const media = await once(url, async () => parseMedia(await fetchText(url, how), url))
  if (!media.isComplete) remembered.delete(url)
  return media
}

/** An initialisation segment (about a kilobyte), remembered. */
export function readInit(url: string, how: MediaFetch = {}): Promise<ArrayBuffer> {
  return once(url, async () => {
    const response = await fetchProven(url, {
      headers: headersOf(how),
      signal: AbortSignal.timeout(PLAYLIST_TIMEOUT_MS),
    })
    if (!response.ok) throw new MediaStatusError(response)
    return response.arrayBuffer()
  })
}

export interface TransferProgress {
  readonly receivedBytes: number
  readonly sizeBytes: number | null
  readonly elapsedMs: number
}

/**
 * Streams a segment to `onChunk` as it arrives, so that the first frame need not wait for the last byte.
 *
 * @throws {MediaStatusError} for an answer that says no; a TypeError or AbortError when the network does.
 */
export async function streamSegment(
  url: string,
  signal: AbortSignal,
  onChunk: (chunk: Uint8Array<ArrayBuffer>, progress: TransferProgress) => void | Promise<void>,
  how: MediaFetch = {},
): Promise<void> {
  const idle = new AbortController()
  const giveUp = () => idle.abort(new DOMException('', 'TimeoutError'))
  // Before its head comes, the places themselves are left one after the other.
  let timer = setTimeout(giveUp, IDLE_TIMEOUT_MS)
  const touch = () => {
    clearTimeout(timer)
    timer = setTimeout(giveUp, hasOtherOrigins() ? LEAVING_TIMEOUT_MS : IDLE_TIMEOUT_MS)
  }
  try {
    const response = await fetchProven(url, {
      headers: headersOf(how),
      signal: AbortSignal.any([signal, idle.signal]),
    })
    if (!response.ok || !response.body) throw new MediaStatusError(response)
    const startedMs = performance.now()
    const sizeBytes = Number(response.headers.get('content-length')) || null
    const reader = response.body.getReader()
    let receivedBytes = 0
    for (;;) {
      touch()
      const { done, value } = await reader.read()
      if (done) break
      receivedBytes += value.byteLength
      await onChunk(value, { receivedBytes, sizeBytes, elapsedMs: performance.now() - startedMs })
    }
    bandwidth().add(receivedBytes, performance.now() - startedMs)
  } catch (error) {
    if (!signal.aborted && !(error instanceof MediaStatusError)) leaveOrigin()
    throw error
  } finally {
    clearTimeout(timer)
  }
}
