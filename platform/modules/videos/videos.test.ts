import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { makeManifest, makeRendition, makeVideo } from '../../../tests/support/videos.ts'
import { createApp } from '../../app/http.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { registerSessions } from '../accounts/index.ts'
import {
  blobPrefixOf,
  deleteVideo,
  editVideo,
  isCardVisible,
  isVisibleTo,
  listAccountVideos,
  listOwnVideos,
  loadCardBases,
  loadVideoCards,
  loadViewerStates,
  publishVideo,
  recordComplete,
  recordFailure,
  recordGeneration,
  recordPictures,
  recordProgress,
  videoRoutes,
  visibleVideoIds,
} from './index.ts'
import { eraseVideo, pruneGenerations } from './videos.jobs.ts'
import { findVideo, listGenerations } from './videos.queries.ts'

const HOUR_MS = 3_600_000

const follow = (world: World, follower: string, followee: string) =>
  sql`insert into follow values (${follower}, ${followee}, now())`.execute(world.ctx.db)
const block = (world: World, blocker: string, blocked: string) =>
  sql`insert into block values (${blocker}, ${blocked}, now())`.execute(world.ctx.db)
const eventKinds = async (world: World) =>
  (await world.ctx.db.selectFrom('event').select('kind').orderBy('id').execute()).map((row) => row.kind)

test('who sees what: by visibility, follows and blocks, the same in SQL and over loaded facts', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const [author, follower, stranger, blockedFollower, blocker] = await Promise.all(
    Array.from({ length: 5 }, () => world.account()),
  )
  await follow(world, follower!.id, author!.id)
  await follow(world, blockedFollower!.id, author!.id)
  await block(world, author!.id, blockedFollower!.id)
  await block(world, blocker!.id, author!.id)
  const videos = {
    public: await makeVideo(world, author!.id),
    followers: await makeVideo(world, author!.id, { visibility: 'followers' }),
    private: await makeVideo(world, author!.id, { visibility: 'private' }),
    unpublished: await makeVideo(world, author!.id, { isPublishRequested: false }),
    deleted: await makeVideo(world, author!.id),
  }
  await deleteVideo(ctx, { viewerId: author!.id, videoId: videos.deleted })
  const names = Object.keys(videos) as (keyof typeof videos)[]
  const bases = await loadCardBases(ctx.db, Object.values(videos))

  const expected: [string | null, (keyof typeof videos)[]][] = [
    [author!.id, ['public', 'followers', 'private', 'unpublished']],
    [follower!.id, ['public', 'followers']],
    [stranger!.id, ['public']],
    [null, ['public']],
    [blockedFollower!.id, []],
    [blocker!.id, []],
  ]
  for (const [viewerId, visible] of expected) {
    const ids = await visibleVideoIds(ctx.db, viewerId, Object.values(videos))
    expect(names.filter((name) => ids.includes(videos[name]))).toEqual(visible)
    const states = await loadViewerStates(ctx, viewerId, [...bases.values()])
    const byFacts = names.filter((name) => {
      const base = bases.get(videos[name])
      return base && isCardVisible(base, viewerId, states.get(base.id))
    })
    expect(byFacts).toEqual(visible)
    expect([...(await loadVideoCards(ctx, viewerId, Object.values(videos))).keys()].toSorted()).toEqual(
      visible.map((name) => videos[name]).toSorted(),
    )
  }
  expect(await isVisibleTo(ctx.db, { viewerId: null, videoId: ctx.newId() })).toBe(false)
})

test('a video is published by whichever comes last: the wish or the first generation; and once', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const author = await world.account()
  const wishFirst = await makeVideo(world, author.id, { isPlayable: false })
  expect((await findVideo(ctx.db, wishFirst))?.published_at).toBeNull()
  await inTransaction(ctx, (tx) =>
    recordGeneration(ctx, tx, { videoId: wishFirst, manifest: makeManifest(1, 'copied', [1080]) }),
  )
  expect((await findVideo(ctx.db, wishFirst))?.published_at).toBeInstanceOf(Date)

  const playableFirst = await makeVideo(world, author.id, { isPublishRequested: false })
  const publish = () => publishVideo(ctx, { viewerId: author.id, videoId: playableFirst })
  const answers = await Promise.all([publish(), publish(), publish()])
  expect(new Set(answers.map((answer) => answer.publishedAt)).size).toBe(1)
  expect((await eventKinds(world)).filter((kind) => kind === 'published')).toHaveLength(2)

  const waiting = await makeVideo(world, author.id, { isPublishRequested: false, isPlayable: false })
  expect(await publishVideo(ctx, { viewerId: author.id, videoId: waiting })).toEqual({ publishedAt: null })
})

test('a newer generation replaces an older one, never the other way round, and a repeated report changes nothing', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const author = await world.account()
  const videoId = await makeVideo(world, author.id)
  const record = (m: MediaManifest) =>
    inTransaction(ctx, (tx) => recordGeneration(ctx, tx, { videoId, manifest: m }))

  expect(await record(makeManifest(2, 'ladder', [1080, 720, 540]))).toBe(true)
  expect(await record(makeManifest(2, 'ladder', [360]))).toBe(false)
  expect(await record(makeManifest(1, 'first-rung', [360]))).toBe(false)

  expect(await findVideo(ctx.db, videoId)).toMatchObject({
    generation: 2,
    playable_height: 1080,
    is_complete: true,
    complete_at: expect.any(Date),
  })
  const generations = await listGenerations(ctx.db, videoId)
  expect(generations.map((row) => [row.generation, row.retiredAt === null])).toEqual([
    [2, true],
    [1, false],
  ])
})

test('a growing generation takes more segments until it is said to be whole', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { isPlayable: false })
  const grown = { ...makeManifest(1, 'first-rung', [540]), durationMs: 4000 }
  await inTransaction(ctx, async (tx) => {
    await recordGeneration(ctx, tx, {
      videoId,
      manifest: makeManifest(1, 'first-rung', [540]),
      isGrowing: true,
    })
    expect(await recordGeneration(ctx, tx, { videoId, manifest: grown })).toBe(true)
    expect(await recordGeneration(ctx, tx, { videoId, manifest: grown })).toBe(false)
    await recordComplete(ctx, tx, videoId)
  })
  expect(await findVideo(ctx.db, videoId)).toMatchObject({ duration_ms: 4000, is_complete: true })
})

test('a card carries counts with their age, the viewer’s own state, pictures, and addresses that fit its visibility', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const { ctx } = world
  const [author, viewer] = [await world.account({ handle: 'Ada' }), await world.account()]
  const videoId = await makeVideo(world, author.id, { caption: 'Hello #World and #Straße' })
  await inTransaction(ctx, (tx) =>
    recordPictures(ctx, tx, { videoId, posterVersion: 1, previewVersion: 2, placeholder: 'aGFzaA==' }),
  )
  await sql`insert into video_like values (${viewer.id}, ${videoId}, now())`.execute(ctx.db)
  await follow(world, viewer.id, author.id)

  const card = (await loadVideoCards(ctx, viewer.id, [videoId])).get(videoId)!
  expect(card).toMatchObject({
    author: { handle: 'Ada' },
    tags: ['world', 'straße'],
    posterUrl: `/media/${videoId}/poster-1.jpg`,
    previewUrl: `/media/${videoId}/preview-2.webp`,
    placeholder: 'aGFzaA==',
    playback: {
      masterUrl: `/media/${videoId}/g1/master.m3u8`,
      generation: 1,
      height: 540,
      isComplete: false,
    },
    counts: { views: 0, likes: 0, asOf: '2026-01-01T00:00:00.000Z' },
    viewer: { isLiked: true, isSaved: false, isFollowingAuthor: true, isOwn: false },
  })
  expect((await loadVideoCards(ctx, null, [videoId])).get(videoId)!.viewer).toBeNull()

  await editVideo(ctx, { viewerId: author.id, videoId, edit: { visibility: 'followers', caption: 'Bye' } })
  const hidden = (await loadVideoCards(ctx, viewer.id, [videoId])).get(videoId)!
  expect(hidden.tags).toEqual([])
  expect(hidden.playback.masterUrl).toMatch(
    new RegExp(`^/media/t/[A-Za-z0-9_-]+/${videoId}/g1/master\\.m3u8$`),
  )
  clock.advance(HOUR_MS - 1)
  const sameHour = (await loadVideoCards(ctx, viewer.id, [videoId])).get(videoId)!
  expect(sameHour.posterUrl).toBe(hidden.posterUrl)
})

test('only its owner edits, publishes or deletes a video', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const [author, other] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, author.id)
  const foreign = { viewerId: other.id, videoId }
  await expect(editVideo(ctx, { ...foreign, edit: { caption: 'mine' } })).rejects.toThrow('no video')
  await expect(publishVideo(ctx, foreign)).rejects.toThrow('no video')
  await expect(deleteVideo(ctx, foreign)).rejects.toThrow('no video')
})

test('a deleted video is gone for everyone, and the job removes its files but no other’s', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const author = await world.account()
  const [videoId, keptId] = [await makeVideo(world, author.id), await makeVideo(world, author.id)]
  for (const id of [videoId, keptId])
    await ctx.blobs.put(`${blobPrefixOf(id)}/g1/v540/00000.m4s`, Buffer.from('x'))
  await ctx.blobs.put(`originals/${videoId}/original`, Buffer.from('x'))

  await eraseVideo(ctx, videoId)
  expect(await ctx.blobs.stat(`originals/${videoId}/original`)).not.toBeNull()
  await deleteVideo(ctx, { viewerId: author.id, videoId })
  await eraseVideo(ctx, videoId)

  expect((await loadVideoCards(ctx, author.id, [videoId])).size).toBe(0)
  expect(await ctx.blobs.stat(`${blobPrefixOf(videoId)}/g1/v540/00000.m4s`)).toBeNull()
  expect(await ctx.blobs.stat(`originals/${videoId}/original`)).toBeNull()
  expect(await ctx.blobs.stat(`${blobPrefixOf(keptId)}/g1/v540/00000.m4s`)).not.toBeNull()
  expect(await eventKinds(world)).toContain('video-deleted')
})

test('a day after it was replaced a generation’s files go, but for renditions that the new one reuses', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const { ctx } = world
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { isPlayable: false })
  const first = makeManifest(1, 'first-rung', [540, 360])
  const ladder = makeManifest(2, 'ladder', [1080])
  const reusing = { ...ladder, videos: [...ladder.videos, makeRendition(1, 540)] }
  for (const m of [first, reusing])
    await inTransaction(ctx, (tx) => recordGeneration(ctx, tx, { videoId, manifest: m }))
  const keys = ['g1/v540', 'g1/v360', 'g2/v1080'].map((dir) => `${blobPrefixOf(videoId)}/${dir}/00000.m4s`)
  for (const key of keys) await ctx.blobs.put(key, Buffer.from('x'))
  const present = async () => Promise.all(keys.map(async (key) => (await ctx.blobs.stat(key)) !== null))

  clock.advance(24 * HOUR_MS - 1)
  await pruneGenerations(ctx, videoId)
  expect(await present()).toEqual([true, true, true])
  clock.advance(1)
  await pruneGenerations(ctx, videoId)
  expect(await present()).toEqual([true, false, true])
  expect((await listGenerations(ctx.db, videoId)).map((row) => row.generation)).toEqual([2])
})

test('the first failure stays until a generation takes it back; progress is kept within its bounds', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { isPlayable: false })
  await recordProgress(ctx, ctx.db, { videoId, progress: 1.2, timeLeftS: -1 })
  expect(await findVideo(ctx.db, videoId)).toMatchObject({ work_progress: 1, work_left_s: 0 })
  await inTransaction(ctx, async (tx) => {
    await recordFailure(ctx, tx, { videoId, code: 'video-no-picture', reason: 'It has no picture.' })
    await recordFailure(ctx, tx, { videoId, code: 'video-truncated', reason: 'Later.' })
  })
  expect(await findVideo(ctx.db, videoId)).toMatchObject({
    failure_code: 'video-no-picture',
    work_progress: null,
  })
  await inTransaction(ctx, (tx) =>
    recordGeneration(ctx, tx, { videoId, manifest: makeManifest(1, 'first-rung', [540]) }),
  )
  expect(await findVideo(ctx.db, videoId)).toMatchObject({ failure_code: null, failed_at: null })
})

test('lists page through everything once: own ones of all kinds, a profile’s by what the viewer may see', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const [author, stranger] = [await world.account(), await world.account()]
  const made: string[] = []
  for (const visibility of ['public', 'private', 'public', 'followers', 'public'] as const)
    made.push(await makeVideo(world, author.id, { visibility }))
  await makeVideo(world, author.id, { isPlayable: false })

  const collect = async (list: (cursor?: string) => ReturnType<typeof listOwnVideos>) => {
    const ids: string[] = []
    let cursor: string | null | undefined
    do {
      const page = await list(cursor ?? undefined)
      ids.push(...page.items.map((card) => card.id))
      cursor = page.nextCursor
    } while (cursor)
    return ids
  }
  const own = await collect((cursor) =>
    listOwnVideos(ctx, { viewerId: author.id, page: { cursor, limit: 2 } }),
  )
  expect(own).toEqual(made.toReversed())
  const seen = await collect((cursor) =>
    listAccountVideos(ctx, {
      viewerId: stranger.id,
      accountId: author.id,
      page: { cursor, limit: 2 },
    }),
  )
  expect(seen).toEqual([made[4], made[2], made[0]])
  await expect(
    listAccountVideos(ctx, { viewerId: null, accountId: author.id, page: { cursor: '’; drop', limit: 2 } }),
  ).rejects.toMatchObject({ code: 'invalid-input' })
})

test('over HTTP: a hidden video is a missing one, its owner hears that it is not ready, and a 10 kB caption is refused', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const app = createApp(ctx)
  registerSessions(app, ctx)
  await app.register(async (scope) => videoRoutes(scope as never, ctx))
  const author = await world.account()
  const hidden = await makeVideo(world, author.id, { visibility: 'private' })
  const unready = await makeVideo(world, author.id, { isPlayable: false })
  const missing = ctx.newId()
  const as = (headers: object) => ({ headers: headers as Record<string, string> })

  for (const id of [hidden, missing, unready])
    expect((await app.inject({ url: `/videos/${id}` })).json()).toMatchObject({
      status: 404,
      code: 'not-found',
    })
  expect((await app.inject({ url: `/videos/${hidden}`, ...as(author.headers) })).json()).toMatchObject({
    id: hidden,
    viewer: { isOwn: true },
  })
  expect((await app.inject({ url: `/videos/${unready}`, ...as(author.headers) })).json()).toMatchObject({
    code: 'video-not-playable-yet',
  })

  const patch = (id: string, payload: object) =>
    app.inject({ method: 'PATCH', url: `/videos/${id}`, payload, ...as(author.headers) })
  expect((await patch(hidden, { caption: 'x'.repeat(10_240) })).json()).toMatchObject({
    status: 400,
    fields: { caption: expect.any(String) },
  })
  expect((await patch(hidden, { caption: '🎬'.repeat(1100) })).statusCode).toBe(200)
  expect((await patch(unready, { caption: 'Nul\u0000 and half \ud83d of a pair #ok' })).statusCode).toBe(204)
  expect((await findVideo(ctx.db, unready))?.caption).toBe('Nul and half \ufffd of a pair #ok')
  expect((await app.inject({ method: 'DELETE', url: `/videos/${hidden}` })).statusCode).toBe(401)
  expect(
    (await app.inject({ method: 'DELETE', url: `/videos/${hidden}`, ...as(author.headers) })).statusCode,
  ).toBe(204)
  await app.close()
})
