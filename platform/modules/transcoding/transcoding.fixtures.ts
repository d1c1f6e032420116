/** Videos with their uploads and originals, as modules/uploads leaves them; and ways to wait, and to spoil files. */
import { createHash } from 'node:crypto'
import { open, readFile, rm } from 'node:fs/promises'
import { expect } from 'vitest'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import type { World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { createVideo, findVideo, originalKeyOf } from '../videos/index.ts'
import { requestFirstPlayable } from './index.ts'
import type { TranscodeJob } from './transcoding.jobs.ts'

export const never = new AbortController().signal

export interface StoredVideo extends TranscodeJob {
  readonly uploadId: string
}

/** A video whose upload is safe and whose original lies among the blobs. */
export async function storeVideo(
  world: World,
  name: ClipName,
  options: { readonly accountId?: string; readonly isPublishRequested?: boolean } = {},
): Promise<StoredVideo> {
  const { ctx } = world
  const accountId = options.accountId ?? (await world.account()).id
  const [videoId, uploadId] = [ctx.newId(), ctx.newId()]
  const bytes = await readFile(await makeClip(name))
  await ctx.blobs.put(originalKeyOf(videoId), bytes)
  const at = ctx.clock.now()
  await inTransaction(ctx, async (tx) => {
    await createVideo(ctx, tx, {
      id: videoId,
      accountId,
      uploadId,
      caption: '',
      visibility: 'public',
      coverAtMs: null,
      isPublishRequested: options.isPublishRequested ?? false,
    })
    await tx
      .insertInto('upload')
      .values({
        id: uploadId,
        account_id: accountId,
        video_id: videoId,
        filename: `${name}.mp4`,
        media_type: 'video/mp4',
        metadata: '',
        size_bytes: bytes.length,
        received_bytes: bytes.length,
        state: 'safe',
        sha256: createHash('sha256').update(bytes).digest(),
        created_at: at,
        updated_at: at,
        safe_at: at,
        stored_at: at,
      })
      .execute()
  })
  return { videoId, accountId, uploadId }
}

/** The same, and the lane is asked to make it playable; its author wants it published. */
export async function requestVideo(world: World, name: ClipName, accountId?: string): Promise<StoredVideo> {
  const video = await storeVideo(world, name, { isPublishRequested: true, ...(accountId && { accountId }) })
  await requestFirstPlayable(world.ctx, world.ctx.db, video)
  return video
}

export async function until(look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: 50_000, interval: 50 }).toBe(true)
}

export const untilComplete = (world: World, videoId: string) =>
  until(async () => (await findVideo(world.ctx.db, videoId))?.is_complete ?? false)

/** Removes a blob, as a disk does that lost it. */
export const lose = (world: World, key: string) => rm(world.ctx.blobs.localPath(key)!, { recursive: true })

/** Turns a bit of a blob in its middle: its size stays. */
export async function spoil(world: World, key: string): Promise<void> {
  await using file = await open(world.ctx.blobs.localPath(key)!, 'r+')
  const middle = Math.floor((await file.stat()).size / 2)
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, middle)
  byte[0]! ^= 1
  await file.write(byte, 0, 1, middle)
}
