import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApi, readAllPages } from '../../../tests/support/api.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { VIEW_MIN_WATCHED_MS } from '../../../contract/videos.ts'
import { NotFoundError } from '../../app/errors.ts'
import { blockAccount } from '../follows/index.ts'
import { deleteVideo } from '../videos/index.ts'
import {
  likeVideo,
  listReactedVideos,
  REPORTS_PER_MINUTE,
  reactionRoutes,
  recordViews,
  saveVideo,
  unlikeVideo,
  unsaveVideo,
} from './index.ts'

const HOUR_MS = 3_600_000

/** Kinds of events but of making videos, sorted: events of one millisecond have no order. */
const eventKinds = async (world: World) =>
  (await world.ctx.db.selectFrom('event').select('kind').execute())
    .map((row) => row.kind)
    .filter((kind) => kind !== 'published' && kind !== 'video-changed')
    .toSorted()
const views = async (world: World) =>
  (
    await world.ctx.db
      .selectFrom('event')
      .select(['payload', 'account_id'])
      .where('kind', '=', 'viewed')
      .orderBy('id')
      .execute()
  ).map((row) => row.payload as unknown as { watchedMs: number; completions: number; isCounted: boolean })

test('racing likes by one person leave one like, one event and one notification', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const input = { viewerId: fan.id, videoId: await makeVideo(world, owner.id) }

  await Promise.all(Array.from({ length: 4 }, () => likeVideo(world.ctx, input)))

  expect(await eventKinds(world)).toEqual(['liked'])
  const told = await world.ctx.db
    .selectFrom('notification')
    .select(['account_id', 'actor_id', 'kind'])
    .execute()
  expect(told).toEqual([{ account_id: owner.id, actor_id: fan.id, kind: 'liked' }])
})

test('liking, unliking and liking again leaves one like and tells the owner once', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const input = { viewerId: fan.id, videoId: await makeVideo(world, owner.id) }

  await likeVideo(world.ctx, input)
  expect(await unlikeVideo(world.ctx, input)).toEqual({ isLiked: false })
  expect(await unlikeVideo(world.ctx, input)).toEqual({ isLiked: false })
  await likeVideo(world.ctx, input)

  expect(await eventKinds(world)).toEqual(['liked', 'liked', 'unliked'])
  expect(await world.ctx.db.selectFrom('video_like').selectAll().execute()).toHaveLength(1)
  expect(await world.ctx.db.selectFrom('notification').selectAll().execute()).toHaveLength(1)
})

test('saving is silent, happens once and can be undone', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const input = { viewerId: fan.id, videoId: await makeVideo(world, owner.id) }

  await Promise.all([saveVideo(world.ctx, input), saveVideo(world.ctx, input)])
  expect(await unsaveVideo(world.ctx, input)).toEqual({ isSaved: false })
  expect(await unsaveVideo(world.ctx, input)).toEqual({ isSaved: false })

  expect(await eventKinds(world)).toEqual(['saved', 'unsaved'])
  expect(await world.ctx.db.selectFrom('notification').selectAll().execute()).toEqual([])
})

test('a hidden video looks missing to every verb; a reaction from before can still be taken back', async () => {
  await using world = await createWorld()
  const [owner, fan, stranger] = [await world.account(), await world.account(), await world.account()]
  const hidden = await makeVideo(world, owner.id, { visibility: 'private' })
  const open = await makeVideo(world, owner.id)
  await likeVideo(world.ctx, { viewerId: fan.id, videoId: open })
  await saveVideo(world.ctx, { viewerId: fan.id, videoId: open })
  await blockAccount(world.ctx, { viewerId: owner.id, handle: fan.handle })

  for (const verb of [likeVideo, unlikeVideo, saveVideo, unsaveVideo]) {
    await expect(verb(world.ctx, { viewerId: stranger.id, videoId: hidden })).rejects.toThrow(NotFoundError)
    await expect(verb(world.ctx, { viewerId: stranger.id, videoId: world.ctx.newId() })).rejects.toThrow(
      NotFoundError,
    )
  }
  await expect(likeVideo(world.ctx, { viewerId: fan.id, videoId: open })).rejects.toThrow(NotFoundError)
  expect(await unlikeVideo(world.ctx, { viewerId: fan.id, videoId: open })).toEqual({ isLiked: false })
  expect(await unsaveVideo(world.ctx, { viewerId: fan.id, videoId: open })).toEqual({ isSaved: false })
})

test('lists of liked and saved skip what is hidden by now, and neither skip nor repeat the rest', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const [owner, pest, fan] = [await world.account(), await world.account(), await world.account()]
  const seen: string[] = []
  for (let index = 0; index < 14; index++) {
    if (index % 3 === 0) clock.advance(1)
    const author = index % 2 === 0 ? owner : pest
    const videoId = await makeVideo(world, author.id)
    await likeVideo(world.ctx, { viewerId: fan.id, videoId })
    if (index === 4) await deleteVideo(world.ctx, { viewerId: owner.id, videoId })
    else if (author === owner) seen.push(videoId)
  }
  await blockAccount(world.ctx, { viewerId: fan.id, handle: pest.handle })

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 15 }), async (limit) => {
      const items = await readAllPages((cursor) =>
        listReactedVideos(world.ctx, {
          viewerId: fan.id,
          reaction: 'like',
          page: { limit, ...(cursor && { cursor }) },
        }),
      )
      expect(items.map((item) => item.id).toSorted()).toEqual(seen.toSorted())
    }),
    { numRuns: 15 },
  )
  const saved = { viewerId: fan.id, reaction: 'save', page: { limit: 5 } } as const
  expect(await listReactedVideos(world.ctx, saved)).toEqual({ items: [], nextCursor: null })
})

test('a view counts from the limit on, once per viewer and hour; later reports only raise it', async () => {
  const clock = createFakeClock(new Date('2026-01-01T10:59:00Z'))
  await using world = await createWorld({ clock })
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const viewer = { accountId: fan.id, browserId: null }
  const report = async (watchedMs: number, completions = 0) => {
    clock.advance(1)
    const before = (await views(world)).length
    await recordViews(world.ctx, {
      viewer,
      reports: [{ videoId, key: world.ctx.newId(), watchedMs, completions, source: 'for-you' }],
    })
    return (await views(world)).slice(before)
  }

  expect(await report(500)).toEqual([{ watchedMs: 0, completions: 0, isCounted: false }])
  expect(await report(VIEW_MIN_WATCHED_MS - 1)).toEqual([])
  expect(await report(VIEW_MIN_WATCHED_MS)).toEqual([
    { watchedMs: VIEW_MIN_WATCHED_MS, completions: 0, isCounted: true },
  ])
  expect(await report(VIEW_MIN_WATCHED_MS)).toEqual([])
  expect(await report(5000, 2)).toEqual([{ watchedMs: 3000, completions: 2, isCounted: false }])
  expect(await report(100, 1)).toEqual([])
  clock.advance(HOUR_MS)
  expect(await report(VIEW_MIN_WATCHED_MS, 1)).toEqual([
    { watchedMs: VIEW_MIN_WATCHED_MS, completions: 1, isCounted: true },
  ])
})

test('racing reports of one viewer count once and add up to the longest', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const viewer = { accountId: fan.id, browserId: null }

  await Promise.all(
    [3000, 2500, 9000, 3000, 1000].map((watchedMs) =>
      recordViews(world.ctx, {
        viewer,
        reports: [{ videoId, key: world.ctx.newId(), watchedMs, completions: 1, source: 'video' }],
      }),
    ),
  )

  const told = await views(world)
  expect(told.filter((event) => event.isCounted)).toHaveLength(1)
  expect(told.reduce((sum, event) => sum + event.watchedMs, 0)).toBe(9000)
  expect(told.reduce((sum, event) => sum + event.completions, 0)).toBe(1)
})

test('views of hidden videos are dropped, the others of the same report are kept', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, reactionRoutes)
  const owner = await world.account()
  const [hidden, open] = [
    await makeVideo(world, owner.id, { visibility: 'private' }),
    await makeVideo(world, owner.id),
  ]
  const report = (videoId: string) => ({
    videoId,
    key: world.ctx.newId(),
    watchedMs: 4000,
    completions: 0,
    source: 'for-you',
  })

  const payload = { views: [report(hidden), report(open), report(world.ctx.newId())] }
  const first = await api.call('POST', '/views', null, { payload })
  expect(first.statusCode).toBe(204)

  const rows = await world.ctx.db.selectFrom('video_view').select(['video_id', 'watched_ms']).execute()
  expect(rows).toEqual([{ video_id: open, watched_ms: 4000 }])
})

test('a signed-out browser is known by a random cookie that scripts can not read', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  await using api = await openApi(world, reactionRoutes)
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  const payload = {
    views: [{ videoId, key: world.ctx.newId(), watchedMs: 2000, completions: 0, source: 'video' }],
  }
  const watch = (cookie?: string) =>
    api.call('POST', '/views', cookie ? { headers: { cookie } } : null, { payload })

  const first = await watch()
  const given = String(first.headers['set-cookie'])
  expect(given).toMatch(/^upbeat\.browser=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/)
  const again = await watch(given.split(';')[0]!)
  expect(again.headers['set-cookie']).toBeUndefined()
  await watch()

  expect((await views(world)).filter((event) => event.isCounted)).toHaveLength(2)
  const signedIn = await api.call('POST', '/views', owner, { payload })
  expect(signedIn.headers['set-cookie']).toBeUndefined()
  expect((await views(world)).filter((event) => event.isCounted)).toHaveLength(3)
})

test('a share answers the address on this origin and counts once per sharer and hour', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, reactionRoutes)
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const share = (as: typeof fan | null) =>
    api.call('POST', `/videos/${videoId}/shares`, as, { headers: { host: 'upbeat.example:8080' } })

  expect((await share(fan)).json()).toEqual({ url: `http://upbeat.example:8080/v/${videoId}` })
  await share(fan)
  expect((await share(null)).statusCode).toBe(200)
  clock.advance(HOUR_MS)
  await share(fan)

  expect(await eventKinds(world)).toEqual(['shared', 'shared', 'shared'])
  const missing = await api.call('POST', `/videos/${world.ctx.newId()}/shares`, fan)
  expect(missing.json()).toMatchObject({ code: 'not-found' })
})

test('over HTTP: like, save, their lists, and what is refused', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, reactionRoutes)
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)

  expect((await api.call('PUT', `/videos/${videoId}/like`, fan)).json()).toEqual({ isLiked: true })
  expect((await api.call('PUT', `/videos/${videoId}/save`, fan)).json()).toEqual({ isSaved: true })
  for (const list of ['liked', 'saved']) {
    const page = (await api.call('GET', `/me/${list}`, fan)).json()
    expect(page).toMatchObject({
      items: [{ id: videoId, viewer: { isLiked: true, isSaved: true } }],
      nextCursor: null,
    })
    expect((await api.call('GET', `/me/${list}`)).json()).toMatchObject({ code: 'signed-out' })
  }
  expect((await api.call('DELETE', `/videos/${videoId}/like`, fan)).json()).toEqual({ isLiked: false })
  expect((await api.call('DELETE', `/videos/${videoId}/save`, fan)).json()).toEqual({ isSaved: false })
  for (const method of ['PUT', 'DELETE'] as const)
    for (const reaction of ['like', 'save'])
      expect((await api.call(method, `/videos/${videoId}/${reaction}`)).json()).toMatchObject({
        code: 'signed-out',
      })
  expect((await api.call('PUT', '/videos/x/like', fan)).json()).toMatchObject({ code: 'invalid-input' })
})

test('a report names 1 to 50 views within their limits, and no more reports a minute than allowed', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, reactionRoutes)
  const view = {
    videoId: world.ctx.newId(),
    key: world.ctx.newId(),
    watchedMs: 1,
    completions: 0,
    source: 'video',
  }
  const send = async (payload: object) => (await api.call('POST', '/views', null, { payload })).statusCode
  const many = (length: number, change: object = {}) => ({
    views: Array.from({ length }, () => ({ ...view, ...change })),
  })

  expect(await send(many(0))).toBe(400)
  expect(await send(many(51))).toBe(400)
  expect(await send(many(1, { watchedMs: -1 }))).toBe(400)
  expect(await send(many(1, { watchedMs: 24 * HOUR_MS + 1 }))).toBe(400)
  expect(await send(many(1, { watchedMs: 24 * HOUR_MS }))).toBe(204)
  expect(await send(many(50))).toBe(204)
  for (let sent = 2; sent < REPORTS_PER_MINUTE; sent++) expect(await send(many(1))).toBe(204)
  expect(await send(many(1))).toBe(429)
  clock.advance(60_000)
  expect(await send(many(1))).toBe(204)
})
