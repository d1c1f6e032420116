import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { createVideo, findVideo, originalKeyOf, segmentKeyOf } from '../videos/index.ts'
import { claimWork } from './claims.ts'
import { reconcile, requestFirstPlayable, startFirstPlayableLane, startImproveLane } from './index.ts'
import { firstPlayableQueue, type TranscodeJob } from './transcoding.jobs.ts'
import * as queries from './transcoding.queries.ts'

async function request(world: World, name: ClipName): Promise<TranscodeJob> {
  const { id: accountId } = await world.account()
  const job = { videoId: world.ctx.newId(), accountId }
  await world.ctx.blobs.put(originalKeyOf(job.videoId), await readFile(await makeClip(name)))
  await inTransaction(world.ctx, async (tx) => {
    await createVideo(world.ctx, tx, {
      id: job.videoId,
      accountId,
      uploadId: world.ctx.newId(),
      caption: '',
      visibility: 'public',
      coverAtMs: null,
      isPublishRequested: true,
    })
    await requestFirstPlayable(world.ctx, tx, job)
  })
  return job
}

async function until(look: () => Promise<boolean>): Promise<void> {
  await expect.poll(look, { timeout: 50_000, interval: 50 }).toBe(true)
}

/** The encoders that this process started. */
async function encoders(): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [, program, parent] = /\((.+)\) \S (\d+)/.exec(status) ?? []
    if (program === 'ffmpeg' && Number(parent) === process.pid) found.push(Number(name))
  }
  return found
}

/** Sends the signal to the next encoder that appears. */
async function killNextEncoder(signal: NodeJS.Signals, isDone: () => Promise<boolean>): Promise<void> {
  await until(async () => {
    const pids = await encoders()
    for (const pid of pids) process.kill(pid, signal)
    return pids.length > 0 || (await isDone())
  })
}

test('both lanes bring a video from its bytes to complete, and publish it', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _first = await startFirstPlayableLane(world.ctx)
  await using _improve = await startImproveLane(world.ctx)

  const { videoId } = await request(world, 'hevc')

  await until(async () => (await findVideo(world.ctx.db, videoId))?.is_complete ?? false)
  const video = await findVideo(world.ctx.db, videoId)
  expect(video).toMatchObject({ generation: 2, published_at: expect.any(Date) })
})

test('a stopped lane hands its job back at once, and another finishes it', async () => {
  await using world = await createWorld({ isWorker: true })
  const lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await request(world, 'h264LongGop')
  await until(async () => (await encoders()).length > 0)

  await lane[Symbol.asyncDispose]()

  expect(await encoders()).toEqual([])
  const waiting = await world.ctx.pool.query(
    `select 1 from pgboss.job where name = $1 and state in ('created', 'retry')`,
    [firstPlayableQueue.name],
  )
  expect(waiting.rowCount).toBe(1)
  expect(await findVideo(world.ctx.db, videoId)).toMatchObject({ generation: null, failed_at: null })
})

test('an encoder that is killed from outside is started again', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await request(world, 'h264LongGop')
  const isPlayable = async () => (await findVideo(world.ctx.db, videoId))?.generation === 1

  await killNextEncoder('SIGKILL', isPlayable)

  await until(isPlayable)
  expect((await queries.findTranscode(world.ctx.db, videoId))?.crashes).toBe(0)
})

test('a source that crashes the encoder twice is put aside, and says so', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _lane = await startFirstPlayableLane(world.ctx)
  const { videoId } = await request(world, 'h264LongGop')
  const crashes = async () => (await queries.findTranscode(world.ctx.db, videoId))?.crashes ?? 0

  await killNextEncoder('SIGSEGV', async () => false)
  await until(async () => (await crashes()) === 1)
  await killNextEncoder('SIGSEGV', async () => (await crashes()) === 2)

  await until(async () => (await findVideo(world.ctx.db, videoId))?.failure_code === 'video-crashes-encoder')
})

test('only one at a time works on a video', async () => {
  await using world = await createWorld()
  const job = await request(world, 'h264')
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
  const { videoId } = await request(world, 'slow')
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
  const { videoId, accountId } = await request(world, 'h264')
  await world.ctx.pool.query('delete from pgboss.job')
  await world.ctx.pool.query(
    `insert into upload (id, account_id, video_id, filename, media_type, size_bytes, received_bytes, state, metadata, created_at, updated_at)
     values ($1, $2, $3, 'a.mp4', 'video/mp4', 1, 1, 'safe', '{}', now(), now())`,
    [world.ctx.newId(), accountId, videoId],
  )
  expect(await reconcile(world.ctx)).toBe(1)
  await using _lane = await startFirstPlayableLane(world.ctx)
  await until(async () => (await findVideo(world.ctx.db, videoId))?.generation === 1)
})
