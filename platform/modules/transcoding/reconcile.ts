/** Mends after any crash: whatever has its bytes but not its artefacts, and nobody working on it, is asked for again. */
import type { Ctx } from '../../app/context.ts'
import { firstPlayableQueue, improveQueue } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'

const AT_ONCE = 100

/** Asks for the work that is missing. Idempotent: what waits already waits once. @returns for how many videos it asked. */
export async function reconcile(ctx: Ctx): Promise<number> {
  const unfinished = await queries.listUnfinished(ctx.db, AT_ONCE)
  for (const { videoId, accountId, generation } of unfinished) {
    const queue = generation === null ? firstPlayableQueue : improveQueue
    await ctx.jobs.enqueue(ctx.db, queue, { videoId, accountId }, { key: videoId, group: accountId })
  }
  return unfinished.length
}
