/** What a feed that runs hears of, and shows from the next ranking on. */
import { expect, test } from 'vitest'
import type { DomainEvent } from '../../../contract/events.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { addAccounts, addVideos, follow, idsOf, openSmallFeed, readForYou } from './feed.fixtures.ts'

const PATIENCE = { timeout: 30_000 }

/** Tells the event before each reading: a feed that has only just begun to listen may miss the first. */
const tellAgain =
  (world: World, event: DomainEvent) =>
  <T>(read: () => Promise<T>) =>
  async (): Promise<T> => {
    await inTransaction(world.ctx, (tx) => world.ctx.events.append(tx, event))
    return read()
  }

test('a video published while the feed runs is in the next ranking', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author] = (await addAccounts(world, 1)) as [string]
  await readForYou(feed)

  const [videoId] = (await addVideos(world, [{ authorId: author }])) as [string]
  const tell = tellAgain(world, { kind: 'published', accountId: author, videoId })

  await expect
    .poll(
      tell(async () => idsOf([await readForYou(feed)])),
      PATIENCE,
    )
    .toEqual([videoId])
})

test('a changed video has its new caption in the feed', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author] = (await addAccounts(world, 1)) as [string]
  const [videoId] = (await addVideos(world, [{ authorId: author, caption: 'before' }])) as [string]
  expect((await readForYou(feed)).items[0]!.caption).toBe('before')

  await world.ctx.db.updateTable('video').set({ caption: 'after' }).where('id', '=', videoId).execute()
  const tell = tellAgain(world, { kind: 'video-changed', accountId: author, videoId })

  await expect
    .poll(
      tell(async () => (await readForYou(feed)).items[0]!.caption),
      PATIENCE,
    )
    .toBe('after')
})

test('what somebody liked, saved or commented on comes after what they have not seen, in every new feed', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world, { firstSnapshot: 20 })
  const [author, other, viewerId] = (await addAccounts(world, 3)) as [string, string, string]
  const seeds = [author, author, author, other, other].map((authorId) => ({ authorId, tags: ['boats'] }))
  const [liked, saved, commented, ...unseen] = (await addVideos(world, seeds)) as [string, string, string]
  await using warm = openSmallFeed(world, { firstSnapshot: 20 })
  await readForYou(warm, { viewerId })

  const row = { account_id: viewerId, created_at: new Date() }
  await world.ctx.db
    .insertInto('video_like')
    .values({ ...row, video_id: liked })
    .execute()
  await world.ctx.db
    .insertInto('video_save')
    .values({ ...row, video_id: saved })
    .execute()
  const comment = { id: world.ctx.newId(), body: 'Ahoi', client_key: null, parent_id: null, deleted_at: null }
  await world.ctx.db
    .insertInto('comment')
    .values({ ...row, ...comment, video_id: commented })
    .execute()

  const { items } = await readForYou(feed, { viewerId })
  expect(items.slice(0, 2).map(({ id }) => id)).toEqual(expect.arrayContaining(unseen))
  expect(items.slice(2).map(({ reason }) => reason!.code)).toEqual(['again', 'again', 'again'])
  // One that had the viewer in memory already knows likes and saves from its next page on, comments when it hears of them.
  const told = tellAgain(world, {
    kind: 'commented',
    accountId: viewerId,
    videoId: commented,
    commentId: comment.id,
  })
  const again = async () =>
    (await readForYou(warm, { viewerId })).items.filter(({ reason }) => reason!.code === 'again').length
  await again()
  expect(await again()).toBeGreaterThanOrEqual(2)
  await expect.poll(told(again), PATIENCE).toBe(3)
})

test('following somebody changes the next ranking', async () => {
  await using world = await createWorld()
  await using feed = openSmallFeed(world)
  const [author, viewerId] = (await addAccounts(world, 2)) as [string, string]
  await addVideos(world, [{ authorId: author }])
  const reasonNow = async () => (await readForYou(feed, { viewerId })).items[0]!.reason
  expect((await reasonNow())!.code).not.toBe('following')

  await follow(world, viewerId, author)
  const tell = tellAgain(world, { kind: 'followed', accountId: viewerId, subjectId: author })

  await expect
    .poll(
      tell(async () => (await reasonNow())!.code),
      PATIENCE,
    )
    .toBe('following')
})
