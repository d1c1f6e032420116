/** The handle of the operator, for people who need somebody to turn to. */
import type { Ctx } from '../../app/context.ts'
import { findOperatorHandle } from '../accounts/index.ts'

const MAX_AGE_MS = 60_000
/** As long as there is none: whoever has just become it wants to see it. */
const NONE_MAX_AGE_MS = 1_000

/**
 * Remembers the operator's handle. What it answers is at hand: the instance's facts are asked for when the database is
 * away, too. Null: there is none, or it is not known yet.
 */
export function createOperatorName(ctx: Ctx): () => string | null {
  let handle: string | null = null
  let readAtMs = -Infinity

  async function read(): Promise<void> {
    readAtMs = ctx.clock.monotonicMs()
    try {
      handle = await findOperatorHandle(ctx.db)
    } catch (error) {
      ctx.log.debug({ err: error }, 'instance.operator-unknown')
    }
  }

  void read()
  return () => {
    const maxAgeMs = handle === null ? NONE_MAX_AGE_MS : MAX_AGE_MS
    if (ctx.clock.monotonicMs() - readAtMs > maxAgeMs) void read()
    return handle
  }
}
