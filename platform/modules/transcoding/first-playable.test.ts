/** From a whole file to a whole ladder. */
import { execFile } from 'node:child_process'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { INIT_NAME, renderMasterPlaylist, type VideoRendition } from '../../../engines/ladder/index.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { findVideo, posterKeyOf, segmentKeyOf } from '../videos/index.ts'
import { makeFirstPlayable } from './first-playable.ts'
import { improveVideo } from './improve.ts'
import { manifestOf, never, refusalOf, storeOriginal, until } from './transcoding.fixtures.ts'
import * as queries from './transcoding.queries.ts'

const run = promisify(execFile)

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
  const watching = until(async () => {
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
