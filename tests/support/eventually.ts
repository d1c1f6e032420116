/** Waiting in tests for what happens, however long the machine takes; never for a time. */
import { vi } from 'vitest'

/** Looks again and again until `isThere`, and answers what was seen; fails with what was seen last. */
export const eventually = <T>(
  look: () => T | Promise<T>,
  isThere: (value: T) => unknown = Boolean,
): Promise<T> =>
  vi.waitFor(
    async () => {
      const value = await look()
      if (!isThere(value)) throw new Error(`It stayed at ${JSON.stringify(value)}.`)
      return value
    },
    { timeout: 50_000, interval: 20 },
  )
