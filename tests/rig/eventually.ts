/** Waiting for what a product does, bounded in time. */
import { setTimeout as sleep } from 'node:timers/promises'

/** What was waited for did not come: no fault of whoever waits, but a promise that was not kept. */
export class BrokenPromise extends Error {}

const POLL_INTERVAL_MS = 50

/**
 * Waits until `look` gives something.
 *
 * @returns that, or null when the time is over; what `look` throws meanwhile is taken for "not yet".
 */
export async function eventually<T>(
  timeoutMs: number,
  look: () => Promise<T | null | undefined | false>,
): Promise<T | null> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const found = await look().catch(() => null)
    if (found) return found
    if (performance.now() > endMs) return null
    await sleep(POLL_INTERVAL_MS)
  }
}
