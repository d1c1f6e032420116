/** Whether a video can be made from its original: that is there, is lost, or lies on a disk that is away. */
import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { originalKeyOf, recordFailure, recordWait } from '../videos/index.ts'
import { isOwnBlobStore } from './blob-store.ts'
import * as queries from './reconcile.queries.ts'

export type OriginalState = 'there' | 'missing' | 'damaged' | 'away'

/** @param isReadThrough whether its checksum is compared too, which takes a second per gigabyte. */
export async function judgeOriginal(
  ctx: Ctx,
  videoId: string,
  { isReadThrough }: { readonly isReadThrough: boolean },
): Promise<OriginalState> {
  const key = originalKeyOf(videoId)
  const stored = await ctx.blobs.stat(key)
  if (!stored) return (await isOwnBlobStore(ctx)) ? 'missing' : 'away'
  const uploaded = await queries.findUploaded(ctx.db, videoId)
  if (!uploaded) return 'there'
  if (stored.sizeBytes !== uploaded.sizeBytes) return 'damaged'
  if (!isReadThrough || !uploaded.sha256) return 'there'
  const hash = createHash('sha256')
  try {
    await pipeline(await ctx.blobs.read(key), hash)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
    return 'damaged'
  }
  return hash.digest().equals(uploaded.sha256) ? 'there' : 'damaged'
}

/**
 * Says what it means for the video that its original can't be used: it waits for a disk that is away; what is lost is
 * said to be lost.
 */
export async function settleWithoutOriginal(
  ctx: Ctx,
  videoId: string,
  { state, playableHeight }: { state: Exclude<OriginalState, 'there'>; playableHeight: number | null },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    if (state === 'away') return recordWait(ctx, tx, { videoId, waitsFor: 'storage' })
    const what =
      state === 'missing'
        ? 'is no longer on the disk of this instance'
        : 'is damaged on the disk of this instance'
    const reason =
      playableHeight === null
        ? `Its playable files are lost, and the original ${what}, so that they can't be made again.`
        : `The original ${what}: better qualities than ${playableHeight}p can't be made.`
    await recordFailure(ctx, tx, { videoId, code: 'video-lost', reason })
  })
  ctx.log.error({ videoId, original: state }, 'transcoding.no-original')
}
