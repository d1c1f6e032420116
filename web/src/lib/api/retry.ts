/**
 * When to try again: exponential backoff with full jitter, and a budget so that retries never multiply an overload.
 *
 * The budget is a token bucket fed by successes: at most one retry for every ten requests that went well, and ten
 * in a burst.
 */
export interface RetryPolicy {
  /** Tries altogether, the first included. */
  readonly maxTries: number
  readonly baseDelayMs: number
  readonly maxDelayMs: number
}

export const READ_POLICY: RetryPolicy = { maxTries: 3, baseDelayMs: 250, maxDelayMs: 4000 }

/** The wait before try number `tryNumber` (2 for the first retry); a server's own wish is honoured. */
export function delayBeforeTryMs(
  tryNumber: number,
  policy: RetryPolicy,
  random: () => number,
  retryAfterMs: number | null = null,
): number {
  const ceilingMs = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (tryNumber - 2))
  const jitteredMs = Math.round(random() * ceilingMs)
  return retryAfterMs === null ? jitteredMs : retryAfterMs + Math.round(random() * policy.baseDelayMs)
}

export interface RetryBudget {
  /** Takes a token; false when there is none: then fail at once instead. */
  trySpend(): boolean
  /** A request went well: a tenth of a token. */
  earn(): void
}

export function createRetryBudget(
  options: { capacity?: number; earnedPerSuccess?: number } = {},
): RetryBudget {
  const { capacity = 10, earnedPerSuccess = 0.1 } = options
  let tokens = capacity
  return {
    trySpend() {
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
    earn() {
      tokens = Math.min(capacity, tokens + earnedPerSuccess)
    },
  }
}
