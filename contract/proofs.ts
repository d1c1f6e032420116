/** Proof of work (ALTCHA, altcha.org): asked of strangers' browsers while more come than can be served. */
import { z } from 'zod'

/** `GET /api/v1/proof`: the number wanted is the one whose hash, after the salt, is the challenge. */
export const ProofChallenge = z.object({
  algorithm: z.string(),
  challenge: z.string(),
  maxNumber: z.int(),
  salt: z.string(),
  signature: z.string(),
})
export type ProofChallenge = z.infer<typeof ProofChallenge>

export const PROOF_SOLUTION_MAX_LENGTH = 4_000
/** `POST /api/v1/proof`: answered with 204 and a cookie that is good for half an hour. */
export const ProofSolution = z.object({
  /** Base64 of ALTCHA's JSON: algorithm, challenge, number, salt, signature. */
  solution: z.string().min(1).max(PROOF_SOLUTION_MAX_LENGTH),
})
export type ProofSolution = z.infer<typeof ProofSolution>
