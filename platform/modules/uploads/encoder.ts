/** How arriving bytes meet the encoder: it is started with the first of them, and a source that it refuses ends the upload. */
import type { Ctx } from '../../app/context.ts'
import { startStreamingEncode, type ArrivingUpload } from '../transcoding/index.ts'
import { findVideo } from '../videos/index.ts'
import type { OpenUploads } from './open-uploads.ts'
import { endUpload } from './uploads.service.ts'
import * as queries from './uploads.queries.ts'

/** Settles when the encoder has ended with these bytes; never rejects. */
export async function meetEncoder(
  ctx: Ctx,
  openUploads: () => OpenUploads,
  upload: ArrivingUpload,
): Promise<void> {
  const outcome = await startStreamingEncode(ctx, upload).done
  if (outcome !== 'refused') return
  try {
    await endRefused(ctx, openUploads(), upload.uploadId)
  } catch (error) {
    // Upkeep does it later.
    ctx.log.warn({ err: error, uploadId: upload.uploadId }, 'uploads.refusal-not-ended')
  }
}

/** Ends an upload whose file can't become a video while it is still receiving: no more bytes are asked for. */
export async function endRefused(ctx: Ctx, open: OpenUploads, uploadId: string): Promise<void> {
  using _turn = await open.take(uploadId)
  const row = await queries.findUpload(ctx.db, uploadId)
  if (row?.state !== 'receiving') return
  const video = await findVideo(ctx.db, row.video_id)
  if (!video?.failure_code) return
  await endUpload(ctx, open, row, {
    state: 'failed',
    failure: { code: video.failure_code, reason: video.failure_reason ?? '' },
  })
}
