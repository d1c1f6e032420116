/** Proof of work for sources that look automated (ALTCHA, altcha.org): a challenge to solve, once. */
import { randomBytes } from 'node:crypto'
import { createChallenge, extractParams, verifySolution } from 'altcha-lib/v1'
import type { Challenge } from 'altcha-lib/v1/types'
import type { Clock } from './clock.ts'

export interface ProofOfWork {
  challenge(): Promise<Challenge>
  /** Whether this is the solution of a challenge of ours that was not used before. */
  accept(solution: string): Promise<boolean>
}

export interface ProofOfWorkOptions {
  readonly clock: Clock
  /** The sum is found within so many hashes, half as many as a rule: the sender's price. */
  readonly maxNumber: number
  /** Shared by processes that take each other's challenges. @default a key of this process's life */
  readonly hmacKey?: string
}

const EXPIRES_AFTER_MS = 10 * 60_000
const MAX_USED = 100_000

/** Makes challenges and takes their solutions; those that were used are remembered until they would be too old. */
export function createProofOfWork(options: ProofOfWorkOptions): ProofOfWork {
  const { clock, maxNumber, hmacKey = randomBytes(32).toString('hex') } = options
  const used = new Map<string, number>()
  async function isSolved(solution: string): Promise<boolean> {
    try {
      // The time that it carries is judged by our clock; that it is ours, by the signature.
      const expiresAtMs = Number(extractParams(solution)['expires']) * 1_000
      return expiresAtMs > clock.now().getTime() && (await verifySolution(solution, hmacKey, false))
    } catch {
      // Parts of the wrong kind, or an algorithm that nobody knows.
      return false
    }
  }
  return {
    challenge: () =>
      createChallenge({
        hmacKey,
        maxNumber,
        expires: new Date(clock.now().getTime() + EXPIRES_AFTER_MS),
      }),
    async accept(solution) {
      const signature = signatureOf(solution)
      if (signature === null || used.has(signature)) return false
      if (!(await isSolved(solution))) return false
      // Asked again: two requests may have come this far with the same solution.
      if (used.has(signature)) return false
      const nowMs = clock.now().getTime()
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
