/** What an agent saw and has not told its watch yet: bounded, and kept while the watch is away. */
import type { Clock } from '../../kit/clock.ts'
import type { AgentResults } from './protocol.ts'

export type AgentResult = AgentResults['results'][number]

export interface Backlog {
  readonly size: number
  add(result: AgentResult): void
  /** Tells what still matters, oldest first; what could not be told stays. Throws what `tell` throws. */
  tellAll(tell: (part: readonly AgentResult[]) => Promise<unknown>): Promise<void>
}

/** Older results tell the watch nothing. */
export const KEPT_MS = 4 * 60_000
export const MAX_KEPT = 20_000
export const PER_MESSAGE = 500

/** Begins empty. */
export function createBacklog(clock: Clock): Backlog {
  const waiting: AgentResult[] = []
  return {
    get size() {
      return waiting.length
    },
    add: (result) => void waiting.push(result),
    async tellAll(tell) {
      const nowMs = clock.now().getTime()
      waiting.splice(0, Math.max(0, waiting.length - MAX_KEPT))
      while (waiting.length > 0 && nowMs - waiting[0]!.atMs > KEPT_MS) waiting.shift()
      while (waiting.length > 0) {
        const part = waiting.slice(0, PER_MESSAGE)
        await tell(part)
        waiting.splice(0, part.length)
      }
    },
  }
}
