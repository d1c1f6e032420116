/** How often one may ask: token buckets of `kit/`, answered with the problem that says how long to wait. */
import type { RateBucket } from '../../kit/rate-bucket.ts'
import { AppError } from './errors.ts'

/** Takes one token of the key. @throws {AppError} too-many-requests with the time to wait. */
export function takeOrRefuse(bucket: RateBucket, key: string): void {
  const waitMs = bucket.take(key)
  if (waitMs > 0) throw new AppError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
}
