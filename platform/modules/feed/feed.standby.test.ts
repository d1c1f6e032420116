import { expect, test } from 'vitest'
import { FeedPage } from '../../../contract/videos.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { openShakyProcess } from '../../../tests/support/shaky-process.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import type { Ctx } from '../../app/context.ts'
import { NO_ORDERS } from '../../app/steward/index.ts'
import { openTestShelf } from '../standby/standby.fixtures.ts'
import { openFeed } from './feed.ts'
import {
  addAccounts,
  addVideos,
  idsOf,
  openSmallFeed,
  readFollowing,
  readForYou,
  readToEnd,
} from './feed.fixtures.ts'

const CARDS_MAX = 50

const orderLevel = ({ steward }: Ctx, level: 2 | 3 | 4 | null) =>
  steward.order({
    ...NO_ORDERS,
    level: level && { level, reason: 'a test', untilAt: new Date(Date.now() + 3_600_000) },
  })

async function addMany(world: World, count: number): Promise<string[]> {
  const [authorId] = await addAccounts(world, 1)
  return addVideos(
    world,
    Array.from({ length: count }, () => ({ authorId: authorId! })),
  )
}

test('with the database cut off, a feed begins and goes on from the shelf to its end, without repeats', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const videoIds = await addMany(world, 12)
  const [viewerId] = await addAccounts(world, 1)
  await shelf.fill()
  await using process = await openShakyProcess(world)
  await using feed = openFeed(process.ctx)
  process.cutOff()

  const pages = await readToEnd((cursor) => readForYou(feed, { viewerId: viewerId!, limit: 5, cursor }))

  expect(idsOf(pages).toSorted()).toEqual(videoIds.toSorted())
  expect(pages.map(({ items }) => items.length)).toEqual([5, 5, 2])
  for (const page of pages) {
    expect(FeedPage.parse(page).service).toBe('top')
    expect(Date.parse(page.rankedAt)).toBe(process.ctx.standby.figures.listsAsOfMs)
    for (const { viewer, reason } of page.items) {
      expect(viewer).toEqual({ isLiked: null, isSaved: null, isFollowingAuthor: null, isOwn: false })
      expect(['popular', 'fresh']).toContain(reason!.code)
    }
  }
})

test('a personal feed goes on from the shelf when the database goes, and comes back to a personal one', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const videoIds = await addMany(world, 15)
  const [viewerId] = (await addAccounts(world, 1)) as [string]
  await shelf.fill()
  await using process = await openShakyProcess(world)
  await using feed = openFeed(process.ctx)
  const first = await readForYou(feed, { viewerId, limit: 5 })
  expect(first.service).toBeUndefined()

  process.cutOff()
  const second = await readForYou(feed, { viewerId, limit: 5, cursor: first.nextCursor! })
  await eventually(() => process.ctx.steward.modeOf('feed') !== 'on')
  process.proxy.admit()
  await eventually(() => process.ctx.steward.modeOf('feed') === 'on')
  const third = await readForYou(feed, { viewerId, limit: 5, cursor: second.nextCursor! })

  expect(second.service).toBe('top')
  expect(third.service).toBeUndefined()
  expect(idsOf([first, second, third]).toSorted()).toEqual(videoIds.toSorted())
  // What this process knew of the viewer is still known.
  expect(second.items[0]!.viewer!.isLiked).toBe(false)
})

test('a database that stops answering in the middle of a page is not waited for', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  await addMany(world, 5)
  await shelf.fill()
  await using process = await openShakyProcess(world)
  await using feed = openFeed(process.ctx)
  await readForYou(feed)
  process.proxy.freeze()

  expect((await readForYou(feed)).service).toBe('top')
})

test('a process that never saw its database serves the shelf', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const videoIds = await addMany(world, 3)
  await shelf.fill()
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using feed = openFeed(process.ctx)

  expect(idsOf([await readForYou(feed)]).toSorted()).toEqual(videoIds.toSorted())
})

test('at level 4 the list for all is served and nothing is asked of the database; at level 3 the viewer’s own', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, { cohorts: 1, cohort: 2 })
  const [author, fan] = (await addAccounts(world, 2)) as [string, string]
  const cats = await addVideos(
    world,
    Array.from({ length: 4 }, () => ({ authorId: author, tags: ['cats'] })),
  )
  await addVideos(
    world,
    Array.from({ length: 4 }, () => ({ authorId: author })),
  )
  const like = { account_id: fan, video_id: cats[0]!, created_at: world.ctx.clock.now() }
  await world.ctx.db.insertInto('video_like').values(like).execute()
  await shelf.fill()
  await using feed = openFeed(world.ctx)

  orderLevel(world.ctx, 3)
  const own = await readForYou(feed, { viewerId: fan, limit: CARDS_MAX })
  orderLevel(world.ctx, 4)
  const same = await readForYou(feed, { viewerId: fan, limit: CARDS_MAX })

  expect([own.service, same.service]).toEqual(['cohort', 'top'])
  expect(
    idsOf([own])
      .slice(0, 2)
      .every((id) => cats.includes(id)),
  ).toBe(true)
  expect(own.items).toHaveLength(8)
  expect([feed.changes.queryCount, feed.cards.queryCount, feed.viewers.queryCount]).toEqual([0, 0, 0])
  orderLevel(world.ctx, null)
})

test('blocks, and what became private or was deleted, hold at level 4', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [one, other, viewerId] = (await addAccounts(world, 3)) as [string, string, string]
  const [blocked, kept, hidden, deleted] = (await addVideos(world, [
    { authorId: one },
    { authorId: other },
    { authorId: other },
    { authorId: other },
  ])) as [string, string, string, string]
  const { db, events, clock } = world.ctx
  await shelf.fill()
  await using feed = openFeed(world.ctx)
  orderLevel(world.ctx, 4)
  expect((await readForYou(feed, { viewerId })).items).toHaveLength(4)

  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('block')
      .values({ blocker_id: one, blocked_id: viewerId, created_at: clock.now() })
      .execute()
    await tx.updateTable('video').set({ visibility: 'private' }).where('id', '=', hidden).execute()
    await tx.updateTable('video').set({ deleted_at: clock.now() }).where('id', '=', deleted).execute()
    await events.appendAll(tx, [
      { kind: 'blocked', accountId: one, subjectId: viewerId },
      { kind: 'video-changed', accountId: other, videoId: hidden },
      { kind: 'video-deleted', accountId: other, videoId: deleted },
    ])
  })

  // Heard of, before there is a new shelf…
  await eventually(async () => (await readForYou(feed, { viewerId })).items.length === 1)
  expect(idsOf([await readForYou(feed, { viewerId })])).toEqual([kept])
  // …and from the new shelf alone, in a process that heard nothing.
  await shelf.fill()
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using late = openFeed(process.ctx)
  expect(idsOf([await readForYou(late, { viewerId })])).toEqual([kept])
  expect(idsOf([await readForYou(late)]).toSorted()).toEqual([blocked, kept].toSorted())
  orderLevel(world.ctx, null)
})

test('whoever has seen the whole list is told that more comes later, not that this is the end', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, { top: 3 })
  await addMany(world, 8)
  await shelf.fill()
  await using feed = openFeed(world.ctx)
  orderLevel(world.ctx, 4)

  const page = await readForYou(feed, { limit: CARDS_MAX })

  expect(page.items).toHaveLength(3)
  await expect(readForYou(feed, { cursor: page.nextCursor! })).rejects.toMatchObject({
    code: 'feature-paused',
    details: { facts: { feature: 'feed' } },
  })
  orderLevel(world.ctx, null)
  expect((await readForYou(feed, { cursor: page.nextCursor! })).items).toHaveLength(5)
})

test('Following says that it is paused, and that For You goes on', async () => {
  await using world = await createWorld()
  const [viewerId] = (await addAccounts(world, 1)) as [string]
  await using process = await openShakyProcess(world, { isCutOff: true })
  await using feed = openFeed(process.ctx)

  await expect(readFollowing(feed, { viewerId })).rejects.toMatchObject({
    code: 'feature-paused',
    details: { facts: { list: 'following' }, detail: expect.stringContaining('For You goes on') },
  })
})

test('without a shelf, or with the protection switched off, nothing else is shown than before', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  await addMany(world, 3)
  await using empty = openSmallFeed(world)
  orderLevel(world.ctx, 4)
  expect((await readForYou(empty)).service).toBeUndefined()
  await shelf.fill()
  await using process = await openShakyProcess(world, { isCutOff: true, env: { PROTECTIONS_OFF: 'standby' } })
  await using feed = openFeed(process.ctx)
  await expect(readForYou(feed)).rejects.toThrow()
  orderLevel(world.ctx, null)
})

test('counts that change at level 2 keep their age, and are read again when it is over', async () => {
  await using world = await createWorld()
  const [videoId] = await addMany(world, 1)
  await world.ctx.db
    .insertInto('video_counter')
    .values({ video_id: videoId!, likes: 1, as_of: world.ctx.clock.now() })
    .execute()
  await using feed = openFeed(world.ctx)
  const likes = async () => (await readForYou(feed)).items[0]!.counts.likes
  expect(await likes()).toBe(1)
  orderLevel(world.ctx, 2)
  await world.ctx.db.updateTable('video_counter').set({ likes: 2 }).execute()
  feed.cards.recount(videoId!)
  expect(await likes()).toBe(1)
  orderLevel(world.ctx, null)
  expect(await eventually(likes, (count) => count === 2)).toBe(2)
})

test('a shelf from before the first video is passed over while the database can be asked', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  await shelf.fill()
  const videoIds = await addMany(world, 2)
  await using feed = openFeed(world.ctx)
  orderLevel(world.ctx, 4)
  expect(idsOf([await readForYou(feed)]).toSorted()).toEqual(videoIds.toSorted())
  orderLevel(world.ctx, null)
})
