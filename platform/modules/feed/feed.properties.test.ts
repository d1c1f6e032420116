import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FeedPage } from '../../../contract/videos.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import {
  addAccounts,
  addVideos,
  idsOf,
  openSmallFeed,
  readFollowing,
  readForYou,
  readToEnd,
  type VideoSeed,
} from './feed.fixtures.ts'

const RUNS = { numRuns: 25 }
const PEOPLE = 6
const DAY_MS = 86_400_000

const person = fc.integer({ min: 0, max: PEOPLE - 1 })
const pair = fc.tuple(person, person).filter(([a, b]) => a !== b)

const catalogue = fc.record({
  videos: fc.array(
    fc.record({
      author: person,
      visibility: fc.constantFrom('public', 'public', 'public', 'followers', 'private'),
      // Many share an instant: positions must be told apart by more than the time.
      ageMs: fc.constantFrom(0, DAY_MS, 3 * DAY_MS, 40 * DAY_MS),
      state: fc.constantFrom('published', 'published', 'published', 'draft', 'deleted'),
      views: fc.option(fc.integer({ min: 1, max: 500 })),
    }),
    { maxLength: 60 },
  ),
  follows: fc.uniqueArray(pair, { maxLength: 12, selector: String }),
  blocks: fc.uniqueArray(pair, { maxLength: 4, selector: String }),
  watched: fc.array(fc.tuple(person, fc.nat()), { maxLength: 20 }),
  viewer: fc.option(person),
  limit: fc.integer({ min: 1, max: 9 }),
})
type Catalogue = typeof catalogue extends fc.Arbitrary<infer T> ? T : never

interface Filled {
  readonly people: string[]
  readonly viewerId: string | null
  readonly videoIds: string[]
}

/** Fills the world with the catalogue, in place of what was there before. */
async function fill(world: World, people: string[], input: Catalogue): Promise<Filled> {
  const { db, clock } = world.ctx
  for (const table of ['video', 'follow', 'block', 'video_view', 'feed_snapshot'] as const)
    await db.deleteFrom(table).execute()
  const at = clock.now()
  const seeds = input.videos.map((video): VideoSeed => ({
    authorId: people[video.author]!,
    visibility: video.visibility as VideoSeed['visibility'],
    publishedAt: video.state === 'draft' ? null : new Date(at.getTime() - video.ageMs),
    isDeleted: video.state === 'deleted',
  }))
  const videoIds = await addVideos(world, seeds)
  const signals = input.videos.flatMap(({ views }, n) =>
    views
      ? [{ video_id: videoIds[n]!, views, completion: views / 2, as_of: at, heat: Math.log2(views) }]
      : [],
  )
  const follows = input.follows.map(([a, b]) => ({
    follower_id: people[a]!,
    followee_id: people[b]!,
    created_at: at,
  }))
  const blocks = input.blocks.map(([a, b]) => ({
    blocker_id: people[a]!,
    blocked_id: people[b]!,
    created_at: at,
  }))
  const views = new Map(
    input.watched
      .filter(() => videoIds.length > 0)
      .map(([who, what]) => [`${who} ${what % videoIds.length}`, { who, what: what % videoIds.length }]),
  )
  if (signals.length > 0) await db.insertInto('feed_signal').values(signals).execute()
  if (follows.length > 0) await db.insertInto('follow').values(follows).execute()
  if (blocks.length > 0) await db.insertInto('block').values(blocks).execute()
  for (const { who, what } of views.values())
    await db
      .insertInto('video_view')
      .values({
        viewer_key: `account:${people[who]!}`,
        video_id: videoIds[what]!,
        hour: at,
        watched_ms: 5000,
        completions: 0,
      })
      .execute()
  return { people, viewerId: input.viewer === null ? null : people[input.viewer]!, videoIds }
}

/** The rules, said a second time: which of the videos the viewer may see. */
function isVisible(input: Catalogue, n: number): boolean {
  const { author, visibility, state } = input.videos[n]!
  const { viewer } = input
  const has = (pairs: [number, number][], a: number, b: number) => pairs.some(([x, y]) => x === a && y === b)
  if (state !== 'published') return false
  if (viewer !== null && (has(input.blocks, viewer, author) || has(input.blocks, author, viewer)))
    return false
  if (visibility === 'public' || viewer === author) return true
  return visibility === 'followers' && viewer !== null && has(input.follows, viewer, author)
}

const expectSameSet = (actual: string[], expected: string[]) => {
  expect(new Set(actual).size).toBe(actual.length)
  expect([...actual].sort()).toEqual([...expected].sort())
}

test('For You shows every public video that the viewer may see exactly once, and then ends', async () => {
  await using world = await createWorld()
  const people = await addAccounts(world, PEOPLE)
  await fc.assert(
    fc.asyncProperty(catalogue, async (input) => {
      const { viewerId, videoIds } = await fill(world, people, input)
      await using feed = openSmallFeed(world)

      const pages = await readToEnd((cursor) => readForYou(feed, { viewerId, cursor, limit: input.limit }))

      const expected = videoIds.filter(
        (_, n) => input.videos[n]!.visibility === 'public' && isVisible(input, n),
      )
      expectSameSet(idsOf(pages), expected)
      for (const page of pages) expect(page.items.length).toBeLessThanOrEqual(input.limit)
      for (const page of pages) FeedPage.parse(page)
    }),
    RUNS,
  )
})

test('For You skips and repeats nothing when every page comes from another process', async () => {
  await using world = await createWorld()
  const people = await addAccounts(world, PEOPLE)
  await fc.assert(
    fc.asyncProperty(catalogue, async (input) => {
      const { viewerId, videoIds } = await fill(world, people, input)

      const pages = await readToEnd(async (cursor) => {
        await using feed = openSmallFeed(world)
        return await readForYou(feed, { viewerId, cursor, limit: input.limit })
      })

      const expected = videoIds.filter(
        (_, n) => input.videos[n]!.visibility === 'public' && isVisible(input, n),
      )
      expectSameSet(idsOf(pages), expected)
    }),
    RUNS,
  )
})

test('For You repeats nothing and loses nothing when its snapshots get lost on the way', async () => {
  await using world = await createWorld()
  const people = await addAccounts(world, PEOPLE)
  await fc.assert(
    fc.asyncProperty(catalogue, async (input) => {
      const { viewerId, videoIds } = await fill(world, people, input)
      // All of the catalogue is ranked: what was shown is then known from the cursor alone.
      const sizes = { newest: 100, pool: 100 }

      const pages = await readToEnd(async (cursor) => {
        await using feed = openSmallFeed(world, sizes)
        const page = await readForYou(feed, { viewerId, cursor, limit: input.limit })
        await feed.snapshots.flush()
        await world.ctx.db.deleteFrom('feed_snapshot').execute()
        return page
      })

      const expected = videoIds.filter(
        (_, n) => input.videos[n]!.visibility === 'public' && isVisible(input, n),
      )
      expectSameSet(idsOf(pages), expected)
    }),
    RUNS,
  )
})

test('Following shows every video of the followed that the viewer may see, newest first, once, and then ends', async () => {
  await using world = await createWorld()
  const people = await addAccounts(world, PEOPLE)
  await fc.assert(
    fc.asyncProperty(catalogue, person, async (given, viewer) => {
      const input = { ...given, viewer }
      const { videoIds } = await fill(world, people, input)
      await using feed = openSmallFeed(world)
      const viewerId = people[viewer]!

      const pages = await readToEnd((cursor) => readFollowing(feed, { viewerId, cursor, limit: input.limit }))

      const isFollowed = (author: number) => input.follows.some(([a, b]) => a === viewer && b === author)
      const expected = videoIds.filter((_, n) => isFollowed(input.videos[n]!.author) && isVisible(input, n))
      expectSameSet(idsOf(pages), expected)
      const times = pages.flatMap(({ items }) => items.map(({ publishedAt }) => publishedAt!))
      expect(times).toEqual(times.toSorted().reverse())
    }),
    RUNS,
  )
})
