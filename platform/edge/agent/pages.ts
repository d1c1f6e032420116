/** Playlists, pictures and JSON that everyone gets alike: fetched once for all who ask at the same time; nginx keeps them. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCoalescer } from '../core/coalesce.ts'
import { DigestMismatchError, TooLargeError } from '../mirror/mirror.ts'
import { askSource, readReprDigest } from './ask.ts'
import { SourceStatusError, type Sources } from './sources.ts'

export interface PageAsked {
  readonly path: string
  readonly host: string
  readonly forwarded: Readonly<Record<string, string>>
  /** nginx has an old one, and whoever asks next over the same connection waits until this is answered. */
  readonly isOldKept: boolean
}

export interface Page {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: Buffer
  /** How long nginx may take it for fresh, in seconds. */
  readonly freshS: number
}

export interface Pages {
  /** @throws when no source gives it */
  find(asked: PageAsked): Promise<Page>
}

export interface PagesOptions {
  readonly sources: Sources
  readonly statusUrl: string | null
  readonly fetchTimeoutMs: number
  readonly isCoalescing: boolean
  readonly areDigestsOn: boolean
}

const PAGE_MAX_BYTES = 8 * 1024 ** 2
const STATUS_PATH = '/status.json'
const STATUS_FRESH_S = 2
const FAILURE_KEPT_MS = 1_500
/** Longer than a source that is well takes; what comes later is handed out with the next question. */
const PATIENCE_WITH_OLD_MS = 400
const LATE_KEPT_MS = 5_000
const LATE_MAX = 200
/** Of the connection alone, or said anew by nginx. */
const NOT_PASSED_ON = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'date',
])

/** A new one is not to be had soon, and there is an old one. */
class LateError extends Error {
  override readonly name = 'LateError'
}

/** Opens the way of pages. */
export function openPages(options: PagesOptions): Pages {
  const { sources, statusUrl, fetchTimeoutMs, isCoalescing, areDigestsOn } = options
  const fetching = createCoalescer<PageAsked, Page>({
    nowMs: () => performance.now(),
    pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    random: Math.random,
    timeoutMs: fetchTimeoutMs,
    failureKeptMs: FAILURE_KEPT_MS,
    isOn: isCoalescing,
    fetchOnce: async (asked, { attempt, signal }) => {
      if (asked.path === STATUS_PATH && statusUrl !== null) return fetchStatus(statusUrl, signal)
      const { answer, source } = await sources.ask(asked.path, {
        ...{ path: asked.path, attempt, signal, isForEdge: true },
        headers: { ...asked.forwarded, host: asked.host, 'want-repr-digest': 'sha-256=10' },
      })
      try {
        const page = await readPage(answer)
        if (page.status >= 500) throw new SourceStatusError(source.name, page.status)
        if (areDigestsOn) checkDigest(page)
        sources.note(source, true)
        return page
      } catch (error) {
        // Whoever brings something else than it says is not well; one that says no has been noted.
        if (error instanceof DigestMismatchError) sources.note(source, false)
        throw error
      } finally {
        answer.destroy()
      }
    },
  })
  const late = openLate()
  return {
    async find(asked) {
      const key = `${asked.host}${asked.path}`
      const found = late.take(key)
      if (found) return found
      const getting = fetching.get(key, asked)
      if (!asked.isOldKept) return getting
      const isDone = getting.then(
        () => true,
        () => true,
      )
      if (await Promise.race([isDone, sleep(PATIENCE_WITH_OLD_MS, false)])) return getting
      getting.then(
        (page) => late.put(key, page),
        () => {},
      )
      throw new LateError('No source gives a new one soon.')
    },
  }
}

/** Where a digest is stated, as of pictures, nothing else is kept. @throws {DigestMismatchError} */
function checkDigest({ status, headers, body }: Page): void {
  const stated = status === 200 ? readReprDigest(headers['repr-digest']) : null
  const actual = stated && createHash('sha256').update(body).digest('hex')
  if (stated !== null && actual !== stated) throw new DigestMismatchError(stated, actual!)
}

/** Pages that came after nobody waited for them any more. */
function openLate() {
  const kept = new Map<string, { readonly page: Page; readonly untilMs: number }>()
  return {
    put(key: string, page: Page): void {
      kept.delete(key)
      kept.set(key, { page, untilMs: performance.now() + LATE_KEPT_MS })
      if (kept.size > LATE_MAX) kept.delete(kept.keys().next().value!)
    },
    take(key: string): Page | null {
      const found = kept.get(key)
      kept.delete(key)
      return found && found.untilMs > performance.now() ? found.page : null
    },
  }
}

async function fetchStatus(url: string, signal: AbortSignal): Promise<Page> {
  const { origin, pathname, search } = new URL(url)
  const answer = await askSource(origin, { path: pathname + search, signal })
  const page = await readPage(answer)
  if (page.status !== 200) throw new SourceStatusError('the watch', page.status)
  return { ...page, freshS: STATUS_FRESH_S }
}

async function readPage(answer: Awaited<ReturnType<typeof askSource>>): Promise<Page> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    sizeBytes += part.length
    if (sizeBytes > PAGE_MAX_BYTES) throw new TooLargeError(PAGE_MAX_BYTES)
    parts.push(part)
  }
  const headers = Object.fromEntries(
    Object.entries(answer.headers).filter(
      (entry): entry is [string, string | string[]] => !NOT_PASSED_ON.has(entry[0]) && entry[1] !== undefined,
    ),
  )
  const status = answer.statusCode!
  return {
    status,
    headers,
    body: Buffer.concat(parts),
    freshS: status === 200 ? freshnessOf(answer.headers) : 0,
  }
}

/**
 * How long a shared cache may take an answer for fresh: what is said to such caches goes first (RFC 9213), then `s-maxage`,
 * then `max-age` of what is public (RFC 9111).
 *
 * @returns seconds; 0: it must not be kept
 */
export function freshnessOf(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  const targeted = headers['cdn-cache-control']
  const all = String(targeted ?? headers['cache-control'] ?? '').toLowerCase()
  if (headers['set-cookie'] !== undefined || /\b(?:no-store|private|no-cache)\b/.test(all)) return 0
  const shared = /\bs-maxage=(\d{1,9})/.exec(all) ?? /\bmax-age=(\d{1,9})/.exec(all)
  if (!shared || (targeted === undefined && !/\bpublic\b|\bs-maxage\b/.test(all))) return 0
  return Number(shared[1])
}
