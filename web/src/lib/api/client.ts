/**
 * The one way to the API: timeouts, retries of reads within a budget, idempotency keys on writes, and every failure
 * as an ApiError whose problem a person can read.
 */
import { makeId } from '#lib/ids.ts'
import { LEVEL_HEADER, lookSoon, noteLevel, service } from '#lib/service/service.svelte.ts'
import { ApiError, isTransient, offlineProblem, timeoutProblem, unreachableProblem } from './problem.ts'
import { createRetryBudget, delayBeforeTryMs, READ_POLICY } from './retry.ts'
import { API_ROOT } from './root.ts'
import type { Limit, Problem } from './types.ts'

declare global {
  /** The shell's inline script sets it, for the requests that it sends itself; a development server does not. */
  var upbeatClient: string | undefined
}

/** Names the build that asks (contract/client.ts). */
export const CLIENT_HEADERS: Readonly<Record<Limit<'CLIENT_HEADER'>, string>> = {
  'upbeat-client': globalThis.upbeatClient ?? '',
}
/** The service worker sets it (`service-worker/rules.ts`). */
const KEPT_HEADER = 'x-upbeat-kept'
const READ_TIMEOUT_MS = 10_000
const WRITE_TIMEOUT_MS = 20_000

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface RequestOptions {
  readonly method?: Method
  /** Sent as JSON, or as it is when it is a Blob. */
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string | number | null | undefined>>
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  /** More headers, by lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  /** The same key gives the same answer. @default a new UUID for each write */
  readonly idempotencyKey?: string
  /** The request may outlive the page. @default false */
  readonly keepalive?: boolean
  /** @default true for reads that somebody waits for */
  readonly shouldRetry?: boolean
  /** Nobody waits for it: the server may put it last, and it is never sent again by itself. @default false */
  readonly isBackground?: boolean
}

/** Of the whole app: the player draws on it, too. */
export const retryBudget = createRetryBudget()
/** RFC 9218: nobody waits for the answer. */
export const BACKGROUND_HEADERS = { priority: 'u=7' } as const
/** How long we wait for the answer: the server need not begin what would come later. */
const DEADLINE_HEADER = 'x-deadline-ms'

/** `/api/v1` + path + query; null and undefined are left out. */
export function apiUrl(path: string, query: RequestOptions['query'] = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) params.set(name, String(value))
  }
  const search = params.toString()
  return `${API_ROOT}${path}${search ? `?${search}` : ''}`
}

/**
 * Sends one request and returns its JSON (undefined for 204).
 *
 * Reads are tried up to three times while that can help; writes once, unless `shouldRetry` (safe, for they carry an
 * idempotency key).
 *
 * @throws {ApiError} for every failure but an abort by the caller's own signal.
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const method = options.method ?? 'GET'
  const shouldRetry = !options.isBackground && (options.shouldRetry ?? method === 'GET')
  const idempotencyKey = method === 'GET' ? undefined : (options.idempotencyKey ?? makeId())
  let hasProved = false
  for (let tryNumber = 1; ; tryNumber++) {
    try {
      const answer = await requestOnce<T>(path, { ...options, method, idempotencyKey })
      retryBudget.earn()
      return answer
    } catch (error) {
      // Nothing of it was done: also what is never repeated may be sent once more.
      if (!hasProved && error instanceof ApiError && error.problem.code === 'proof-wanted') {
        hasProved = true
        if (await proveWork()) continue
      }
      if (!(error instanceof ApiError) || !shouldRetry || !isTransient(error.problem)) throw error
      // What is paused says so on the screen, and comes back there.
      if (error.problem.code === 'feature-paused') throw error
      if (error.problem.code === 'offline' || tryNumber >= READ_POLICY.maxTries || !retryBudget.trySpend())
        throw error
      const retryAfterMs = error.problem.retryAfterS === undefined ? null : error.problem.retryAfterS * 1000
      // A long wait belongs on the screen, with a button, not behind a skeleton.
      if (retryAfterMs !== null && retryAfterMs > READ_POLICY.maxDelayMs) throw error
      await sleep(delayBeforeTryMs(tryNumber + 1, READ_POLICY, Math.random, retryAfterMs), options.signal)
    }
  }
}

/** The server asks strangers for a sum first, while more come than it can serve. False: it could not be done. */
export const proveWork = (): Promise<boolean> =>
  import('#lib/proof/prove.ts').then(
    ({ prove }) => prove(),
    () => false,
  )

async function requestOnce<T>(
  path: string,
  options: RequestOptions & { method: Method; idempotencyKey: string | undefined },
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? (options.method === 'GET' ? READ_TIMEOUT_MS : WRITE_TIMEOUT_MS)
  const timeout = AbortSignal.timeout(timeoutMs)
  let response: Response
  try {
    response = await fetch(apiUrl(path, options.query), {
      method: options.method,
      headers: { ...headersFor(options), [DEADLINE_HEADER]: String(timeoutMs) },
      body: bodyFor(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      keepalive: options.keepalive,
    })
    return await readAnswer<T>(response)
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (options.signal?.aborted) throw error
    if (timeout.aborted) throw new ApiError(timeoutProblem(timeoutMs), { cause: error })
    if (navigator.onLine === false) throw new ApiError(offlineProblem(), { cause: error })
    lookSoon()
    throw new ApiError(unreachableProblem(), { cause: error })
  }
}

function headersFor(
  options: Pick<RequestOptions, 'body' | 'headers' | 'isBackground'> & { idempotencyKey: string | undefined },
): Record<string, string> {
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...CLIENT_HEADERS,
    ...options.headers,
  }
  if (options.isBackground) Object.assign(headers, BACKGROUND_HEADERS)
  if (options.idempotencyKey) headers['idempotency-key'] = options.idempotencyKey
  if (options.body instanceof Blob) headers['content-type'] = options.body.type || 'application/octet-stream'
  else if (options.body !== undefined) headers['content-type'] = 'application/json'
  return headers
}

function bodyFor(body: unknown): BodyInit | undefined {
  if (body === undefined) return undefined
  return body instanceof Blob ? body : JSON.stringify(body)
}

/**
 * Reads an answer of the API: its JSON, or the problem it carries. The last answer of the service worker, given for want
 * of a new one, has `isKept: true` beside what the server said.
 *
 * @throws {ApiError}
 */
export async function readAnswer<T>(response: Response): Promise<T> {
  noteLevel(response.headers.get(LEVEL_HEADER))
  if (response.status === 204) return undefined as T
  const type = response.headers.get('content-type') ?? ''
  if (!/\bjson\b/.test(type)) throw new ApiError(await problemOfAnswer(response.status))
  const body: unknown = await response.json()
  // The feed and the account are objects: what the worker had kept says so in them.
  if (response.ok)
    return (response.headers.has(KEPT_HEADER) ? { ...(body as object), isKept: true } : body) as T
  const code = (body as Partial<Problem> | null)?.code
  if (code === 'feature-paused') lookSoon()
  if (code === 'client-too-old') service.isTooOld = true
  throw new ApiError(
    isProblem(body)
      ? withRetryAfter(body, response)
      : await problemOfAnswer(response.status, { isOurs: true }),
  )
}

/** An answer that says nothing of itself. Its words are rare; should they not come, the server can't be reached either. */
function problemOfAnswer(status: number, { isOurs = status >= 500 } = {}): Promise<Problem> {
  return import('./answer-problems.ts').then(
    ({ badAnswerProblem, serverFaultProblem }) => (isOurs ? serverFaultProblem(status) : badAnswerProblem()),
    () => (isOurs ? { ...unreachableProblem(), side: 'us', status } : unreachableProblem()),
  )
}

function isProblem(body: unknown): body is Problem {
  const problem = body as Partial<Problem> | null
  return (
    typeof problem?.code === 'string' &&
    typeof problem.detail === 'string' &&
    typeof problem.next === 'string'
  )
}

function withRetryAfter(problem: Problem, response: Response): Problem {
  const seconds = Number(response.headers.get('retry-after'))
  return problem.retryAfterS === undefined && seconds > 0 ? { ...problem, retryAfterS: seconds } : problem
}

/** Waits; rejects with the signal's reason when it is aborted. */
export function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = setTimeout(done, durationMs)
    function done() {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    function onAbort() {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
