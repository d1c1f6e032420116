/** The worker role: everything that can happen after the answer. */
import type { Ctx } from '../app/context.ts'
import { startJournalJobs } from '../app/journal/index.ts'
import { startAccountJobs } from '../modules/accounts/index.ts'
import { startBackupJobs } from '../modules/backups/index.ts'
import { startCounterJobs } from '../modules/counters/index.ts'
import { startFeedJobs } from '../modules/feed/index.ts'
import { startMailJobs } from '../modules/mail/index.ts'
import { startNotificationJobs } from '../modules/notifications/index.ts'
import { startOperationsJobs } from '../modules/operations/index.ts'
import { startReactionJobs } from '../modules/reactions/index.ts'
import { startStandbyJobs } from '../modules/standby/index.ts'
import { startImproveLane } from '../modules/transcoding/index.ts'
import { startUploadJobs } from '../modules/uploads/index.ts'
import { startVideoJobs } from '../modules/videos/index.ts'

/** Begins to work the queues; they stop with the context. Disposal, before that, hands encoders' work back. */
export async function startWorker(ctx: Ctx): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  stack.use(startAccountJobs(ctx))
  stack.use(startBackupJobs(ctx))
  stack.use(startCounterJobs(ctx))
  stack.use(startJournalJobs(ctx))
  stack.use(startFeedJobs(ctx))
  stack.use(await startMailJobs(ctx))
  stack.use(await startNotificationJobs(ctx))
  stack.use(startOperationsJobs(ctx))
  stack.use(startReactionJobs(ctx))
  stack.use(startStandbyJobs(ctx))
  stack.use(await startImproveLane(ctx))
  await startVideoJobs(ctx)
  await startUploadJobs(ctx)
  ctx.log.info('worker.started')
  return stack.move()
}
