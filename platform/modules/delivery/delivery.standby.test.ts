import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { openShakyProcess } from '../../../tests/support/shaky-process.ts'
import { makeManifest, makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import type { Ctx } from '../../app/context.ts'
import { createApp } from '../../app/http.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { NEVER_AGAIN, openTestShelf } from '../standby/standby.fixtures.ts'
import { deleteVideo, editVideo, recordGeneration, recordPictures, signMediaToken } from '../videos/index.ts'
import { registerMedia } from './index.ts'

const PICTURE = Buffer.from('a picture')
const SEGMENT = Buffer.alloc(100_000, 7)

async function makeStoredVideo(world: World, visibility: 'public' | 'private' = 'public') {
  const { ctx } = world
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { visibility, isPlayable: false })
  await ctx.blobs.put(`videos/${videoId}/g1/v540/00000.m4s`, SEGMENT)
  await ctx.blobs.put(`videos/${videoId}/poster-3.jpg`, PICTURE)
  await inTransaction(ctx, async (tx) => {
    await recordGeneration(ctx, tx, { videoId, manifest: makeManifest(1, 'ladder', [540]) })
    await recordPictures(ctx, tx, { videoId, posterVersion: 3 })
  })
  return { videoId, author }
}

function openMedia(ctx: Ctx) {
  const app = createApp(ctx)
  registerMedia(app, ctx)
  const statusOf = async (path: string) => (await app.inject({ url: `/media/${path}` })).statusCode
  return { app, statusOf, [Symbol.asyncDispose]: () => app.close() }
}

test('with a database that was never there a video of the shelf plays from disk, pictures and all', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const { videoId } = await makeStoredVideo(world)
  await shelf.fill()
  await using whole = openMedia(world.ctx)
  const wanted = [`${videoId}/g1/master.m3u8`, `${videoId}/g1/v540.m3u8`]
  const before = await Promise.all(wanted.map((path) => whole.app.inject({ url: `/media/${path}` })))
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using media = openMedia(process.ctx)

  const now = await Promise.all(wanted.map((path) => media.app.inject({ url: `/media/${path}` })))

  expect(now.map(({ statusCode }) => statusCode)).toEqual([200, 200])
  expect(now.map(({ body, headers }) => [body, headers.etag])).toEqual(
    before.map(({ body, headers }) => [body, headers.etag]),
  )
  const segment = await media.app.inject({ url: `/media/${videoId}/g1/v540/00000.m4s` })
  expect(segment.rawPayload.equals(SEGMENT)).toBe(true)
  const poster = await media.app.inject({ url: `/media/${videoId}/poster-0.jpg` })
  expect(poster.rawPayload.equals(PICTURE)).toBe(true)
  const token = signMediaToken(process.ctx.secrets.media, videoId, process.ctx.clock.now())
  expect(await media.statusOf(`t/${token}/${videoId}/g1/master.m3u8`)).toBe(200)
})

test('what the shelf does not have is not said to be missing: the database would know', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const { videoId } = await makeStoredVideo(world, 'private')
  await shelf.fill()
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using media = openMedia(process.ctx)
  const token = signMediaToken(process.ctx.secrets.media, videoId, process.ctx.clock.now())

  expect(await media.statusOf(`${videoId}/g1/master.m3u8`)).toBe(503)
  expect(await media.statusOf(`t/${token}/${videoId}/g1/master.m3u8`)).toBe(503)
})

test('a video that was deleted or hidden before the last shelf does not come back from an older one', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, NEVER_AGAIN)
  const [deleted, hidden, kept] = [
    await makeStoredVideo(world),
    await makeStoredVideo(world),
    await makeStoredVideo(world),
  ]
  await shelf.fill()
  await deleteVideo(world.ctx, { viewerId: deleted.author.id, videoId: deleted.videoId })
  await editVideo(world.ctx, {
    viewerId: hidden.author.id,
    videoId: hidden.videoId,
    edit: { visibility: 'private' },
  })
  // The manifests on disk are those of before: they may wait, the rules may not.
  await shelf.fill()
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using media = openMedia(process.ctx)

  expect(process.ctx.standby.figures.mediaCount).toBe(3)
  const statuses = [deleted, hidden, kept].map(({ videoId }) => media.statusOf(`${videoId}/g1/master.m3u8`))
  expect(await Promise.all(statuses)).toEqual([503, 503, 200])
})

test('one that is in memory stops playing when a new shelf says that it is gone, though nobody said so', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const { videoId, author } = await makeStoredVideo(world)
  await shelf.fill()
  await using process = await openShakyProcess(world)
  await using media = openMedia(process.ctx)
  expect(await media.statusOf(`${videoId}/g1/master.m3u8`)).toBe(200)

  process.cutOff()
  await eventually(() => !process.ctx.databaseGuard.isUp)
  await deleteVideo(world.ctx, { viewerId: author.id, videoId })
  await shelf.fill()
  await process.ctx.standby.refresh()

  expect(await media.statusOf(`${videoId}/g1/master.m3u8`)).toBe(404)
})

test('what changed a moment ago is on the shelf again once a later round has found nothing new', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const { videoId } = await makeStoredVideo(world)
  await eventually(async () => {
    await shelf.fill()
    return world.ctx.standby.media(videoId) !== null
  })
  expect(world.ctx.standby.media(videoId)!.posterVersion).toBe(3)
})
