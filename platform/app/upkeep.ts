/** What a role does again and again beside its requests: left out while the database that it needs is away. */
import { startRepeating } from '../../kit/repeat.ts'
import { isDatabaseUnavailable } from '../infra/db/index.ts'
import type { Ctx } from './context.ts'

export interface UpkeepOptions {
  /** The pause between the end of one round and the beginning of the next. */
  readonly intervalMs: number
  /** One round; it should end soon once the signal is aborted. */
  readonly work: (signal: AbortSignal) => Promise<unknown>
  /** What the log says when a round failed: the next one makes up for it. */
  readonly failure: string
}

/**
 * Begins the first round at once. Disposal waits for the round that is under way.
 *
 * That the database is away is told once, by its guard: not by each round of each upkeep for as long as it lasts.
 */
export const startUpkeep = (ctx: Ctx, { intervalMs, work, failure }: UpkeepOptions): AsyncDisposable =>
  startRepeating({
    intervalMs,
    async work(signal) {
      if (ctx.databaseGuard.isUp) await work(signal)
    },
    onError(error) {
      if (ctx.databaseGuard.isUp || !isDatabaseUnavailable(error)) ctx.log.warn({ err: error }, failure)
    },
  })
