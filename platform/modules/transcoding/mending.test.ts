import { rename } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { registerMedia } from '../delivery/index.ts'
import { createApp } from '../../app/http.ts'
import { listNotifications } from '../notifications/index.ts'
import { loadReceipt, startUploadJobs } from '../uploads/index.ts'
import {
  blobPrefixOf,
  findVideo,
  listGenerations,
  loadVideoCards,
  originalKeyOf,
  posterKeyOf,
  previewKeyOf,
  segmentKeyOf,
  startVideoJobs,
} from '../videos/index.ts'
import { makeFirstPlayable } from './first-playable.ts'
import { improveVideo } from './improve.ts'
import { startFirstPlayableLane, startImproveLane } from './index.ts'
import { markBlobStore } from './blob-store.ts'
import { lookAtNext, lookAtRecent, reconcile, scrub, startReconciler } from './reconcile.ts'
import {
  lose,
  never,
  requestVideo,
  spoil,
  storeVideo,
  until,
  untilComplete,
  type StoredVideo,
} from './transcoding.fixtures.ts'

const DAY_MS = 24 * 3_600_000

async function makeAll(world: World, video: StoredVideo): Promise<void> {
  await markBlobStore(world.ctx)
  await makeFirstPlayable(world.ctx, video, never)
  await improveVideo(world.ctx, video, never)
}

async function published(world: World, name: 'hevcShort' | 'h264Large' = 'hevcShort'): Promise<StoredVideo> {
  const video = await storeVideo(world, name, { isPublishRequested: true })
  await makeAll(world, video)
  return video
}

const stateOf = async (world: World, videoId: string) => (await findVideo(world.ctx.db, videoId))!
const receiptOf = async (world: World, { uploadId }: StoredVideo) => (await loadReceipt(world.ctx, uploadId))!
const cardOf = async (world: World, videoId: string) =>
  (await loadVideoCards(world.ctx, null, [videoId])).get(videoId)
const waiting = async (world: World, queue: string) =>
  (await world.ctx.pool.query('select 1 from pgboss.job where name = $1', [queue])).rowCount

test('a whole video is left as it is', async () => {
  await using world = await createWorld()
  const video = await published(world)
  const before = await stateOf(world, video.videoId)

  expect([await lookAtRecent(world.ctx), await lookAtNext(world.ctx)]).toEqual([0, 0])
  expect(await stateOf(world, video.videoId)).toEqual(before)
})

test('when the ladder loses a file, the first generation is played until a new ladder is made', async () => {
  await using world = await createWorld()
  const video = await published(world, 'h264Large')
  const { videoId } = video
  const { published_at: publishedAt } = await stateOf(world, videoId)
  await lose(world, segmentKeyOf(videoId, 2, 'v360', '00000.m4s'))

  expect(await lookAtNext(world.ctx)).toBe(1)

  expect(await stateOf(world, videoId)).toMatchObject({
    generation: 1,
    is_complete: false,
    published_at: publishedAt,
  })
  expect((await cardOf(world, videoId))?.playback).toMatchObject({ generation: 1, isComplete: false })
  expect(await receiptOf(world, video)).toMatchObject({ state: 'playable', completeAt: null })

  await improveVideo(world.ctx, video, never)
  expect(await stateOf(world, videoId)).toMatchObject({ generation: 3, is_complete: true })
  const numbers = (await listGenerations(world.ctx.db, videoId)).map((row) => row.generation)
  expect(numbers).toEqual([3, 1])
})

test('when nothing whole is left it is not claimed to be playable, and is made again under new addresses', async () => {
  await using world = await createWorld()
  const video = await published(world)
  const { videoId } = video
  const { published_at: publishedAt } = await stateOf(world, videoId)
  // The ladder's own rung: both generations stand on it.
  await lose(world, segmentKeyOf(videoId, 1, 'v540', '00000.m4s'))

  await lookAtNext(world.ctx)

  expect(await cardOf(world, videoId)).toBeUndefined()
  expect(await receiptOf(world, video)).toMatchObject({
    state: 'safe',
    playableHeight: null,
    playableAt: null,
  })
  expect(await stateOf(world, videoId)).toMatchObject({ published_at: publishedAt, failed_at: null })

  await makeFirstPlayable(world.ctx, video, never)
  await improveVideo(world.ctx, video, never)
  expect(await stateOf(world, videoId)).toMatchObject({
    generation: 4,
    is_complete: true,
    published_at: publishedAt,
  })
  expect(await lookAtRecent(world.ctx)).toBe(0)
  expect((await cardOf(world, videoId))?.playback.masterUrl).toContain('/g4/')
})

test('a process that starts before its database looks at the newest videos as soon as it can', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  const { videoId } = await published(world)
  // It has just been looked at in its turn: only the look at the newest ones finds what is lost now.
  await lookAtNext(world.ctx)
  await lose(world, segmentKeyOf(videoId, 2, 'v360', '00000.m4s'))
  let isAway = true
  const ctx = {
    ...world.ctx,
    get db() {
      if (!isAway) return world.ctx.db
      isAway = false
      throw new Error('The database is away.')
    },
  }

  await using _reconciler = startReconciler(ctx, 20)

  await eventually(async () => !(await stateOf(world, videoId)).is_complete)
})

test('a flipped bit is found by reading, a week after it was last read', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const { videoId } = await published(world)
  await spoil(world, segmentKeyOf(videoId, 2, 'v360', '00000.m4s'))

  expect(await lookAtRecent(world.ctx)).toBe(0)
  clock.advance(7 * DAY_MS - 1)
  expect(await scrub(world.ctx)).toBe(0)
  clock.advance(1)
  expect(await scrub(world.ctx)).toBe(1)
  expect((await stateOf(world, videoId)).is_complete).toBe(false)
  expect(await scrub(world.ctx)).toBe(0)
})

test.each([
  ['missing', (world: World, videoId: string) => lose(world, originalKeyOf(videoId))],
  ['damaged', (world: World, videoId: string) => spoil(world, originalKeyOf(videoId))],
] as const)('files lost with their original %s: the owner is told, once', async (_, harm) => {
  await using world = await createWorld({ isWorker: true })
  const video = await published(world)
  const { videoId, accountId } = video
  await lose(world, blobPrefixOf(videoId))
  await harm(world, videoId)
  await lookAtNext(world.ctx)
  await startUploadJobs(world.ctx)

  for (let round = 0; round < 2; round++) await makeFirstPlayable(world.ctx, video, never)

  const receipt = await receiptOf(world, video)
  expect(receipt).toMatchObject({ state: 'failed', failure: { code: 'video-lost', canRetry: true } })
  expect(receipt.failure!.reason).toContain('original')
  const failures = async () => {
    const page = await listNotifications(world.ctx, { viewerId: accountId, page: { limit: 10 } })
    return page.items.filter(({ kind }) => kind === 'upload-failed').length
  }
  await until(async () => (await failures()) === 1)
  expect(await reconcile(world.ctx)).toBe(0)
})

test('a ladder that can not be made again leaves the video playable, and says why it stays as it is', async () => {
  await using world = await createWorld()
  const video = await published(world, 'h264Large')
  await lose(world, segmentKeyOf(video.videoId, 2, 'v360', 'init.mp4'))
  await lose(world, originalKeyOf(video.videoId))
  await lookAtNext(world.ctx)

  await improveVideo(world.ctx, video, never)

  expect(await receiptOf(world, video)).toMatchObject({ state: 'playable', failure: { code: 'video-lost' } })
  expect(await cardOf(world, video.videoId)).toBeDefined()
})

test('while the disk is away nothing is lost; when it is back all is as it was', async () => {
  await using world = await createWorld()
  const video = await published(world)
  const before = await stateOf(world, video.videoId)
  const { blobs } = world.config.paths
  await rename(blobs, `${blobs}-away`)

  await lookAtNext(world.ctx)
  await makeFirstPlayable(world.ctx, video, never)
  expect(await receiptOf(world, video)).toMatchObject({ state: 'safe', waitsFor: 'storage', failure: null })

  await rename(`${blobs}-away`, blobs)
  await lookAtRecent(world.ctx)
  const { generation, published_at, is_complete, failed_at, work_waits_for } = before
  expect(await stateOf(world, video.videoId)).toMatchObject({
    ...{ generation, published_at, is_complete, failed_at, work_waits_for },
  })
})

test('an original that is found again makes the video again', async () => {
  await using world = await createWorld()
  const video = await published(world)
  const key = originalKeyOf(video.videoId)
  const path = world.ctx.blobs.localPath(key)!
  await lose(world, blobPrefixOf(video.videoId))
  await rename(path, `${path}-elsewhere`)
  await lookAtNext(world.ctx)
  await makeFirstPlayable(world.ctx, video, never)
  expect((await stateOf(world, video.videoId)).failure_code).toBe('video-lost')

  await rename(`${path}-elsewhere`, path)
  await lookAtRecent(world.ctx)
  await makeFirstPlayable(world.ctx, video, never)
  expect(await stateOf(world, video.videoId)).toMatchObject({ generation: 3, failure_code: null })
})

test('poster and preview that are gone are made again', async () => {
  await using world = await createWorld()
  const { videoId } = await published(world)
  await lose(world, posterKeyOf(videoId, 1))
  await lose(world, previewKeyOf(videoId, 1))

  await lookAtNext(world.ctx)

  expect(await stateOf(world, videoId)).toMatchObject({ poster_version: 2, preview_version: 2 })
  expect(await world.ctx.blobs.stat(posterKeyOf(videoId, 2))).not.toBeNull()
  expect(await world.ctx.blobs.stat(previewKeyOf(videoId, 2))).not.toBeNull()
})

test('a viewer who meets a missing file has the video mended at once, through both lanes', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _first = await startFirstPlayableLane(world.ctx)
  await using _improve = await startImproveLane(world.ctx)
  const { videoId } = await requestVideo(world, 'hevcShort')
  await untilComplete(world, videoId)
  const app = createApp(world.ctx)
  registerMedia(app, world.ctx)
  await lose(world, blobPrefixOf(videoId))

  const answer = await app.inject(`/media/${videoId}/g1/v540/00000.m4s`)

  expect(answer.statusCode).toBe(404)
  await until(async () => (await stateOf(world, videoId)).generation === 4)
  expect(await stateOf(world, videoId)).toMatchObject({ is_complete: true, failed_at: null })
  await app.close()
})

test('what a newer generation replaced is removed after a day, and not before', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock, isWorker: true })
  const { videoId } = await published(world, 'h264Large')
  await startVideoJobs(world.ctx)
  const copied = segmentKeyOf(videoId, 1, 'v1080', '00000.m4s')
  const kept = segmentKeyOf(videoId, 1, 'a', '00000.m4s')
  const isThere = async (key: string) => (await world.ctx.blobs.stat(key)) !== null
  /** The database has its own clock: what it was asked to begin in a day begins now. */
  const beginDue = () =>
    world.ctx.pool.query(
      `update pgboss.job set start_after = now() where name = 'video-prune' and state = 'created'`,
    )
  const { rows } = await world.ctx.pool.query(
    `select extract(epoch from start_after - created_on)::integer as wait from pgboss.job where name = 'video-prune'`,
  )
  expect(rows).toEqual([{ wait: 24 * 3600 + 60 }])

  clock.advance(DAY_MS - 1)
  await beginDue()
  // It looks, finds that the day is not over, and comes again.
  await until(async () => (await waiting(world, 'video-prune')) === 2)
  expect(await isThere(copied)).toBe(true)

  clock.advance(1)
  await beginDue()
  // The files go first, then the row that names them.
  await until(async () => (await listGenerations(world.ctx.db, videoId)).length === 1)
  expect((await listGenerations(world.ctx.db, videoId)).map((row) => row.generation)).toEqual([2])
  expect(await isThere(copied)).toBe(false)
  expect(await isThere(kept)).toBe(true)
})
