import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { LIVE_CHANNEL } from '../../app/live.ts'
import { inTransaction } from '../../infra/db/index.ts'
import {
  likeVideo,
  recordViews,
  saveVideo,
  shareVideo,
  unlikeVideo,
  unsaveVideo,
} from '../reactions/index.ts'
import * as queries from './counters.queries.ts'
import { EVENTS_KEPT_MS, foldAll, foldOnce, pruneOldEvents, recountNext, startCounterJobs } from './index.ts'

const counterOf = (world: World, videoId: string) =>
  world.ctx.db
    .selectFrom('video_counter')
    .selectAll()
    .where('video_id', '=', videoId)
    .executeTakeFirstOrThrow()
const unfolded = async (world: World) =>
  (await world.ctx.db.selectFrom('event').select('id').where('folded_at', 'is', null).execute()).length

/** What the rows say. */
async function countTruth(world: World, videoId: string) {
  const count = async (table: 'video_like' | 'video_save' | 'video_share') =>
    (await world.ctx.db.selectFrom(table).select('video_id').where('video_id', '=', videoId).execute()).length
  const viewed = await world.ctx.db
    .selectFrom('video_view')
    .select(['watched_ms', 'completions'])
    .where('video_id', '=', videoId)
    .where('watched_ms', '>=', 2000)
    .execute()
  return {
    likes: await count('video_like'),
    saves: await count('video_save'),
    shares: await count('video_share'),
    comments: 0,
    views: viewed.length,
    watched_ms: viewed.reduce((sum, row) => sum + row.watched_ms, 0),
    completions: viewed.reduce((sum, row) => sum + row.completions, 0),
  }
}

type Step =
  | { do: 'like' | 'unlike' | 'save' | 'unsave' | 'share'; fan: number }
  | { do: 'view'; fan: number; watchedMs: number; completions: number }
  | { do: 'fold'; limit: number }
  | { do: 'fold and die' | 'recount' }

const fan = fc.integer({ min: 0, max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('like', 'unlike', 'save', 'unsave', 'share'), fan }),
  fc.record({
    do: fc.constant('view' as const),
    fan,
    watchedMs: fc.integer({ min: 0, max: 5000 }),
    completions: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({ do: fc.constant('fold' as const), limit: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constantFrom('fold and die', 'recount') }),
)

test('whatever happens at once and wherever folding dies, the counters end as the truth', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  const { ctx } = world
  const owner = await world.account()
  const fans = [await world.account(), await world.account(), await world.account()]
  const perform = async (videoId: string, one: Step): Promise<unknown> => {
    const who = 'fan' in one ? { viewerId: fans[one.fan]!.id, videoId } : { viewerId: '', videoId }
    const viewer = { accountId: who.viewerId, browserId: null }
    switch (one.do) {
      case 'like':
        return likeVideo(ctx, who)
      case 'unlike':
        return unlikeVideo(ctx, who)
      case 'save':
        return saveVideo(ctx, who)
      case 'unsave':
        return unsaveVideo(ctx, who)
      case 'share':
        return shareVideo(ctx, { sharer: viewer, videoId, origin: '' })
      case 'view':
        return recordViews(ctx, { viewer, reports: [{ ...one, videoId, key: videoId, source: 'video' }] })
      case 'fold':
        return foldOnce(ctx, one.limit)
      case 'fold and die':
        return inTransaction(ctx, async (tx) => {
          await queries.foldEvents(tx, { limit: 100, at: ctx.clock.now() })
          throw new Error('killed before the commit')
        }).catch(() => {})
      case 'recount':
        return recountNext(ctx, { after: null, limit: 1000 })
    }
  }

  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 8 }), async (rounds) => {
      const videoId = await makeVideo(world, owner.id)
      for (const round of rounds) await Promise.all(round.map((one) => perform(videoId, one)))
      const truth = await countTruth(world, videoId)
      await foldAll(ctx)
      expect(await counterOf(world, videoId)).toMatchObject(truth)
      expect(await unfolded(world)).toBe(0)
      expect(await recountNext(ctx, { after: null, limit: 1000 })).toEqual({ mended: 0, next: null })
    }),
    { numRuns: 25 },
  )
})

test('an event that commits after later ones were folded is folded all the same', async () => {
  await using world = await createWorld()
  const [owner, early, late] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const begun = Promise.withResolvers<void>()
  const mayCommit = Promise.withResolvers<void>()
  const slow = inTransaction(world.ctx, async (tx) => {
    await world.ctx.events.append(tx, { kind: 'liked', accountId: early.id, videoId })
    begun.resolve()
    await mayCommit.promise
  })
  await begun.promise
  await likeVideo(world.ctx, { viewerId: late.id, videoId })
  await foldAll(world.ctx)
  expect((await counterOf(world, videoId)).likes).toBe(1)

  mayCommit.resolve()
  await slow
  await foldAll(world.ctx)

  expect((await counterOf(world, videoId)).likes).toBe(2)
})

test('while one process folds, another leaves it alone; afterwards nothing is counted twice', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  await likeVideo(world.ctx, { viewerId: fan.id, videoId })

  await inTransaction(world.ctx, async (tx) => {
    expect(await queries.tryLockFolding(tx)).toBe(true)
    expect(await foldOnce(world.ctx)).toBeNull()
  })
  await Promise.all([foldAll(world.ctx), foldAll(world.ctx), foldAll(world.ctx)])
  await foldAll(world.ctx)

  expect((await counterOf(world, videoId)).likes).toBe(1)
})

test('each fold tells live listeners the counts of the videos that changed, with their age', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const [owner, fan] = [await world.account(), await world.account()]
  const [liked, untouched] = [await makeVideo(world, owner.id), await makeVideo(world, owner.id)]
  await foldAll(world.ctx)
  const heard: unknown[] = []
  world.ctx.listener.on(LIVE_CHANNEL, (message) => heard.push(message))
  await world.ctx.listener.settled()
  await likeVideo(world.ctx, { viewerId: fan.id, videoId: liked })
  clock.advance(700)
  await foldAll(world.ctx)

  const counts = { views: 0, likes: 1, comments: 0, saves: 0, shares: 0, asOf: clock.now().toISOString() }
  await expect
    .poll(() => heard.filter((message) => (message as { topic: string }).topic.startsWith('video:')))
    .toEqual([{ topic: `video:${liked}`, update: { kind: 'counts', videoId: liked, counts } }])
  expect((await counterOf(world, untouched)).likes).toBe(0)
})

test('drift is found and mended by a walk in bounded steps', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videos = await Promise.all(Array.from({ length: 5 }, () => makeVideo(world, owner.id)))
  for (const videoId of videos) await likeVideo(world.ctx, { viewerId: fan.id, videoId })
  await foldAll(world.ctx)
  await likeVideo(world.ctx, { viewerId: owner.id, videoId: videos[0]! })
  await world.ctx.db.updateTable('video_counter').set({ likes: 99, views: -3 }).execute()

  let mended = 0
  let steps = 0
  for (let after: string | null = null; ; steps++) {
    const step: { mended: number; next: string | null } = await recountNext(world.ctx, { after, limit: 2 })
    mended += step.mended
    after = step.next
    if (after === null) break
  }
  expect({ mended, steps }).toEqual({ mended: 5, steps: 2 })
  expect(await counterOf(world, videos[0]!)).toMatchObject({ likes: 1, views: 0 })

  await foldAll(world.ctx)
  expect(await counterOf(world, videos[0]!)).toMatchObject({ likes: 2, views: 0 })
})

test('folded events older than the limit are pruned; younger ones, and unfolded ones of any age, stay', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  await foldAll(world.ctx)
  clock.advance(1)
  await likeVideo(world.ctx, { viewerId: fan.id, videoId })

  clock.advance(EVENTS_KEPT_MS)
  const before = (await world.ctx.db.selectFrom('event').select('id').execute()).length
  expect(await pruneOldEvents(world.ctx)).toBe(before - 1)
  clock.advance(1)
  expect(await pruneOldEvents(world.ctx)).toBe(0)
  await foldAll(world.ctx)
  expect(await pruneOldEvents(world.ctx)).toBe(1)
  expect((await counterOf(world, videoId)).likes).toBe(1)
})

test('the loops fold by themselves and end with their disposal', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  {
    await using _jobs = startCounterJobs(world.ctx)
    await likeVideo(world.ctx, { viewerId: fan.id, videoId })
    await expect.poll(async () => (await counterOf(world, videoId)).likes, { timeout: 20_000 }).toBe(1)
  }
  await unlikeVideo(world.ctx, { viewerId: fan.id, videoId })
  expect(await unfolded(world)).toBe(1)
})
