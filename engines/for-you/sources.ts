/** Where candidates come from. */
import type { CandidateSource } from './types.ts'

/** Every video of the pool: a pool of a few thousand is scored whole faster than lists of it are merged. */
export const wholePool: CandidateSource = (pool, _taste, propose) => {
  const { author } = pool.columns
  for (let slot = 0; slot < pool.slotSpan; slot++) if (author[slot]! >= 0) propose(slot)
}
