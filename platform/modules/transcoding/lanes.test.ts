import { availableParallelism } from 'node:os'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { findVideo, segmentKeyOf } from '../videos/index.ts'
import { claimWork } from './claims.ts'
import { startFirstPlayableLane, startImproveLane } from './index.ts'
import { reconcile } from './reconcile.ts'
import { encoders, killNextEncoder, requestVideo, until } from './transcoding.fixtures.ts'
import * as queries from './transcoding.queries.ts'

test('both lanes bring a video from its bytes to complete, and publish it', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _first = await startFirstPlayableLane(world.ctx)
  await using _improve = await startImproveLane(world.ctx)

  const { videoId } = await requestVideo(world, 'hevc')

  await until(async () => (await findVideo(world.ctx.db, videoId))?.is_complete ?? false)
  const video = await findVideo(world.ctx.db, videoId)
  expect(video).toMatchObject({ generation: 2, published_at: expect.any(Date) })
})

test('a stopped lane hands its job back at once, and another finishes it', async () => {
  await using world = await createWorld({ isWorker: true })
  const lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await requestVideo(world, 'h264LongGop')
  await until(async () => (await encoders()).length > 0)
  const seen = world.ctx.vitals.report().doors.find(({ name }) => name === 'encoder')
  expect(seen).toMatchObject({ inFlight: 1, limit: Math.max(2, availableParallelism()) + 2 })

  await lane[Symbol.asyncDispose]()

  expect(await encoders()).toEqual([])
  const waiting = await world.ctx.pool.query(
    `select 1 from pgboss.job where name = $1 and state in ('created', 'retry')`,
    ['first-playable'],
  )
  expect(waiting.rowCount).toBe(1)
  expect(await findVideo(world.ctx.db, videoId)).toMatchObject({ generation: null, failed_at: null })
})

test('an encoder that is killed from outside is started again', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await requestVideo(world, 'h264LongGop')
  const isPlayable = async () => (await findVideo(world.ctx.db, videoId))?.generation === 1

  await killNextEncoder('SIGKILL', isPlayable)

  await until(isPlayable)
  expect((await queries.findTranscode(world.ctx.db, videoId))?.crashes).toBe(0)
})

test('a source that crashes the encoder twice is put aside, and says so', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await requestVideo(world, 'h264LongGop')
  const crashes = async () => (await queries.findTranscode(world.ctx.db, videoId))?.crashes ?? 0

  await killNextEncoder('SIGSEGV', async () => false)
  await until(async () => (await crashes()) === 1)
  await killNextEncoder('SIGSEGV', async () => (await crashes()) === 2)

  await until(async () => (await findVideo(world.ctx.db, videoId))?.failure_code === 'video-crashes-encoder')
})

test('only one at a time works on a video', async () => {
  await using world = await createWorld()
  const job = await requestVideo(world, 'h264')
  await queries.ensureTranscode(world.ctx.db, { ...job, at: world.ctx.clock.now() })
  const stop = new AbortController()
  const first = await claimWork(world.ctx, job.videoId, stop.signal)
  const second = claimWork(world.ctx, job.videoId, stop.signal)

  expect(await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 700, 'waits'))])).toBe(
    'waits',
  )
  await first![Symbol.asyncDispose]()
  await using taken = await second
  expect(taken).not.toBeNull()
})

test('what a killed process worked on is taken up by another, which keeps its segments', async () => {
  await using world = await createWorld()
  const env = {
    ...process.env,
    DATABASE_URL: world.databaseUrl,
    DATA_DIR: world.config.dataDir,
    LOG_LEVEL: 'silent',
  }
  const start = () =>
    spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'work-lanes.ts')], { env })
  const { videoId } = await requestVideo(world, 'slow')
  const segments = async () => {
    const journal = await queries.listRenditions(world.ctx.db, videoId)
    return journal.find(({ rendition }) => rendition === 'v540')?.segments.length ?? 0
  }
  const first = start()
  await until(async () => (await segments()) >= 2)
  first.kill('SIGKILL')
  await once(first, 'exit')
  const kept = await segments()
  const before = await stat(world.ctx.blobs.localPath(segmentKeyOf(videoId, 1, 'v540', '00000.m4s'))!)
  expect((await findVideo(world.ctx.db, videoId))?.generation).toBeNull()

  const second = start()
  await until(async () => (await findVideo(world.ctx.db, videoId))?.generation === 1)
  second.kill('SIGTERM')
  await once(second, 'exit')

  expect(kept).toBeLessThan(5)
  expect(await segments()).toBe(5)
  const after = await stat(world.ctx.blobs.localPath(segmentKeyOf(videoId, 1, 'v540', '00000.m4s'))!)
  expect(after.ino).toBe(before.ino)
})

test('the reconciler asks again for what has its bytes but not its artefacts', async () => {
  await using world = await createWorld({ isWorker: true })
  const { videoId } = await requestVideo(world, 'h264')
  await world.ctx.pool.query('delete from pgboss.job')
  expect(await reconcile(world.ctx)).toBe(1)
  await using _lane = await startFirstPlayableLane(world.ctx)
  await until(async () => (await findVideo(world.ctx.db, videoId))?.generation === 1)
})
