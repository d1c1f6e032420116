import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApi, readAllPages } from '../../../tests/support/api.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { LIVE_CHANNEL } from '../../app/live.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { blockAccount } from '../follows/index.ts'
import { deleteVideo } from '../videos/index.ts'
import {
  ACTORS_SHOWN,
  countUnreadNotifications,
  EXCERPT_MAX_LENGTH,
  listNotifications,
  loadNotification,
  markNotificationsRead,
  notificationRoutes,
  notifyAccount,
  withdrawCommentNotifications,
  type NotifyInput,
} from './index.ts'
import {
  NOTIFICATIONS_KEPT_MS,
  pruneNotifications,
  startNotificationJobs,
  tellCaptionMentions,
  tellNewSignIn,
} from './notifications.jobs.ts'

const tell = (world: World, input: NotifyInput) =>
  inTransaction(world.ctx, (tx) => notifyAccount(world.ctx, tx, input))
const list = (world: World, viewerId: string, limit = 20) =>
  readAllPages((cursor) =>
    listNotifications(world.ctx, { viewerId, page: { limit, ...(cursor && { cursor }) } }),
  )

test('likes of one video fold into one entry that names the newest and counts all', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  const fans = await Promise.all(Array.from({ length: ACTORS_SHOWN + 2 }, () => world.account()))
  for (const fan of fans) {
    clock.advance(1000)
    expect(await tell(world, { accountId: owner.id, kind: 'liked', actorId: fan.id, videoId })).toBe(true)
  }

  const [entry, ...rest] = await list(world, owner.id)

  expect(rest).toEqual([])
  expect(entry).toMatchObject({
    kind: 'liked',
    actorCount: fans.length,
    videoId,
    posterUrl: expect.stringContaining(videoId),
    isRead: false,
    createdAt: clock.now().toISOString(),
  })
  expect(entry!.actors.map((actor) => actor.id)).toEqual(
    fans
      .toReversed()
      .slice(0, ACTORS_SHOWN)
      .map((fan) => fan.id),
  )
})

test('the same act by the same person tells once, also when it races', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const like = () => tell(world, { accountId: owner.id, kind: 'liked', actorId: fan.id, videoId })

  const answers = await Promise.all([like(), like(), like()])

  expect(answers.filter(Boolean)).toHaveLength(1)
  expect(await countUnreadNotifications(world.ctx.db, owner.id)).toBe(1)
})

test('an upload that fails twice tells once; two uploads tell twice', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  const uploads = [world.ctx.newId(), world.ctx.newId()]
  for (const uploadId of [...uploads, ...uploads])
    await tell(world, { accountId: owner.id, kind: 'upload-failed', uploadId, excerpt: 'It holds no video.' })

  const entries = await list(world, owner.id)

  expect(new Set(entries.map((entry) => entry.uploadId))).toEqual(new Set(uploads))
  expect(entries).toHaveLength(2)
  expect(entries[0]).toMatchObject({
    actors: [],
    actorCount: 0,
    excerpt: 'It holds no video.',
    posterUrl: null,
  })
})

test('nobody is told of their own acts, nor of anything by someone who is blocked, either way', async () => {
  await using world = await createWorld()
  const [owner, pest, hater] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const like = (actorId: string) => tell(world, { accountId: owner.id, kind: 'liked', actorId, videoId })
  await blockAccount(world.ctx, { viewerId: owner.id, handle: pest.handle })
  await blockAccount(world.ctx, { viewerId: hater.id, handle: owner.handle })

  expect(await like(owner.id)).toBe(false)
  expect(await like(pest.id)).toBe(false)
  expect(await like(hater.id)).toBe(false)
  expect(await list(world, owner.id)).toEqual([])
})

test('what a person did before being blocked is shown no more; the rest of its group stays', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const [owner, friend, pest] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  for (const actor of [friend, pest]) {
    clock.advance(1)
    await tell(world, { accountId: owner.id, kind: 'liked', actorId: actor.id, videoId })
  }
  await tell(world, { accountId: owner.id, kind: 'followed', actorId: pest.id })
  await blockAccount(world.ctx, { viewerId: owner.id, handle: pest.handle })

  const entries = await list(world, owner.id)

  expect(entries).toMatchObject([{ kind: 'liked', actorCount: 1, actors: [{ id: friend.id }] }])
  expect(await countUnreadNotifications(world.ctx.db, owner.id)).toBe(1)
})

test('a deleted video takes its notifications from view', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  await tell(world, { accountId: owner.id, kind: 'liked', actorId: fan.id, videoId })

  await deleteVideo(world.ctx, { viewerId: owner.id, videoId })

  expect(await list(world, owner.id)).toEqual([])
  expect(await countUnreadNotifications(world.ctx.db, owner.id)).toBe(0)
})

test('a longer excerpt is cut to the limit, between characters; one at the limit stays whole', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  const told = async (excerpt: string) => {
    await tell(world, { accountId: owner.id, kind: 'new-sign-in', excerpt })
    return (await list(world, owner.id)).map((entry) => entry.excerpt)
  }
  const full = '🎈'.repeat(EXCERPT_MAX_LENGTH)

  expect(await told(full)).toContain(full)
  expect(await told(`${full}x`)).toContain(`${'🎈'.repeat(EXCERPT_MAX_LENGTH - 1)}…`)
})

test('reading up to an entry leaves what came after it unread, and tells the other tabs', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const owner = await world.account()
  const heard: unknown[] = []
  world.ctx.listener.on(LIVE_CHANNEL, (message) => heard.push(message))
  await world.ctx.listener.settled()
  for (let index = 0; index < 3; index++) {
    clock.advance(1)
    await tell(world, { accountId: owner.id, kind: 'new-sign-in' })
  }
  const [newest, middle] = await list(world, owner.id)

  const read = () => markNotificationsRead(world.ctx, { viewerId: owner.id, upTo: middle!.id })
  expect(await read()).toEqual({ unread: 1 })
  expect(await read()).toEqual({ unread: 1 })

  expect((await list(world, owner.id)).map((entry) => entry.isRead)).toEqual([false, true, true])
  expect(await loadNotification(world.ctx, { accountId: owner.id, notificationId: newest!.id })).toEqual(
    newest,
  )
  await expect
    .poll(() => heard.filter((message) => JSON.stringify(message).includes('"notificationId":null')))
    .toHaveLength(1)
})

test('what tells of a sign-in names it until its owner has denied it, and nobody else’s', async () => {
  await using world = await createWorld()
  const [owner, stranger] = [await world.account(), await world.account()]
  const notice = (accountId: string) => ({
    ...{ id: world.ctx.newId(), account_id: accountId, session_id: world.ctx.newId() },
    ...{ device: 'Firefox', address: '198.51.100.7', created_at: new Date(), denied_at: null },
  })
  const [own, foreign] = [notice(owner.id), notice(stranger.id)]
  await world.ctx.db.insertInto('sign_in_notice').values([own, foreign]).execute()
  for (const { id, device, address } of [own, foreign])
    await tellNewSignIn(world.ctx, { id, accountId: owner.id, device, address })
  const named = async () => (await list(world, owner.id)).map((entry) => entry.signInId)

  expect(await named()).toEqual([null, own.id])
  await world.ctx.db.updateTable('sign_in_notice').set({ denied_at: new Date() }).execute()
  expect(await named()).toEqual([null, null])
})

test('withdrawing what tells of a comment leaves the rest', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  await tell(world, { accountId: owner.id, kind: 'new-sign-in' })
  await inTransaction(world.ctx, (tx) => withdrawCommentNotifications(tx, world.ctx.newId()))
  expect(await list(world, owner.id)).toHaveLength(1)
})

test('pages neither skip nor repeat a group, whatever its size and the page size', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  const fans = await Promise.all(Array.from({ length: 5 }, () => world.account()))
  const videos = await Promise.all(Array.from({ length: 6 }, () => makeVideo(world, owner.id)))
  const acts = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 5 })), {
    maxLength: 25,
  })

  await fc.assert(
    fc.asyncProperty(acts, fc.integer({ min: 1, max: 7 }), async (likes, limit) => {
      await world.ctx.db.deleteFrom('notification').execute()
      for (const [fan, video] of likes)
        await tell(world, {
          accountId: owner.id,
          kind: 'liked',
          actorId: fans[fan]!.id,
          videoId: videos[video]!,
        })
      const entries = await list(world, owner.id, limit)
      const liked = [...new Set(likes.map(([, video]) => videos[video]!))]
      expect(new Set(entries.map((entry) => entry.videoId))).toEqual(new Set(liked))
      expect(entries).toHaveLength(liked.length)
      for (const entry of entries) {
        const fansOfIt = new Set(
          likes.filter(([, video]) => videos[video] === entry.videoId).map(([fan]) => fan),
        )
        expect(entry.actorCount).toBe(fansOfIt.size)
      }
    }),
    { numRuns: 15 },
  )
})

test('over HTTP: the list, marking as read, and what is refused', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, notificationRoutes)
  const [owner, other] = [await world.account(), await world.account()]
  await tell(world, { accountId: owner.id, kind: 'followed', actorId: other.id })

  const page = (await api.call('GET', '/notifications', owner)).json()
  expect(page).toMatchObject({ items: [{ kind: 'followed', actorCount: 1 }], nextCursor: null })
  const payload = { upTo: page.items[0].id as string }
  const read = (as: typeof owner | null, body: object = payload) =>
    api.call('POST', '/notifications/read', as, { payload: body })

  expect((await read(other)).json()).toMatchObject({ code: 'not-found' })
  expect((await read(null)).json()).toMatchObject({ code: 'signed-out' })
  expect((await read(owner, { upTo: 'x' })).json()).toMatchObject({ code: 'invalid-input' })
  expect((await read(owner)).json()).toEqual({ unread: 0 })
  expect((await api.call('GET', '/notifications')).json()).toMatchObject({ code: 'signed-out' })
})

test('a notification is forgotten at its age, read or not, and not before', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const owner = await world.account()
  await tell(world, { accountId: owner.id, kind: 'new-sign-in' })
  clock.advance(1)
  await tell(world, { accountId: owner.id, kind: 'new-sign-in' })

  clock.advance(NOTIFICATIONS_KEPT_MS - 1)
  expect(await pruneNotifications(world.ctx)).toBe(0)
  clock.advance(1)
  expect(await pruneNotifications(world.ctx)).toBe(1)

  expect(await list(world, owner.id)).toHaveLength(1)
})

test('those whom a published caption mentions are told once, its author is not', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _jobs = await startNotificationJobs(world.ctx)
  const [author, mentioned] = [await world.account(), await world.account()]
  const told = () =>
    world.ctx.db.selectFrom('notification').select(['account_id', 'kind', 'video_id']).execute()

  const videoId = await makeVideo(world, author.id, {
    caption: `With @${mentioned.handle} and @${author.handle}`,
  })

  await expect.poll(told).toEqual([{ account_id: mentioned.id, kind: 'mentioned', video_id: videoId }])
  await tellCaptionMentions(world.ctx, videoId)
  expect(await told()).toHaveLength(1)
})
