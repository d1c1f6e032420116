/**
 * The sum itself: the number whose SHA-256, after the salt, is the challenge. By a library rather than `crypto.subtle`,
 * which pages without HTTPS do not have, and which takes several times as long for such short texts.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { ProofChallenge } from '../../../../contract/proofs.ts'

/** Null: there is none up to `maxNumber`, or it is of a kind that is not known here. */
export function findNumber({ algorithm, challenge, salt, maxNumber }: ProofChallenge): number | null {
  if (algorithm !== 'SHA-256') return null
  for (let number = 0; number <= maxNumber; number++)
    if (bytesToHex(sha256(utf8ToBytes(`${salt}${number}`))) === challenge) return number
  return null
}
