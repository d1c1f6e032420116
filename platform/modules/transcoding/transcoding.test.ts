import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  INIT_NAME,
  isWholeSegment,
  readMp4Layout,
  renderMasterPlaylist,
  type MediaManifest,
  type VideoRendition,
} from '../../../engines/ladder/index.ts'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import {
  createVideo,
  findVideo,
  listGenerations,
  originalKeyOf,
  posterKeyOf,
  segmentKeyOf,
} from '../videos/index.ts'
import { makeFirstPlayable } from './first-playable.ts'
import { improveVideo } from './improve.ts'
import { startStreamingEncode, type ArrivingUpload } from './index.ts'
import * as queries from './transcoding.queries.ts'

const run = promisify(execFile)
const never = new AbortController().signal

async function newVideo(world: World) {
  const { id: accountId } = await world.account()
  const [videoId, uploadId] = [world.ctx.newId(), world.ctx.newId()]
  await inTransaction(world.ctx, (tx) =>
    createVideo(world.ctx, tx, {
      id: videoId,
      accountId,
      uploadId,
      caption: '',
      visibility: 'public',
      coverAtMs: null,
      isPublishRequested: false,
    }),
  )
  return { videoId, accountId, uploadId }
}

async function storeOriginal(world: World, name: ClipName) {
  const video = await newVideo(world)
  await world.ctx.blobs.put(originalKeyOf(video.videoId), await readFile(await makeClip(name)))
  return video
}

/** The manifest of a generation, after checking that each of its files is there and whole. */
async function manifestOf(world: World, videoId: string, generation: number): Promise<MediaManifest> {
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

/** What a player finds in a rendition: its packets, and when the first and the last of them are shown. */
async function readBack(
  world: World,
  videoId: string,
  rendition: Pick<VideoRendition, 'id' | 'generation' | 'segments'>,
) {
  const names = [INIT_NAME, ...rendition.segments.map(({ name }) => name)]
  const parts = await Promise.all(
    names.map((name) =>
      world.ctx.blobs.readAll(segmentKeyOf(videoId, rendition.generation, rendition.id, name)),
    ),
  )
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'rendition.mp4')
  await writeFile(path, Buffer.concat(parts.map((part) => part!)))
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path],
  ])
  const times = stdout.trim().split('\n').map(Number.parseFloat)
  return { packets: times.length, firstS: Math.min(...times), lastS: Math.max(...times) }
}

const refusalOf = async (world: World, videoId: string) =>
  (await findVideo(world.ctx.db, videoId))?.failure_code

describe('from a whole file', () => {
  test('what players can play is copied, then the ladder follows', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'h264Large')

    await makeFirstPlayable(world.ctx, video, never)
    const copied = await manifestOf(world, video.videoId, 1)
    expect(copied).toMatchObject({ kind: 'copied', width: 1080, height: 1920, durationMs: 2000 })
    expect(copied.videos.map(({ id }) => id)).toEqual(['v1080'])
    expect(await findVideo(world.ctx.db, video.videoId)).toMatchObject({ generation: 1, is_complete: false })

    await improveVideo(world.ctx, video, never)
    const ladder = await manifestOf(world, video.videoId, 2)
    expect(ladder.videos.map(({ id, generation }) => `${id} g${generation}`)).toEqual([
      'v1080 g2',
      'v720 g2',
      'v540 g2',
      'v360 g2',
    ])
    expect(ladder.audio).toMatchObject({ generation: 1, codecs: 'mp4a.40.2' })
    const row = await findVideo(world.ctx.db, video.videoId)
    expect(row).toMatchObject({ generation: 2, is_complete: true, playable_height: 1080 })
    expect(row!.placeholder).toEqual(expect.any(String))
    expect(await world.ctx.blobs.stat(posterKeyOf(video.videoId, row!.poster_version!))).not.toBeNull()
    expect(row!.preview_version).toBe(1)
  })

  test.each([
    ['h264Mov', 120],
    ['h264Mkv', 180],
    ['recorderMkv', 120],
  ] as const)('%s is copied, picture by picture, with its sound in step', async (name, frames) => {
    await using world = await createWorld()
    const video = await storeOriginal(world, name)

    await makeFirstPlayable(world.ctx, video, never)

    const manifest = await manifestOf(world, video.videoId, 1)
    expect(manifest.kind).toBe('copied')
    const picture = await readBack(world, video.videoId, manifest.videos[0]!)
    const sound = await readBack(world, video.videoId, manifest.audio!)
    expect(picture.packets).toBe(frames)
    // ffprobe shows pictures with signed composition offsets a frame late.
    expect(Math.abs(picture.firstS - sound.firstS)).toBeLessThan(0.06)
    expect(picture.lastS - picture.firstS).toBeCloseTo((frames - 1) / 30, 2)
    expect(Math.abs(sound.lastS - picture.lastS)).toBeLessThan(0.1)
  })

  test('a Matroska file whose later pictures can not be entered is encoded after all', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'h264MkvLongTail')
    await makeFirstPlayable(world.ctx, video, never)
    const manifest = await manifestOf(world, video.videoId, 1)
    expect(manifest.kind).toBe('first-rung')
    expect(Math.max(...manifest.videos[0]!.segments.map((s) => s.durationMs))).toBe(2000)
  })

  test('anything else gets 540 first, which the ladder reuses', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'hevc')

    await makeFirstPlayable(world.ctx, video, never)
    const first = await manifestOf(world, video.videoId, 1)
    expect(first).toMatchObject({ kind: 'first-rung', width: 540, height: 960 })

    await improveVideo(world.ctx, video, never)
    const ladder = await manifestOf(world, video.videoId, 2)
    expect(ladder.videos.map(({ id, generation }) => `${id} g${generation}`)).toEqual([
      'v720 g2',
      'v540 g1',
      'v360 g2',
    ])
    expect(ladder.videos.map(({ segments }) => segments.map((s) => s.durationMs))).toEqual([
      [2000, 1000],
      [2000, 1000],
      [2000, 1000],
    ])
    expect(renderMasterPlaylist(ladder)).toContain(
      'RESOLUTION=540x960,FRAME-RATE=30.000,AUDIO="audio"\nv540.m3u8',
    )
  })

  test('a silent source plays without sound', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'silent')
    await makeFirstPlayable(world.ctx, video, never)
    expect((await manifestOf(world, video.videoId, 1)).audio).toBeNull()
  })

  test('doing all of it twice changes nothing', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'h264')
    for (let round = 0; round < 2; round++) {
      await makeFirstPlayable(world.ctx, video, never)
      await improveVideo(world.ctx, video, never)
    }
    const row = await findVideo(world.ctx.db, video.videoId)
    expect(row).toMatchObject({ is_complete: true, generation: 2, poster_version: 1 })
  })

  test.each([
    ['empty', 'video-empty-file'],
    ['textNamedMp4', 'video-not-a-video'],
    ['zip', 'video-not-a-video'],
    ['hlsOfSecrets', 'video-playlist'],
    ['hlsOfAddress', 'video-playlist'],
    ['concatOfSecrets', 'video-playlist'],
    ['soundOnly', 'video-no-picture'],
    ['truncated', 'video-truncated'],
    ['indexless', 'video-truncated'],
    ['tenHours', 'video-too-long'],
    ['veryWide', 'video-too-large'],
    ['onePixel', 'video-too-small'],
    ['thousandFps', 'video-too-many-fps'],
  ] as const)('%s is refused as %s', async (name, code) => {
    await using world = await createWorld()
    const video = await storeOriginal(world, name)
    await makeFirstPlayable(world.ctx, video, never)
    expect(await refusalOf(world, video.videoId)).toBe(code)
  })

  test.each([
    'polyglot',
    'brokenTimestamps',
    'sixteenK',
    'fragmented',
    'variableRate',
    'rotated',
    'h264FiveOne',
  ] as const)('%s is taken and plays', async (name) => {
    await using world = await createWorld()
    const video = await storeOriginal(world, name)
    await makeFirstPlayable(world.ctx, video, never)
    expect((await manifestOf(world, video.videoId, 1)).durationMs).toBeGreaterThan(2000)
  })

  test('what was cut off goes on after its last whole segment', async () => {
    await using world = await createWorld()
    const video = await storeOriginal(world, 'h264LongGop')
    const cut = new AbortController()
    const watching = watch(async () => {
      const journal = await queries.listRenditions(world.ctx.db, video.videoId)
      const picture = journal.find(({ rendition }) => rendition === 'v360')
      if ((picture?.segments.length ?? 0) >= 2) cut.abort()
      return cut.signal.aborted
    })
    const slow = makeFirstPlayable(world.ctx, video, cut.signal)
    await expect(slow).rejects.toMatchObject({ failure: 'cancelled' })
    await watching
    const key = segmentKeyOf(video.videoId, 1, 'v360', '00000.m4s')
    const before = await stat(world.ctx.blobs.localPath(key)!)

    await makeFirstPlayable(world.ctx, video, never)

    const manifest = await manifestOf(world, video.videoId, 1)
    expect(manifest.videos[0]!.segments.map((s) => s.durationMs)).toEqual([2000, 2000, 2000, 2000])
    expect(Math.round(manifest.audio!.segments.reduce((sum, s) => sum + s.durationMs, 0) / 100)).toBe(80)
    expect((await stat(world.ctx.blobs.localPath(key)!)).ino).toBe(before.ino)
  })
})

describe('while it uploads', () => {
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
    await watch(async () => {
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

  test('a cancelled upload ends its encoder', async () => {
    await using world = await createWorld()
    await using upload = await arrive(world, 'hevc')
    const { done } = startStreamingEncode(world.ctx, upload.seen)
    await upload.receive(0.5)
    upload.cancel()
    expect(await done).toBe('left')
  })
})

async function watch(look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: 30_000, interval: 20 }).toBe(true)
}

/** An upload whose bytes arrive when the test says so. */
async function arrive(world: World, name: ClipName, { isIndexAhead = true } = {}) {
  const bytes = await readFile(await makeClip(name))
  const layout = name === 'h264IndexAtEnd' || name === 'hevc' ? readMp4Layout(bytes) : null
  const index =
    layout?.isIndexAtEnd && isIndexAhead
      ? bytes.subarray(layout.moov!.start, layout.moov!.start + layout.moov!.sizeBytes!)
      : null
  const dir = await mkdtemp(join(tmpdir(), 'upbeat-arriving-'))
  const path = join(dir, 'bytes')
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
      await rm(dir, { recursive: true, force: true })
    },
  }
}
