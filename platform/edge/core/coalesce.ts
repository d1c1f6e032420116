/**
 * One fetch for all who ask for the same at the same time, and a second one when the first brings nothing: whoever leads
 * and hangs is taken over, once.
 */

/** What the clock does for it, so that tests need not wait. */
export interface Pauses {
  nowMs(): number
  /** Resolves after the time, or when the signal is aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>
  /** From 0 up to 1. */
  random(): number
}

export interface CoalescerOptions<Input, Result> extends Pauses {
  /**
   * One try. `attempt` counts from 0; `touch` is called with each sign of life, `arrived` once the source has nothing more
   * to give: what is still to be done then (a slow disk, say) no other source would do sooner.
   */
  readonly fetchOnce: (
    input: Input,
    work: { readonly attempt: number; readonly signal: AbortSignal; touch(): void; arrived(): void },
  ) => Promise<Result>
  readonly timeoutMs: number
  /** What is known to fail is not asked for again within about this time; half to one and a half of it. */
  readonly failureKeptMs: number
  /** Off for a drill: everyone fetches on his own. */
  readonly isOn?: boolean
}

export interface Coalescer<Input, Result> {
  /** @throws what the last try failed with */
  get(key: string, input: Input): Promise<Result>
  readonly underWayCount: number
}

/** Times the longest silence that a fetch usually has: a source that is always slow to begin is none that hangs. */
const TAKEOVER_SILENCES = 1.5
const TAKEOVER_MIN_MS = 100
const TAKEOVER_FIRST_MS = 1_000
/** Takeovers are allowed for this part of all fetches, with some to begin with: a slow source gets no double load. */
const TAKEOVER_BUDGET = 0.1
const TAKEOVERS_SAVED_MAX = 10
const USUAL_WEIGHT = 0.2
const FAILURES_KEPT_MAX = 10_000

/** Makes one. */
export function createCoalescer<Input, Result>(
  options: CoalescerOptions<Input, Result>,
): Coalescer<Input, Result> {
  const { nowMs, random, failureKeptMs, isOn = true } = options
  const underWay = new Map<string, Promise<Result>>()
  const failures = new Map<string, { readonly error: unknown; readonly untilMs: number }>()
  const pace = createPace()

  function keepFailure(key: string, error: unknown): void {
    failures.delete(key)
    failures.set(key, { error, untilMs: nowMs() + failureKeptMs * (0.5 + random()) })
    if (failures.size > FAILURES_KEPT_MAX) failures.delete(failures.keys().next().value!)
  }

  return {
    get underWayCount() {
      return underWay.size
    },
    async get(key, input) {
      if (!isOn) return fetchWithTakeover(options, pace, input)
      const known = underWay.get(key)
      if (known) return known
      const failed = failures.get(key)
      if (failed && failed.untilMs > nowMs()) throw failed.error
      failures.delete(key)
      const fetching = fetchWithTakeover(options, pace, input)
      underWay.set(key, fetching)
      try {
        return await fetching
      } catch (error) {
        keepFailure(key, error)
        throw error
      } finally {
        underWay.delete(key)
      }
    },
  }
}

interface Pace {
  /** How long without a sign of life means that it hangs. */
  patienceMs(): number
  note(silenceMs: number): void
  trySpend(): boolean
}

function createPace(): Pace {
  let usualMs: number | null = null
  let saved = TAKEOVERS_SAVED_MAX
  return {
    patienceMs: () =>
      usualMs === null ? TAKEOVER_FIRST_MS : Math.max(TAKEOVER_MIN_MS, usualMs * TAKEOVER_SILENCES),
    note(silenceMs) {
      usualMs = usualMs === null ? silenceMs : usualMs + (silenceMs - usualMs) * USUAL_WEIGHT
      saved = Math.min(TAKEOVERS_SAVED_MAX, saved + TAKEOVER_BUDGET)
    },
    trySpend() {
      if (saved < 1) return false
      saved -= 1
      return true
    },
  }
}

async function fetchWithTakeover<Input, Result>(
  { fetchOnce, timeoutMs, nowMs, pause }: CoalescerOptions<Input, Result>,
  pace: Pace,
  input: Input,
): Promise<Result> {
  const ending = new AbortController()
  const startedMs = nowMs()
  let touchedMs = startedMs
  let hasArrived = false
  let attempts = 0
  const begin = async (): Promise<Result> => {
    touchedMs = nowMs()
    let heardMs = touchedMs
    let silenceMs = 0
    const touch = () => {
      touchedMs = nowMs()
      silenceMs = Math.max(silenceMs, touchedMs - heardMs)
      heardMs = touchedMs
    }
    const arrived = () => {
      if (!hasArrived) touch()
      hasArrived = true
    }
    const result = await fetchOnce(input, { attempt: attempts++, signal: ending.signal, touch, arrived })
    arrived()
    pace.note(silenceMs)
    return result
  }
  const first = begin()
  first.catch(() => {})
  const second = (async () => {
    let failure: { readonly error: unknown } | null = null
    const failed = first.catch((error: unknown) => void (failure = { error }))
    for (;;) {
      const leftMs = touchedMs + pace.patienceMs() - nowMs()
      if (ending.signal.aborted) throw ending.signal.reason
      if (failure) break
      if (hasArrived || leftMs <= 0) {
        if (!hasArrived && pace.trySpend()) break
        // It has arrived, or nothing is left to spend: only a failure begins another.
        await Promise.race([failed, pause(timeoutMs, ending.signal)])
        continue
      }
      await Promise.race([failed, pause(Math.max(1, leftMs), ending.signal)])
    }
    return begin()
  })()
  const late = pause(timeoutMs, ending.signal).then(() => {
    throw new FetchTimeoutError(timeoutMs)
  })
  try {
    // The first that succeeds; when all have failed, what the second said.
    return await Promise.race([Promise.any([first, second]).catch(() => second), late])
  } finally {
    ending.abort(new DOMException('It is decided.', 'AbortError'))
    second.catch(() => {})
    late.catch(() => {})
  }
}

/** No source brought it in time. */
export class FetchTimeoutError extends Error {
  override readonly name = 'FetchTimeoutError'
  constructor(timeoutMs: number) {
    super(`Nothing came within ${timeoutMs} ms.`)
  }
}
