/** The worker role: everything that can happen after the answer. */
import type { Ctx } from '../app/context.ts'

/** Begins to work the queues; they stop with the context. */
export async function startWorker(ctx: Ctx): Promise<void> {
  ctx.log.info('worker.started')
}
