/** Videos with their uploads and originals, as modules/uploads leaves them; and ways to wait, to look, and to spoil files. */
import { createHash } from 'node:crypto'
import { open, readFile, rm } from 'node:fs/promises'
import { expect } from 'vitest'
import { isWholeSegment, type MediaManifest } from '../../../engines/ladder/index.ts'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { encodersOf } from '../../../tests/support/encoders.ts'
import type { World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { createVideo, findVideo, listGenerations, originalKeyOf, segmentKeyOf } from '../videos/index.ts'
import { requestFirstPlayable } from './index.ts'
import type { TranscodeJob } from './transcoding.jobs.ts'

export const never = new AbortController().signal

export interface StoredVideo extends TranscodeJob {
  readonly uploadId: string
}

interface VideoOptions {
  /** @default a new account */
  readonly accountId?: string
  /** @default false */
  readonly isPublishRequested?: boolean
}

/** A video of which nothing has come yet. */
export async function newVideo(world: World, options: VideoOptions = {}): Promise<StoredVideo> {
  const { ctx } = world
  const accountId = options.accountId ?? (await world.account()).id
  const [videoId, uploadId] = [ctx.newId(), ctx.newId()]
  await inTransaction(ctx, (tx) =>
    createVideo(ctx, tx, {
      id: videoId,
      accountId,
      uploadId,
      caption: '',
      visibility: 'public',
      coverAtMs: null,
      isPublishRequested: options.isPublishRequested ?? false,
    }),
  )
  return { videoId, accountId, uploadId }
}

/** A video whose original lies among the blobs. */
export async function storeOriginal(
  world: World,
  name: ClipName,
  options: VideoOptions = {},
): Promise<StoredVideo> {
  const video = await newVideo(world, options)
  await world.ctx.blobs.put(originalKeyOf(video.videoId), await readFile(await makeClip(name)))
  return video
}

/** The same, with its upload, which is safe. */
export async function storeVideo(
  world: World,
  name: ClipName,
  options: VideoOptions = {},
): Promise<StoredVideo> {
  const video = await storeOriginal(world, name, options)
  const bytes = await readFile(await makeClip(name))
  const at = world.ctx.clock.now()
  await world.ctx.db
    .insertInto('upload')
    .values({
      id: video.uploadId,
      account_id: video.accountId,
      video_id: video.videoId,
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
  return video
}

/** The same, and the lane is asked to make it playable; its author wants it published. */
export async function requestVideo(world: World, name: ClipName, accountId?: string): Promise<StoredVideo> {
  const video = await storeVideo(world, name, { isPublishRequested: true, ...(accountId && { accountId }) })
  await requestFirstPlayable(world.ctx, world.ctx.db, video)
  return video
}

export async function until(look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: 50_000, interval: 20 }).toBe(true)
}

export const untilComplete = (world: World, videoId: string) =>
  until(async () => (await findVideo(world.ctx.db, videoId))?.is_complete ?? false)

export const refusalOf = async (world: World, videoId: string) =>
  (await findVideo(world.ctx.db, videoId))?.failure_code

/** The manifest of a generation, after checking that each of its files is there and whole. */
export async function manifestOf(world: World, videoId: string, generation: number): Promise<MediaManifest> {
  const rows = await listGenerations(world.ctx.db, videoId)
  const manifest = rows.find((row) => row.generation === generation)!.manifest
  for (const rendition of [...manifest.videos, ...(manifest.audio ? [manifest.audio] : [])]) {
    for (const entry of rendition.segments) {
      const key = segmentKeyOf(videoId, rendition.generation, rendition.id, entry.name)
      const bytes = await world.ctx.blobs.readAll(key)
      expect(bytes?.length).toBe(entry.sizeBytes)
      expect(isWholeSegment(bytes!)).toBe(true)
    }
  }
  return manifest
}

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

/** The encoders that this process started. */
export const encoders = (): Promise<number[]> => encodersOf(process.pid)

/** Sends the signal to the next encoder that appears. */
export async function killNextEncoder(signal: NodeJS.Signals, isDone: () => Promise<boolean>): Promise<void> {
  await until(async () => {
    const pids = await encoders()
    for (const pid of pids) process.kill(pid, signal)
    return pids.length > 0 || (await isDone())
  })
}
