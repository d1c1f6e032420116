/** Telling the owner how an upload came out. */
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { notifyAccount } from '../notifications/index.ts'
import { findVideo, videoSettledQueue } from '../videos/index.ts'
import { notifyFailure } from './uploads.service.ts'
import * as queries from './uploads.queries.ts'

/** Notifies the owner that the video was published by itself, or why it could not be made. Idempotent. */
export async function tellOwner(
  ctx: Ctx,
  { videoId, outcome }: { readonly videoId: string; readonly outcome: 'published' | 'failed' },
): Promise<void> {
  const [row, video] = await Promise.all([queries.findByVideo(ctx.db, videoId), findVideo(ctx.db, videoId)])
  if (!row || !video) return
  await inTransaction(ctx, async (tx) => {
    if (outcome === 'failed') {
      if (video.failure_reason !== null) await notifyFailure(ctx, tx, row, video.failure_reason)
      return
    }
    await notifyAccount(ctx, tx, {
      accountId: row.account_id,
      kind: 'upload-published',
      uploadId: row.id,
      videoId,
      excerpt: video.caption || row.filename,
    })
  })
}

/** Runs the jobs of uploads here until the context closes. */
export async function startUploadJobs(ctx: Ctx): Promise<void> {
  await ctx.jobs.work(videoSettledQueue, {}, ({ data }) => tellOwner(ctx, data))
}
