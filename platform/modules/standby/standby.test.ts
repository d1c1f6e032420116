import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { createLog } from '../../../kit/log.ts'
import { openStandby, standbyPath } from '../../app/standby/index.ts'
import { addAccounts, addVideos } from '../feed/feed.fixtures.ts'
import { blockAccount, unblockAccount } from '../follows/index.ts'
import { deleteVideo, editVideo } from '../videos/index.ts'
import { openTestShelf } from './standby.fixtures.ts'

const HOUR_MS = 3_600_000

const topIds = ({ ctx }: World): string[] =>
  ctx.standby.list(null, 'top')?.entries.map(({ card }) => card.id) ?? []

test('the list for all has public, published, playable videos, and no other', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [authorId] = await addAccounts(world, 1)
  const seed = { authorId: authorId! }
  const [open] = await addVideos(world, [
    seed,
    { ...seed, visibility: 'private' },
    { ...seed, visibility: 'followers' },
    { ...seed, publishedAt: null },
    { ...seed, isDeleted: true },
  ])
  await makeVideo(world, authorId!, { isPlayable: false })
  await shelf.fill()
  expect(topIds(world)).toEqual([open])
  const { top, figures } = { top: world.ctx.standby.list(null, 'top')!, figures: world.ctx.standby.figures }
  expect(JSON.parse(`${top.entries[0]!.card.json.toString()}}`)).toMatchObject({
    id: open,
    visibility: 'public',
  })
  expect(figures).toMatchObject({ topCount: 1, cardCount: 1, damagedCount: 0 })
  expect(figures.listsAsOfMs).toBe(top.asOfMs)
})

test('one in four of the list is new, however much the old ones are watched', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, { top: 12 })
  const [authorId] = await addAccounts(world, 1)
  const now = world.ctx.clock.now()
  const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * HOUR_MS)
  const old = await addVideos(
    world,
    Array.from({ length: 30 }, () => ({ authorId: authorId!, publishedAt: daysAgo(40) })),
  )
  const recent = await addVideos(
    world,
    Array.from({ length: 3 }, () => ({ authorId: authorId!, publishedAt: daysAgo(3) })),
  )
  await world.ctx.db
    .insertInto('feed_signal')
    .values(old.map((id) => ({ video_id: id, views: 5000, completion: 4500, as_of: now, heat: 900 })))
    .execute()
  await shelf.fill()
  expect(topIds(world)).toHaveLength(12)
  expect(topIds(world).filter((id) => recent.includes(id))).toHaveLength(3)
  expect(
    world.ctx.standby
      .list(null, 'top')!
      .entries.map(({ card, reason }) => [recent.includes(card.id), reason]),
  ).toContainEqual([false, 'popular'])
})

test('an account gets the list of the tag that it likes most, then the one for all, each video once', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, { cohorts: 2, cohort: 3, tastesRound: 2 })
  const [authorId, fan, stranger] = await addAccounts(world, 3)
  const cats = await addVideos(
    world,
    Array.from({ length: 6 }, () => ({ authorId: authorId!, tags: ['cats'] })),
  )
  await addVideos(
    world,
    Array.from({ length: 6 }, () => ({ authorId: authorId!, tags: ['bread'] })),
  )
  await world.ctx.db
    .insertInto('video_like')
    .values({ account_id: fan!, video_id: cats[0]!, created_at: world.ctx.clock.now() })
    .execute()
  // The walk over three accounts takes two rounds.
  for (let round = 0; round < 2; round++) await shelf.fill()
  const list = world.ctx.standby.list(fan!, 'cohort')!
  const ids = list.entries.map(({ card }) => card.id)
  expect(list.kind).toBe('cohort')
  expect(ids.slice(0, 3).every((id) => cats.includes(id))).toBe(true)
  expect(ids).toHaveLength(12)
  expect(new Set(ids).size).toBe(12)
  expect(world.ctx.standby.list(stranger!, 'cohort')!.kind).toBe('top')
  expect(world.ctx.standby.list(fan!, 'top')!.kind).toBe('top')
})

test('a block holds in both directions, and what is heard since the shelf was made counts at once', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [one, other, third] = [await world.account(), await world.account(), await world.account()]
  const mayMeet = (a: { id: string }, b: { id: string }) => !world.ctx.standby.isBlockBetween(a.id, b.id)
  await blockAccount(world.ctx, { viewerId: one.id, handle: other.handle })
  await shelf.fill()
  expect([mayMeet(one, other), mayMeet(other, one), mayMeet(one, third)]).toEqual([false, false, true])

  await blockAccount(world.ctx, { viewerId: third.id, handle: one.handle })
  await eventually(() => !mayMeet(one, third) && !mayMeet(third, one))
  await unblockAccount(world.ctx, { viewerId: one.id, handle: other.handle })
  await eventually(() => mayMeet(one, other))
  await shelf.fill()
  expect([mayMeet(one, other), mayMeet(one, third)]).toEqual([true, false])
  expect(world.ctx.standby.figures.blockCount).toBe(1)
})

test('whose handle it is, is known of authors on the shelf, and of who was shown', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [author, other] = [await world.account(), await world.account()]
  await addVideos(world, [{ authorId: author.id }, { authorId: author.id }])
  const { standby } = world.ctx
  expect(standby.accountIdOf(author.handle)).toBeNull()
  await shelf.fill()
  expect(standby.accountIdOf(author.handle.toUpperCase())).toBe(author.id)
  expect(standby.accountIdOf(other.handle)).toBeNull()
  standby.noteAccount(other)
  expect(standby.accountIdOf(other.handle)).toBe(other.id)
})

test('a video that is hidden or deleted is gone at once, before a new shelf is made and after', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const author = await world.account()
  const [kept, hidden, deleted] = [
    await makeVideo(world, author.id),
    await makeVideo(world, author.id),
    await makeVideo(world, author.id),
  ]
  await shelf.fill()
  const { standby } = world.ctx
  // What just came is as new as a change: the shelf's word counts once it is certainly the later one.
  const known = () => [kept, hidden, deleted].filter((id) => standby.media(id!) !== null)
  expect(standby.figures).toMatchObject({ mediaCount: 3, cardCount: 3 })
  await editVideo(world.ctx, { viewerId: author.id, videoId: hidden!, edit: { visibility: 'private' } })
  await deleteVideo(world.ctx, { viewerId: author.id, videoId: deleted! })
  await eventually(() => !known().includes(hidden) && !known().includes(deleted))
  await shelf.fill()
  expect([deleted, hidden, kept].map((id) => standby.goneKind(id))).toEqual(['deleted', 'hidden', null])
  expect(standby.figures).toMatchObject({ cardCount: 1, topCount: 1 })
})

test('a damaged shelf is passed over for the one before it, and the log says so', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [authorId] = await addAccounts(world, 1)
  await addVideos(world, [{ authorId: authorId! }])
  await shelf.fill()
  await shelf.fill()
  const before = world.ctx.standby.figures.listsAsOfMs
  const path = standbyPath(world.config.dataDir, 'lists')
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(path, bytes)

  const lines: string[] = []
  const log = createLog({ level: 'warn', base: {} }, { write: (line) => void lines.push(line) })
  await using reader = await openStandby({ ...world.ctx, dataDir: world.config.dataDir, log })
  expect(reader.figures).toMatchObject({ listsAsOfMs: before, topCount: 1, damagedCount: 1 })
  expect(lines.join('')).toContain('standby.damaged')
})

test('without a shelf there is nothing, and that is no error', async () => {
  await using world = await createWorld()
  const { standby } = world.ctx
  expect(standby.list(null, 'top')).toBeNull()
  expect([standby.card(world.ctx.newId()), standby.media(world.ctx.newId())]).toEqual([null, null])
  expect(standby.figures).toMatchObject({ listsAsOfMs: null, topCount: 0 })
})
