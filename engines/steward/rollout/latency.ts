/** Latencies counted in buckets: quantiles, and how many were slower than so much. */
import { LATENCY_BOUNDS_MS, LATENCY_BUCKET_COUNT } from './types.ts'

export const noLatencies = (): number[] => Array.from({ length: LATENCY_BUCKET_COUNT }, () => 0)

export const sumOf = (buckets: readonly number[]): number =>
  buckets.reduce((total, count) => total + count, 0)

/** The bucket that a latency falls into. */
export function bucketOf(latencyMs: number): number {
  const index = LATENCY_BOUNDS_MS.findIndex((boundMs) => latencyMs <= boundMs)
  return index < 0 ? LATENCY_BOUNDS_MS.length : index
}

/** The quantile in milliseconds, drawn straight within its bucket; null: of nothing. Of what exceeds all bounds: the last. */
export function quantileOf(buckets: readonly number[], share: number): number | null {
  const total = sumOf(buckets)
  if (total === 0) return null
  let left = share * total
  for (let index = 0; index < buckets.length; index++) {
    const count = buckets[index]!
    if (left > count || count === 0) {
      left -= count
      continue
    }
    const highMs = LATENCY_BOUNDS_MS[index] ?? LATENCY_BOUNDS_MS.at(-1)!
    const lowMs = index === 0 ? 0 : LATENCY_BOUNDS_MS[index - 1]!
    return lowMs + (highMs - lowMs) * (left / count)
  }
  return LATENCY_BOUNDS_MS.at(-1)!
}

/** The first bucket all of whose latencies are longer than this. */
export const firstBucketAbove = (latencyMs: number): number => {
  const index = LATENCY_BOUNDS_MS.findIndex((boundMs) => boundMs >= latencyMs)
  return (index < 0 ? LATENCY_BOUNDS_MS.length - 1 : index) + 1
}
