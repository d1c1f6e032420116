/** Proof of work for sources that look automated (ALTCHA, altcha.org): a challenge to solve, once. */
import { createChallenge, extractParams, verifySolution } from 'altcha-lib/v1'
import type { Challenge } from 'altcha-lib/v1/types'
import type { WatchCtx } from '../../app/context.ts'

export interface ProofOfWork {
  challenge(): Promise<Challenge>
  /** Whether this is the solution of a challenge of ours that was not used before. */
  accept(solution: string): Promise<boolean>
}

/** About a tenth of a second of a phone's time; a flood of 1,000 a second takes a hundred phones. */
const MAX_NUMBER = 50_000
const EXPIRES_AFTER_MS = 10 * 60_000
const MAX_USED = 100_000

/** Makes challenges with a key of this process's life: a restart costs whoever was solving one another try. */
export function createProofOfWork(ctx: WatchCtx): ProofOfWork {
  const hmacKey = ctx.randomBytes(32).toString('hex')
  const used = new Map<string, number>()
  async function isSolved(solution: string): Promise<boolean> {
    try {
      // The time that it carries is judged by our clock; that it is ours, by the signature.
      const expiresAtMs = Number(extractParams(solution)['expires']) * 1_000
      return expiresAtMs > ctx.clock.now().getTime() && (await verifySolution(solution, hmacKey, false))
    } catch {
      // Parts of the wrong kind, or an algorithm that nobody knows.
      return false
    }
  }
  return {
    challenge: () =>
      createChallenge({
        hmacKey,
        maxNumber: MAX_NUMBER,
        expires: new Date(ctx.clock.now().getTime() + EXPIRES_AFTER_MS),
      }),
    async accept(solution) {
      const signature = signatureOf(solution)
      if (signature === null || used.has(signature)) return false
      if (!(await isSolved(solution))) return false
      // Asked again: two requests may have come this far with the same solution.
      if (used.has(signature)) return false
      const nowMs = ctx.clock.now().getTime()
      used.set(signature, nowMs)
      for (const [old, atMs] of used) {
        if (used.size <= MAX_USED && nowMs - atMs <= EXPIRES_AFTER_MS) break
        used.delete(old)
      }
      return true
    },
  }
}

function signatureOf(solution: string): string | null {
  try {
    const { signature } = JSON.parse(Buffer.from(solution, 'base64').toString('utf8')) as {
      signature?: unknown
    }
    return typeof signature === 'string' ? signature : null
  } catch {
    return null
  }
}
