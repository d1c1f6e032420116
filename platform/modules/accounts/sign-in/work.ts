/**
 * Proof of work for a sign-in (ALTCHA, altcha.org): bound to one name and one network, not before its time, and taken once by
 * each process.
 */
import { createHmac } from 'node:crypto'
import { createChallenge, extractParams, verifySolution } from 'altcha-lib/v1'
import { createRecentMap } from '../../../../kit/bounded/recent-map.ts'
import type { Ctx } from '../../../app/context.ts'

/** SHA-256 of short texts: half as many on average. A phone's browser does some 100,000 a second, a core some 2 million. */
const LEAST_MAX_NUMBER = 60_000
const EXPIRES_AFTER_MS = 5 * 60_000
const USED_MAX = 100_000

export interface WorkOrder {
  /** Whose solution alone is taken. */
  readonly boundTo: string
  /** A multiple of the least. */
  readonly factor: number
  readonly delayMs: number
}

export interface SignInWork {
  /** The challenge as JSON, as ALTCHA's solvers read it. */
  order(order: WorkOrder): Promise<string>
  /** Whether this solves a challenge of ours that was not used before, with at least so much work. */
  accept(solution: string, order: WorkOrder): Promise<boolean>
}

/** By a key that all processes of the instance have. */
export function createSignInWork({ secrets, clock }: Pick<Ctx, 'secrets' | 'clock'>): SignInWork {
  const hmacKey = createHmac('sha256', secrets.session).update('sign-in work').digest('hex')
  const used = createRecentMap<string, true>(USED_MAX)
  const nowMs = () => clock.now().getTime()
  return {
    async order({ boundTo, factor, delayMs }) {
      const challenge = await createChallenge({
        hmacKey,
        maxNumber: LEAST_MAX_NUMBER * factor,
        expires: new Date(nowMs() + EXPIRES_AFTER_MS),
        params: { for: boundTo, factor: String(factor), from: String(nowMs() + delayMs) },
      })
      return JSON.stringify(challenge)
    },
    async accept(solution, { boundTo, factor }) {
      try {
        const { expires, for: madeFor, factor: done, from } = extractParams(solution)
        if (madeFor !== boundTo || Number(done) < factor) return false
        if (Number(from) > nowMs() || !(Number(expires) * 1_000 > nowMs())) return false
        // Of two that come with the same solution the second finds it used.
        if (used.get(solution) || !(await verifySolution(solution, hmacKey, false)) || used.get(solution))
          return false
        used.set(solution, true)
        return true
      } catch {
        // Parts of the wrong kind, or an algorithm that nobody knows.
        return false
      }
    },
  }
}
