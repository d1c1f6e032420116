/** Whether a document that is in force does harm, from the counts of requests and errors each second. Pure. */
import { HARD_ERRORS_MIN, HARD_ERRORS_RATIO } from '../../../engines/steward/rollout/index.ts'

export interface Second {
  readonly requests: number
  readonly errors: number
}

/** A rate of nothing is taken for this, so that a first error is not infinitely worse. */
const RATE_FLOOR = 0.001

/**
 * @param before seconds under the document that was in force until then.
 * @param since seconds under the one that is judged.
 * @returns what speaks against it, in words; null: nothing
 */
export function findHarm(before: readonly Second[], since: readonly Second[]): string | null {
  const was = sum(before)
  const is = sum(since)
  if (is.errors < HARD_ERRORS_MIN) return null
  const wasRate = Math.max(RATE_FLOOR, was.requests > 0 ? was.errors / was.requests : 0)
  const isRate = is.errors / Math.max(1, is.requests)
  if (isRate <= HARD_ERRORS_RATIO * wasRate) return null
  return `${is.errors} of ${is.requests} requests failed, at ${(isRate / wasRate).toFixed(0)} times the rate of before`
}

const sum = (seconds: readonly Second[]): Second => ({
  requests: seconds.reduce((total, { requests }) => total + requests, 0),
  errors: seconds.reduce((total, { errors }) => total + errors, 0),
})
