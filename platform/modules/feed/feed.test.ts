import { expect, test } from 'vitest'
import { createFakeClock, createWorld } from '../../../tests/support/world.ts'
import {
  addAccounts,
  addVideos,
  follow,
  idsOf,
  openSmallFeed,
  readFollowing,
  readForYou,
  readToEnd,
} from './feed.fixtures.ts'
import { SHARED_MS } from './shared-rankings.ts'
import { SNAPSHOT_TTL_MS } from './snapshots.ts'

test('a card carries what the viewer did, at once and in every process', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  const [videoId] = (await addVideos(world, [{ authorId: author }])) as [string]
  const stateNow = async () => (await readForYou(feed, { viewerId })).items[0]!.viewer
  expect(await stateNow()).toEqual({ isLiked: false, isSaved: false, isFollowingAuthor: false, isOwn: false })

  const row = { account_id: viewerId, video_id: videoId, created_at: new Date() }
  await world.ctx.db.insertInto('video_like').values(row).execute()
  await follow(world, viewerId, author)

  expect(await stateNow()).toEqual({ isLiked: true, isSaved: false, isFollowingAuthor: true, isOwn: false })
  expect((await readForYou(feed, { viewerId: author })).items[0]!.viewer!.isOwn).toBe(true)
})

test('a video made private, deleted or blocked disappears with the next page, whatever is in memory', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, other, viewerId] = (await addAccounts(world, 3)) as [string, string, string]
  const [hidden, deleted, blocked, kept] = (await addVideos(world, [
    { authorId: author },
    { authorId: author },
    { authorId: other },
    { authorId: author },
  ])) as [string, string, string, string]
  const { db } = world.ctx
  expect((await readForYou(feed, { viewerId })).items).toHaveLength(4)

  await db.updateTable('video').set({ visibility: 'private' }).where('id', '=', hidden).execute()
  await db.updateTable('video').set({ deleted_at: new Date() }).where('id', '=', deleted).execute()
  await db
    .insertInto('block')
    .values({ blocker_id: other, blocked_id: viewerId, created_at: new Date() })
    .execute()

  expect(idsOf([await readForYou(feed, { viewerId })])).toEqual([kept])
  expect(idsOf([await readForYou(feed)]).sort()).toEqual([blocked, kept].sort())
})

test('a followers-only video is in Following for followers only, with addresses that need a token', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  await addVideos(world, [{ authorId: author, visibility: 'followers' }])
  expect((await readFollowing(feed, { viewerId })).items).toEqual([])

  await follow(world, viewerId, author)

  const [card] = (await readFollowing(feed, { viewerId })).items
  expect(card).toMatchObject({ visibility: 'followers', reason: { code: 'following' } })
  expect(card!.playback.masterUrl).toContain('/media/t/')
})

test('whatever was committed before a page was asked for holds, while other transactions stay open', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world, { relations: 100 })
  const { db } = world.ctx
  const [author, slow, ...quick] = (await addAccounts(world, 6)) as [string, string, ...string[]]
  const [videoId] = (await addVideos(world, [{ authorId: author }])) as [string]
  const likeBy = (viewerId: string) => ({ account_id: viewerId, video_id: videoId, created_at: new Date() })
  const isLikedBy = async (viewerId: string) =>
    (await readForYou(feed, { viewerId })).items[0]?.viewer?.isLiked
  for (const viewerId of [slow, ...quick]) expect(await isLikedBy(viewerId)).toBe(false)

  await db.transaction().execute(async (tx) => {
    await tx.insertInto('video_like').values(likeBy(slow)).execute()
    await Promise.all(
      quick.map(async (viewerId) => {
        for (let round = 0; round < 8; round++) {
          await db.insertInto('video_like').values(likeBy(viewerId)).execute()
          expect(await isLikedBy(viewerId)).toBe(true)
          await db.deleteFrom('video_like').where('account_id', '=', viewerId).execute()
          expect(await isLikedBy(viewerId)).toBe(false)
        }
      }),
    )
    expect(await isLikedBy(slow)).toBe(false)
  })

  expect(await isLikedBy(slow)).toBe(true)
})

test('who likes more than is kept in memory is told the same as anybody else', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world, { relations: 3, newest: 50 })
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  const videoIds = await addVideos(
    world,
    Array.from({ length: 6 }, () => ({ authorId: author })),
  )
  for (let likes = 1; likes <= 5; likes++) {
    await world.ctx.db
      .insertInto('video_like')
      .values({ account_id: viewerId, video_id: videoIds[likes]!, created_at: new Date() })
      .execute()
    // In a memory of their own from here on: of three likes whole, of four not.
    feed.viewers.clear()
    const { items } = await readForYou(feed, { viewerId })
    expect(feed.viewers.peek(viewerId)!.isWhole).toBe(likes <= 3)
    const liked = items.filter(({ viewer }) => viewer!.isLiked).map(({ id }) => id)
    expect(liked.sort()).toEqual(videoIds.slice(1, likes + 1).sort())
  }
})

test('a warm page asks the database once', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  await addVideos(
    world,
    Array.from({ length: 4 }, () => ({ authorId: author })),
  )
  await readForYou(feed, { viewerId })
  const queries = () => feed.cards.queryCount + feed.changes.queryCount + feed.viewers.queryCount
  const before = queries()

  await readForYou(feed, { viewerId })

  expect(queries() - before).toBe(1)
})

test('pages asked for at the same time share their query, and each gets its own answer', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, ...viewers] = (await addAccounts(world, 9)) as [string, ...string[]]
  const videoIds = await addVideos(
    world,
    Array.from({ length: 4 }, () => ({ authorId: author })),
  )
  await Promise.all(viewers.map((viewerId) => readForYou(feed, { viewerId })))
  for (const [n, viewerId] of viewers.entries())
    await world.ctx.db
      .insertInto('video_like')
      .values({ account_id: viewerId, video_id: videoIds[n % 4]!, created_at: new Date() })
      .execute()
  const before = feed.changes.queryCount

  const pages = await Promise.all(viewers.map((viewerId) => readForYou(feed, { viewerId })))

  expect(feed.changes.queryCount - before).toBeLessThan(viewers.length)
  for (const [n, page] of pages.entries()) {
    const liked = page.items.filter(({ viewer }) => viewer!.isLiked).map(({ id }) => id)
    expect(liked).toEqual([videoIds[n % 4]])
  }
})

test('a snapshot older than its time to live is gone; the feed goes on without repeating itself', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  await using feed = openSmallFeed(world)
  const [author] = (await addAccounts(world, 1)) as [string]
  const videoIds = await addVideos(
    world,
    Array.from({ length: 9 }, () => ({ authorId: author })),
  )
  const first = await readForYou(feed, { limit: 4 })

  clock.advance(SNAPSHOT_TTL_MS + 1)
  const rest = await readToEnd((cursor) =>
    readForYou(feed, { limit: 4, cursor: cursor ?? first.nextCursor! }),
  )

  expect(rest[0]!.rankedAt).not.toBe(first.rankedAt)
  expect(idsOf([first, ...rest]).sort()).toEqual([...videoIds].sort())
})

test('somebody else’s cursor gives a feed of one’s own, without what the cursor has shown', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  const videoIds = await addVideos(
    world,
    Array.from({ length: 9 }, () => ({ authorId: author })),
  )
  const signedOut = await readForYou(feed, { limit: 4 })

  const rest = await readToEnd((cursor) =>
    readForYou(feed, { viewerId, limit: 4, cursor: cursor ?? signedOut.nextCursor! }),
  )

  expect(rest[0]!.items[0]!.viewer).not.toBeNull()
  expect(idsOf([signedOut, ...rest]).sort()).toEqual([...videoIds].sort())
})

test('signed-out visitors who come within seconds share the rankings of one, from the beginning to the end', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  await using feed = openSmallFeed(world)
  const [author] = (await addAccounts(world, 1)) as [string]
  const videoIds = await addVideos(
    world,
    Array.from({ length: 30 }, () => ({ authorId: author })),
  )
  const rowCount = async () => {
    await feed.snapshots.flush()
    return (await world.ctx.db.selectFrom('feed_snapshot').select('id').execute()).length
  }
  const visit = () => readToEnd((cursor) => readForYou(feed, { limit: 4, cursor }))
  const first = await visit()
  const rowsOfOne = await rowCount()

  const visits = await Promise.all(Array.from({ length: 20 }, visit))

  for (const pages of [first, ...visits]) expect(idsOf(pages).sort()).toEqual([...videoIds].sort())
  expect(await rowCount()).toBe(rowsOfOne)
  clock.advance(SHARED_MS - 1)
  expect((await readForYou(feed)).rankedAt).toBe(first[0]!.rankedAt)
  clock.advance(1)
  expect((await readForYou(feed)).rankedAt).not.toBe(first[0]!.rankedAt)
})
