/** While it uploads. */
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMp4Layout } from '../../../engines/ladder/index.ts'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { findVideo, originalKeyOf } from '../videos/index.ts'
import { makeFirstPlayable } from './first-playable.ts'
import { startStreamingEncode, type ArrivingUpload } from './index.ts'
import { killNextEncoder, manifestOf, never, newVideo, refusalOf, until } from './transcoding.fixtures.ts'
import * as queries from './transcoding.queries.ts'

test.each([
  ['with the index in front', 'h264', 'copied'],
  ['with the index sent ahead', 'h264IndexAtEnd', 'copied'],
  ['that has to be encoded, index sent ahead', 'hevc', 'first-rung'],
  ['in a WebM', 'vp9', 'first-rung'],
  ['in a Matroska file', 'h264Mkv', 'copied'],
  ['in a recording by a browser', 'recorderMkv', 'copied'],
] as const)('a source %s is playable when it is safe', async (_, name, kind) => {
  await using world = await createWorld()
  await using upload = await arrive(world, name)
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  for (let part = 1; part <= 10; part++) await upload.receive(part / 10)

  expect(await world.ctx.blobs.stat(originalKeyOf(upload.seen.videoId))).toBeNull()
  await upload.finish()

  expect(await done).toBe('playable')
  expect(await manifestOf(world, upload.seen.videoId, 1)).toMatchObject({ kind })
  expect((await findVideo(world.ctx.db, upload.seen.videoId))?.poster_version).toBe(1)
})

test('nothing is playable before it is safe', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'h264')
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  await upload.receive(1)
  await until(async () => {
    const journal = await queries.listRenditions(world.ctx.db, upload.seen.videoId)
    return journal.length === 2 && journal.every((rendition) => rendition.isWhole)
  })
  expect((await findVideo(world.ctx.db, upload.seen.videoId))?.generation).toBeNull()
  upload.cancel()
  expect(await done).toBe('left')
})

test('a playlist is refused by its first bytes', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'hlsOfSecrets')
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  await upload.receive(1)
  expect(await done).toBe('refused')
  expect(await refusalOf(world, upload.seen.videoId)).toBe('video-playlist')
})

test('without its index sent ahead, it is left to the whole file', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'h264IndexAtEnd', { isIndexAhead: false })
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  await upload.receive(1)
  expect(await done).toBe('left')
  await upload.finish()
  await makeFirstPlayable(world.ctx, upload.seen, never)
  expect((await manifestOf(world, upload.seen.videoId, 1)).kind).toBe('copied')
})

test('when bytes cease the encoder stops, and its segments are kept for when the rest has come', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'h264LongGop')
  const { done } = startStreamingEncode(world.ctx, upload.seen, { stallMs: 1_500 })
  await upload.receive(0.85)
  expect(await done).toBe('left')
  const { videoId } = upload.seen
  const journal = await queries.listRenditions(world.ctx.db, videoId)
  expect(journal.find(({ rendition }) => rendition === 'v360')!.segments.length).toBeGreaterThan(0)

  await upload.receive(1)
  await upload.finish()
  await makeFirstPlayable(world.ctx, upload.seen, never)
  const { videos } = await manifestOf(world, videoId, 1)
  expect(videos[0]!.segments.map((s) => s.durationMs)).toEqual([2000, 2000, 2000, 2000])
})

test('a source that crashes the encoder while it arrives waits until it is whole, and has one more try', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'h264LongGop')
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  await upload.receive(0.85)
  await killNextEncoder('SIGSEGV', async () => false)
  expect(await done).toBe('left')
  const crashes = async () => (await queries.findTranscode(world.ctx.db, upload.seen.videoId))?.crashes
  expect(await crashes()).toBe(1)
  expect(await startStreamingEncode(world.ctx, upload.seen).done).toBe('left')
  await upload.receive(1)
  await upload.finish()
  await makeFirstPlayable(world.ctx, upload.seen, never)
  expect((await manifestOf(world, upload.seen.videoId, 1)).kind).toBe('first-rung')
  expect(await crashes()).toBe(1)
})

test('a cancelled upload ends its encoder', async () => {
  await using world = await createWorld()
  await using upload = await arrive(world, 'hevc')
  const { done } = startStreamingEncode(world.ctx, upload.seen)
  await upload.receive(0.5)
  upload.cancel()
  expect(await done).toBe('left')
})

/** An upload whose bytes arrive when the test says so. */
async function arrive(world: World, name: ClipName, { isIndexAhead = true } = {}) {
  const bytes = await readFile(await makeClip(name))
  const layout = name === 'h264IndexAtEnd' || name === 'hevc' ? readMp4Layout(bytes) : null
  const index =
    layout?.isIndexAtEnd && isIndexAhead
      ? bytes.subarray(layout.moov!.start, layout.moov!.start + layout.moov!.sizeBytes!)
      : null
  const dir = await makeTemporaryDir()
  const path = join(dir.path, 'bytes')
  const file = await open(path, 'w')
  const video = await newVideo(world)
  const safe = Promise.withResolvers<void>()
  safe.promise.catch(() => {})
  const cancelled = new AbortController()
  let changed = Promise.withResolvers<void>()
  let receivedBytes = 0
  const seen: ArrivingUpload = {
    ...video,
    sizeBytes: bytes.length,
    path,
    receivedBytes: () => receivedBytes,
    index: () => index,
    waitForChange: (signal) =>
      Promise.race([
        changed.promise,
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      ]),
    whenSafe: safe.promise,
    signal: cancelled.signal,
  }
  return {
    seen,
    async receive(share: number) {
      const end = Math.floor(bytes.length * share)
      await file.write(bytes, receivedBytes, end - receivedBytes, receivedBytes)
      receivedBytes = end
      changed.resolve()
      changed = Promise.withResolvers()
    },
    async finish() {
      await world.ctx.blobs.put(originalKeyOf(video.videoId), bytes)
      safe.resolve()
    },
    cancel() {
      cancelled.abort()
      safe.reject(new Error('cancelled'))
    },
    async [Symbol.asyncDispose]() {
      cancelled.abort()
      safe.reject(new Error('over'))
      await file.close()
      await dir[Symbol.asyncDispose]()
    },
  }
}
