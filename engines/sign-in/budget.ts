/** How often strangers may guess at one account: a token bucket whose capacity and daily refill add up to the limit. */

const DAY_MS = 86_400_000
/** At once, and again over a day: never more than twice this within any 24 hours. */
export const GUESSES_AT_ONCE = 10
export const GUESSES_PER_DAY_MAX = 2 * GUESSES_AT_ONCE
export const GUESS_REFILL_MS = DAY_MS / GUESSES_AT_ONCE

export interface Budget {
  readonly guesses: number
  readonly atMs: number
}

/**
 * Takes one guess; `null` is an account at which nobody has guessed yet.
 *
 * @returns the budget afterwards, and how long to wait when none was left (0: one was taken)
 */
export function takeGuess(budget: Budget | null, nowMs: number): { budget: Budget; waitMs: number } {
  const passedMs = budget ? Math.max(0, nowMs - budget.atMs) : 0
  const before = budget ? budget.guesses : GUESSES_AT_ONCE
  const guesses = Math.min(GUESSES_AT_ONCE, before + passedMs / GUESS_REFILL_MS)
  const atMs = Math.max(nowMs, budget?.atMs ?? nowMs)
  if (guesses >= 1) return { budget: { guesses: guesses - 1, atMs }, waitMs: 0 }
  return { budget: { guesses, atMs }, waitMs: Math.ceil((1 - guesses) * GUESS_REFILL_MS) }
}
