import { expect, test } from 'vitest'
import { openApi } from '../../../tests/support/api.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import { NotFoundError } from '../../app/errors.ts'
import { foldAll } from '../counters/index.ts'
import { blockAccount, followAccount } from '../follows/index.ts'
import { likeVideo } from '../reactions/index.ts'
import { deleteVideo } from '../videos/index.ts'
import { listProfileVideos, loadProfile, profileRoutes } from './index.ts'

const profileOf = (world: World, account: TestAccount, viewer: TestAccount | null) =>
  loadProfile(world.ctx, { viewerId: viewer?.id ?? null, handle: account.handle })
const videosOf = async (world: World, account: TestAccount, viewer: TestAccount | null) =>
  (
    await listProfileVideos(world.ctx, {
      viewerId: viewer?.id ?? null,
      handle: account.handle,
      page: { limit: 50 },
    })
  ).items.map((item) => item.id)

test('a profile counts exactly the videos that its viewer can list', async () => {
  await using world = await createWorld()
  const [author, follower, stranger] = [await world.account(), await world.account(), await world.account()]
  await followAccount(world.ctx, { viewerId: follower.id, handle: author.handle })
  const open = await makeVideo(world, author.id)
  const forFollowers = await makeVideo(world, author.id, { visibility: 'followers' })
  const own = await makeVideo(world, author.id, { visibility: 'private' })
  await makeVideo(world, author.id, { isPublishRequested: false })
  await makeVideo(world, author.id, { isPlayable: false })
  const gone = await makeVideo(world, author.id)
  await deleteVideo(world.ctx, { viewerId: author.id, videoId: gone })

  for (const [viewer, expected] of [
    [null, [open]],
    [stranger, [open]],
    [follower, [open, forFollowers]],
    [author, [open, forFollowers, own]],
  ] as const) {
    expect((await videosOf(world, author, viewer)).toSorted()).toEqual(expected.toSorted())
    expect((await profileOf(world, author, viewer)).counts.videos).toBe(expected.length)
  }
})

test('counts and the relation of the viewer', async () => {
  await using world = await createWorld()
  const [author, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, author.id)
  await followAccount(world.ctx, { viewerId: fan.id, handle: author.handle })
  await likeVideo(world.ctx, { viewerId: fan.id, videoId })
  await foldAll(world.ctx)

  expect(await profileOf(world, author, fan)).toMatchObject({
    handle: author.handle,
    counts: { followers: 1, following: 0, likes: 1, videos: 1 },
    viewer: { isSelf: false, isFollowing: true, isFollowedBy: false, isBlocking: false },
  })
  expect((await profileOf(world, fan, author)).viewer).toMatchObject({
    isFollowing: false,
    isFollowedBy: true,
  })
  expect((await profileOf(world, author, author)).viewer).toMatchObject({ isSelf: true })
  expect((await profileOf(world, author, null)).viewer).toBeNull()
})

test('likes that nobody counted yet are unknown, not none', async () => {
  await using world = await createWorld()
  const author = await world.account()
  await makeVideo(world, author.id)
  expect((await profileOf(world, author, null)).counts.likes).toBe(0)
  await world.ctx.db.deleteFrom('video_counter').execute()
  expect((await profileOf(world, author, null)).counts.likes).toBeNull()
})

test('the blocked find nothing; the blocker finds who it is, and no more', async () => {
  await using world = await createWorld()
  const [author, pest] = [await world.account(), await world.account()]
  await makeVideo(world, author.id)
  await makeVideo(world, pest.id)
  await blockAccount(world.ctx, { viewerId: author.id, handle: pest.handle })

  await expect(profileOf(world, author, pest)).rejects.toThrow(NotFoundError)
  await expect(videosOf(world, author, pest)).rejects.toThrow(NotFoundError)
  expect(await profileOf(world, pest, author)).toMatchObject({
    handle: pest.handle,
    bio: '',
    counts: { followers: null, following: null, likes: null, videos: null },
    viewer: { isBlocking: true },
  })
  expect(await videosOf(world, pest, author)).toEqual([])
})

test('over HTTP: by handle in any capitals, and what is refused', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, profileRoutes)
  const author = await world.account({ handle: 'Ada.Lovelace' })
  const videoId = await makeVideo(world, author.id)

  expect((await api.call('GET', '/profiles/ada.lovelace')).json()).toMatchObject({ handle: 'Ada.Lovelace' })
  expect((await api.call('GET', '/profiles/ADA.LOVELACE/videos')).json()).toMatchObject({
    items: [{ id: videoId }],
    nextCursor: null,
  })
  for (const path of ['/profiles/nobody', '/profiles/nobody/videos'])
    expect((await api.call('GET', path)).json()).toMatchObject({ code: 'not-found' })
  expect((await api.call('GET', '/profiles/ada.lovelace/videos?cursor=1')).json()).toMatchObject({
    code: 'invalid-input',
  })
})
