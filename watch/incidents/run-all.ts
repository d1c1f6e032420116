/** Steps of which none is kept from its turn by another one's failure. */
import { WatchError } from '../app/errors.ts'

/**
 * Runs the steps in order, whatever became of those before; then throws what failed. Only a disk that takes nothing ends it
 * early: each further step would wait for the same refusal.
 */
export async function runAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
      if (error instanceof WatchError && error.code === 'storage-unavailable') break
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} steps failed.`)
}
