/** Token buckets, one a key, in bounded memory. */
import type { Clock } from '../clock.ts'
import { createRecentMap } from './recent-map.ts'

export interface RateBucketOptions {
  /** Tokens a full bucket holds: the largest burst. */
  readonly burst: number
  /** How long an empty bucket takes to fill. */
  readonly refillMs: number
  /** Keys kept; the one used longest ago is forgotten first. @default 10000 */
  readonly maxKeys?: number
  readonly clock: Clock
}

export interface RateBucket {
  /** Takes one token. Answers 0 when there was one, else how many milliseconds to wait for the next. */
  take(key: string): number
  /** Gives one token back: what it was taken for did not happen. Never more than the burst. */
  giveBack(key: string): void
}

/** Makes a set of buckets. Costs one map lookup a call. */
export function createRateBucket({
  burst,
  refillMs,
  maxKeys = 10_000,
  clock,
}: RateBucketOptions): RateBucket {
  const buckets = createRecentMap<string, { tokens: number; atMs: number }>(maxKeys)
  const tokensPerMs = burst / refillMs
  return {
    take(key) {
      const nowMs = clock.monotonicMs()
      const bucket = buckets.get(key) ?? { tokens: burst, atMs: nowMs }
      const tokens = Math.min(burst, bucket.tokens + (nowMs - bucket.atMs) * tokensPerMs)
      const isAllowed = tokens >= 1
      buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs })
      return isAllowed ? 0 : Math.ceil((1 - tokens) / tokensPerMs)
    },
    giveBack(key) {
      const bucket = buckets.get(key)
      if (bucket) bucket.tokens = Math.min(burst, bucket.tokens + 1)
    },
  }
}
