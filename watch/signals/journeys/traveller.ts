/** A person's program on the way through the platform: steps with their times, and failures that say at which step. */
import type { ProbeFailure } from '../../../engines/detect/types.ts'
import type { Clock } from '../../../kit/clock.ts'
import {
  GuardedRequestError,
  sendGuarded,
  type GuardedResponse,
} from '../../../kit/network/guarded-request.ts'
import {
  failedBy,
  ofRequestError,
  ownFault,
  passed,
  roundPhases,
  type CheckLimits,
  type CheckResult,
} from '../probes/index.ts'
import { UndecodableError } from './fragmented-mp4.ts'

export interface Traveller {
  readonly origin: string
  /** How long a person waits: for each answer, and for what is to follow from one. */
  readonly patienceMs: number
  /** Asks, as a step by this name; an answer of another status than 2xx ends the journey, and so does one that is late. */
  get(step: string, path: string): Promise<GuardedResponse>
  getJson<T>(step: string, path: string): Promise<T>
  send(step: string, request: TravelRequest): Promise<GuardedResponse>
  sendJson<T>(step: string, method: string, path: string, body: unknown): Promise<T>
  /**
   * Does what has to be there before one can look: in a time of its own, and what answers badly or late meanwhile accuses
   * nothing that was to be looked at. Where nobody is reached, neither would they be afterwards: that stays a failure.
   */
  prepare<T>(work: () => Promise<T>): Promise<T>
  /** From here on requests carry it; empty: signed out. */
  cookie: string
  /** Milliseconds by step. */
  readonly phases: Record<string, number>
}

export interface TravelRequest {
  readonly method: string
  /** A path, or an address on any origin. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly maxBodyBytes?: number
  /** Answers that do not end the journey beside 2xx. */
  readonly accept?: readonly number[]
}

/** Ends a journey. */
export class JourneyError extends Error {
  readonly result: CheckResult
  /** What the platform did, also where that accuses nothing. */
  readonly failure: ProbeFailure | null

  constructor(result: CheckResult, failure: ProbeFailure | null = result.failure) {
    super(result.detail)
    this.result = result
    this.failure = failure
  }
}

/** Nobody was reached at all. */
const UNREACHED: ReadonlySet<ProbeFailure> = new Set([
  'dns-no-answer',
  'dns-wrong-answer',
  'connect',
  'refused',
  'tls',
  'tls-expired',
  'timeout',
])

/** The platform did what it should not. */
export const journeyFailure = (failure: ProbeFailure, detail: string): JourneyError =>
  new JourneyError(failedBy(failure, detail))

export interface TravelOptions {
  readonly url: string
  /** Of each answer. A busy service answers many of them late, and none too late: that is slow, and not down. */
  readonly timeoutMs: number
  readonly allowPrivate: boolean
  readonly limits: CheckLimits
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly signal: AbortSignal
}

/** Makes the way; answers the journey's result, whatever happens on it. */
export async function travel(
  options: TravelOptions,
  journey: (traveller: Traveller) => Promise<void>,
): Promise<CheckResult> {
  const { traveller, lookedMs } = createTraveller(options)
  const rest = () => ({ durationMs: lookedMs(), phases: roundPhases(traveller.phases) })
  try {
    await journey(traveller)
    return passed(rest())
  } catch (error) {
    if (error instanceof JourneyError) return { ...error.result, ...rest() }
    if (error instanceof UndecodableError) return failedBy('undecodable', error.message, rest())
    if (error instanceof GuardedRequestError) return { ...ofRequestError(error, options), ...rest() }
    return ownFault(`The journey broke: ${(error as Error).message}`)
  }
}

/** The whole journey takes so many times what one answer may. */
const WHOLE = 3
const USER_AGENT = 'Upbeat-watch/1 (+outage monitor)'
const JSON_MAX_BYTES = 4 * 1024 * 1024

/** `lookedMs`: how long the journey has taken so far, without what was prepared for it. */
function createTraveller(options: TravelOptions): { traveller: Traveller; lookedMs: () => number } {
  const { clock } = options
  const origin = new URL(options.url).origin
  const phases: Record<string, number> = {}
  let startedMs = clock.monotonicMs()
  const lookedMs = () => clock.monotonicMs() - startedMs
  function timeFor(step: string): number {
    const leftMs = WHOLE * options.timeoutMs - lookedMs()
    if (leftMs > 0) return Math.min(options.timeoutMs, Math.ceil(leftMs))
    throw journeyFailure(
      'timeout',
      `${step}: what came before was answered in time, each by itself, and all of it took ${Math.round(lookedMs())} ms.`,
    )
  }

  async function prepare<T>(work: () => Promise<T>): Promise<T> {
    const beganMs = clock.monotonicMs()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof JourneyError)) throw error
      const { failure, result } = error
      if (failure === null || UNREACHED.has(failure)) throw error
      throw new JourneyError(ownFault(`Nothing could be looked at: ${result.detail}`), failure)
    } finally {
      startedMs += clock.monotonicMs() - beganMs
    }
  }

  async function send(step: string, request: TravelRequest): Promise<GuardedResponse> {
    const timeoutMs = timeFor(step)
    const beganMs = clock.monotonicMs()
    const url = new URL(request.path, `${origin}/`)
    const isHome = url.origin === origin
    try {
      const answer = await sendGuarded({
        url: url.href,
        method: request.method,
        headers: {
          'user-agent': USER_AGENT,
          ...request.headers,
          ...(isHome && traveller.cookie && { cookie: traveller.cookie }),
        },
        body: request.body ?? null,
        timeoutMs,
        maxBodyBytes: request.maxBodyBytes ?? JSON_MAX_BYTES,
        allowPrivate: options.allowPrivate && options.limits.allowPrivate !== false,
        signal: options.signal,
      })
      const set = answer.headers['set-cookie']?.[0]
      if (isHome && set) traveller.cookie = set.split(';', 1)[0]!
      if ((answer.status < 200 || answer.status > 299) && !request.accept?.includes(answer.status))
        throw refusal(step, answer)
      return answer
    } catch (error) {
      if (!(error instanceof GuardedRequestError)) throw error
      const result = ofRequestError(error, { ...options, url: url.href })
      throw new JourneyError({ ...result, detail: `${step}: ${result.detail}` })
    } finally {
      phases[step] = (phases[step] ?? 0) + clock.monotonicMs() - beganMs
    }
  }

  const traveller: Traveller = {
    origin,
    cookie: '',
    phases,
    patienceMs: options.timeoutMs,
    prepare,
    send,
    get: (step, path) => send(step, { method: 'GET', path }),
    getJson: async <T>(step: string, path: string) =>
      asJson<T>(step, await send(step, { method: 'GET', path })),
    sendJson: async <T>(step: string, method: string, path: string, body: unknown) => {
      const answer = await send(step, {
        method,
        path,
        headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
        body: JSON.stringify(body),
      })
      return answer.status === 204 ? (null as T) : asJson<T>(step, answer)
    },
  }
  return { traveller, lookedMs }
}

/** The API's shapes are checked where a journey uses them; a body that is no JSON is a fault at once. */
function asJson<T>(step: string, answer: GuardedResponse): T {
  try {
    return JSON.parse(answer.body.toString('utf8')) as T
  } catch {
    throw journeyFailure('assertion', `${step}: the answer is no JSON.`)
  }
}

/** An answer that refuses. What we did too often is our own fault, not an outage. */
function refusal(step: string, answer: GuardedResponse): JourneyError {
  const { status } = answer
  const code = problemCode(answer)
  const detail = `${step}: it answers ${status}${code === null ? '' : ` (${code})`}.`
  if (status === 429) return new JourneyError(ownFault(`${detail} The watch asks too often.`))
  if (status === 451) return journeyFailure('blocked-by-law', detail)
  if (status === 503 && code === 'busy') return journeyFailure('overloaded', detail)
  return journeyFailure(status >= 500 ? 'http-5xx' : 'http-4xx', detail)
}

function problemCode(answer: GuardedResponse): string | null {
  if (!/problem\+json/.test(String(answer.headers['content-type'] ?? ''))) return null
  try {
    const { code } = JSON.parse(answer.body.toString('utf8')) as { code?: unknown }
    return typeof code === 'string' ? code.slice(0, 60) : null
  } catch {
    return null
  }
}
