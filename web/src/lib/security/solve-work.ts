/**
 * Solves the challenge by which a sign-in proves that it is worth something to somebody (ALTCHA, altcha.org/docs). Hashed by
 * a library: the browser's own is missing without HTTPS, and slower for texts as short as these.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

interface Challenge {
  readonly algorithm: string
  readonly challenge: string
  readonly maxnumber: number
  readonly salt: string
  readonly signature: string
}

/** The page stays alive between two turns of this length. */
const TURN_MS = 12

/**
 * The solution as the server takes it.
 *
 * @throws when the challenge has none
 */
export async function solveWork(text: string): Promise<string> {
  const { algorithm, challenge, maxnumber, salt, signature } = JSON.parse(text) as Challenge
  let turnBeganMs = performance.now()
  for (let number = 0; number <= maxnumber; number++) {
    if (bytesToHex(sha256(utf8ToBytes(salt + number))) === challenge)
      return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }))
    if (number % 64 === 0 && performance.now() - turnBeganMs > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve))
      turnBeganMs = performance.now()
    }
  }
  throw new Error('The challenge has no solution.')
}
