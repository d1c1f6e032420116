/** Steps of which none is kept from its turn by another one's failure. */
import { isDiskRefusal } from '../store/index.ts'

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
      if (isDiskRefusal(error)) break
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} steps failed.`)
}

/** Whether among what failed is a disk that takes nothing. */
export const isRefusedByDisk = (error: unknown): boolean =>
  error instanceof AggregateError ? error.errors.some(isRefusedByDisk) : isDiskRefusal(error)
