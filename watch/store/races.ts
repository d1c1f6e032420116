/** Races for a row are settled in SQL; whoever comes second looks again. */
import { WatchError } from '../app/errors.ts'

const ATTEMPTS = 5

/** Somebody else changed meanwhile what a `mustChange` was about. */
export const isRace = (error: unknown): boolean =>
  error instanceof WatchError && error.code === 'changed-meanwhile'

/** Nothing can be written now, and the unit was not. */
export const isDiskRefusal = (error: unknown): boolean =>
  error instanceof WatchError && error.code === 'storage-unavailable'

/**
 * Does work that reads, decides and writes; and does all of it again when what it read changed meanwhile.
 *
 * @throws {WatchError} changed-meanwhile when it keeps changing.
 */
export async function retryRaces<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isRace(error) || attempt === ATTEMPTS) throw error
    }
  }
}
