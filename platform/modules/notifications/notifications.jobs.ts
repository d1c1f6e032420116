/** What accounts are told of by other modules' jobs, and how long it is kept. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { newSignInQueue, type NewSignIn } from '../accounts/index.ts'
import { captionMentionsQueue, findVideo } from '../videos/index.ts'
import * as queries from './notifications.queries.ts'
import { notifyAccount, notifyMentioned } from './notifications.service.ts'

/** Read or not. */
export const NOTIFICATIONS_KEPT_MS = 180 * 24 * 3_600_000
const PRUNE_INTERVAL_MS = 60_000
const PRUNE_BATCH = 5_000

/** Tells the owner of an account that somebody signed in from a new place. Idempotent. */
export async function tellNewSignIn(ctx: Ctx, { id, accountId, device, address }: NewSignIn): Promise<void> {
  await inTransaction(ctx, (tx) =>
    notifyAccount(ctx, tx, {
      accountId,
      kind: 'new-sign-in',
      excerpt: `${device} · ${address}`,
      groupKey: `new-sign-in:${id}`,
    }),
  )
}

/** Tells those whom a published video's caption mentions. Idempotent. */
export async function tellCaptionMentions(ctx: Ctx, videoId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const video = await findVideo(tx, videoId)
    if (!video || video.deleted_at) return
    const about = { text: video.caption, actorId: video.account_id, videoId, commentId: null }
    await notifyMentioned(ctx, tx, about)
  })
}

/** Deletes notifications older than NOTIFICATIONS_KEPT_MS, a bounded number a call. @returns how many. */
export const pruneNotifications = (ctx: Ctx): Promise<number> =>
  queries.pruneNotifications(ctx.db, {
    before: new Date(ctx.clock.now().getTime() - NOTIFICATIONS_KEPT_MS),
    limit: PRUNE_BATCH,
  })

/** Pruning runs until disposal, the queue until the context closes. */
export async function startNotificationJobs(ctx: Ctx): Promise<AsyncDisposable> {
  await ctx.jobs.work(captionMentionsQueue, {}, ({ data }) => tellCaptionMentions(ctx, data.videoId))
  await ctx.jobs.work(newSignInQueue, {}, ({ data }) => tellNewSignIn(ctx, data))
  return startUpkeep(ctx, {
    intervalMs: PRUNE_INTERVAL_MS,
    async work(signal) {
      while (!signal.aborted && (await pruneNotifications(ctx)) === PRUNE_BATCH);
    },
    failure: 'notifications.prune-failed',
  })
}
