/** The whole way in with the real encoder: bytes arrive, the video plays, its owner is told. */
import { readFile, readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { readMp4Layout } from '../../../engines/ladder/index.ts'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { startIngest } from '../../../tests/support/ingest.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { registerMedia } from '../delivery/index.ts'
import { startFirstPlayableLane } from '../transcoding/index.ts'
import { startUploadJobs } from './index.ts'

/** An ingest role with its lane and the jobs that tell the owner, and media beside it. */
async function setUp() {
  const stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld({ isWorker: true }))
  stack.use(await startFirstPlayableLane(world.ctx))
  await startUploadJobs(world.ctx)
  const ingest = stack.use(await startIngest(world.ctx, (app) => registerMedia(app, world.ctx)))
  const account = await world.account()
  return {
    world,
    ingest,
    client: ingest.as(account),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type SetUp = Awaited<ReturnType<typeof setUp>>

const readClip = async (name: ClipName) => new Uint8Array(await readFile(await makeClip(name)))

const waitForReceipt = (s: SetUp, path: string, isThere: (receipt: Record<string, unknown>) => boolean) =>
  eventually(() => s.client.receipt(path), isThere)

/** Follows the playlists of a published video down to its first segment, as a player does. */
async function playFirstSegment(s: SetUp, videoId: string): Promise<Uint8Array> {
  const read = async (path: string) => {
    const response = await fetch(new URL(path, s.ingest.url))
    expect([path, response.status]).toEqual([path, 200])
    return response
  }
  const masterPath = `/media/${videoId}/g1/master.m3u8`
  const variant = (await (await read(masterPath)).text())
    .split('\n')
    .find((line) => /^v\d+\.m3u8$/.test(line))!
  const mediaPath = new URL(variant, `http://host${masterPath}`).pathname
  const segment = (await (await read(mediaPath)).text()).split('\n').find((line) => line.endsWith('.m4s'))!
  return (await read(new URL(segment, `http://host${mediaPath}`).pathname)).bytes()
}

test('with its index sent ahead a phone’s file is encoded while it arrives, published, played, and told of', async () => {
  await using s = await setUp()
  const bytes = await readClip('h264IndexAtEnd')
  const { moov } = readMp4Layout(bytes)
  const path = await s.client.start(bytes.length, { publish: '1', caption: 'First #clip' })
  const index = bytes.slice(moov!.start, moov!.start + moov!.sizeBytes!)
  const put = await s.client.send(
    'PUT',
    `${path}/index`,
    { 'upload-index-offset': String(moov!.start) },
    index,
  )
  expect(put.status).toBe(204)
  const step = Math.ceil(bytes.length / 5)
  for (let at = 0; at < bytes.length; at += step)
    expect((await s.client.patch(path, at, bytes.slice(at, at + step))).status).toBe(204)

  const receipt = await waitForReceipt(s, path, ({ publishedAt }) => publishedAt !== null)
  expect(receipt).toMatchObject({ failure: null, playableHeight: expect.any(Number) })
  expect(['playable', 'complete']).toContain(receipt.state)
  expect((await playFirstSegment(s, receipt.videoId)).length).toBeGreaterThan(1000)
  const told = await eventually(
    () => s.world.ctx.db.selectFrom('notification').select(['kind', 'excerpt']).execute(),
    (rows) => rows.length > 0,
  )
  expect(told).toEqual([{ kind: 'upload-published', excerpt: 'First #clip' }])
  await eventually(
    () => readdir(s.world.config.paths.staging),
    (names) => names.length === 0,
  )
})

test('a file that comes all at once is playable too, and not published unless asked', async () => {
  await using s = await setUp()
  const bytes = await readClip('h264')
  const path = await s.client.start(bytes.length)
  expect((await s.client.patch(path, 0, bytes)).status).toBe(204)
  const receipt = await waitForReceipt(s, path, ({ playableHeight }) => playableHeight !== null)
  expect(receipt).toMatchObject({
    isPublishRequested: false,
    publishedAt: null,
    playableAt: expect.any(String),
  })
  expect((await fetch(new URL(`/media/${receipt.videoId}/g1/master.m3u8`, s.ingest.url))).status).toBe(404)
})

test('an index that lies about the file is found out: what is played is made from the whole original', async () => {
  await using s = await setUp()
  const bytes = await readClip('h264IndexAtEnd')
  const { moov } = readMp4Layout(bytes)
  const path = await s.client.start(bytes.length, { publish: '1' })
  const lie = bytes.slice(moov!.start, moov!.start + moov!.sizeBytes!)
  lie[lie.length - 1]! ^= 1
  await s.client.send('PUT', `${path}/index`, { 'upload-index-offset': String(moov!.start) }, lie)
  expect((await s.client.patch(path, 0, bytes)).status).toBe(204)
  const receipt = await waitForReceipt(s, path, ({ publishedAt }) => publishedAt !== null)
  expect(receipt.failure).toBeNull()
})

test.each([
  ['textNamedMp4', 'video-not-a-video'],
  ['zip', 'video-not-a-video'],
  ['hlsOfSecrets', 'video-playlist'],
  ['soundOnly', 'video-no-picture'],
] as const)('%s ends as a failed receipt with its reason, and as a notification', async (name, code) => {
  await using s = await setUp()
  const bytes = await readClip(name)
  const path = await s.client.start(bytes.length, { publish: '1' })
  await s.client.patch(path, 0, bytes)
  const receipt = await waitForReceipt(s, path, ({ state }) => state === 'failed')
  expect(receipt).toMatchObject({
    publishedAt: null,
    endedAt: expect.any(String),
    failure: { code, reason: expect.any(String), next: expect.any(String), canRetry: false },
  })
  const told = await eventually(
    () => s.world.ctx.db.selectFrom('notification').select(['kind', 'excerpt']).execute(),
    (rows) => rows.length > 0,
  )
  expect(told).toEqual([{ kind: 'upload-failed', excerpt: (receipt.failure as { reason: string }).reason }])
})
