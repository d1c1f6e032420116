/** Does what needs fresh proof of who sits there: asks for it when the server does, then does it again. */
import { ApiError } from '#lib/api/problem.ts'

export const asking = $state<{ answer: ((isProven: boolean) => void) | null }>({ answer: null })

/**
 * @returns what `work` gives; null: the person would not prove it
 * @throws what `work` throws
 */
export async function withProof<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.code !== 'proof-needed') throw error
  }
  const isProven = await new Promise<boolean>((resolve) => (asking.answer = resolve))
  asking.answer = null
  return isProven ? work() : null
}
