import { expect, test } from 'vitest'
import type { DomainEvent } from '../../../contract/events.ts'
import { POPULARITY_HALF_LIFE_MS } from '../../../engines/for-you/index.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { addAccounts, addVideos, openSmallFeed, readForYou } from './feed.fixtures.ts'
import { foldSignals } from './feed.jobs.ts'

const viewed = (
  videoId: string,
  watched: { watchedMs: number; completions?: number },
  isCounted = true,
): DomainEvent => ({
  kind: 'viewed',
  accountId: null,
  videoId,
  watchedMs: watched.watchedMs,
  completions: watched.completions ?? 0,
  isCounted,
})

const view = (
  world: World,
  videoId: string,
  watched: { watchedMs: number; completions?: number },
  isCounted = true,
) => inTransaction(world.ctx, (tx) => world.ctx.events.append(tx, viewed(videoId, watched, isCounted)))

async function signalOf(world: World, videoId: string) {
  const row = await world.ctx.db
    .selectFrom('feed_signal')
    .selectAll()
    .where('video_id', '=', videoId)
    .executeTakeFirst()
  return row && { views: row.views, completion: row.completion, heat: row.heat }
}

test('counted views are folded once, halved after the half-life, and ordered by heat', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  const [author] = (await addAccounts(world, 1)) as [string]
  const [video, other] = (await addVideos(world, [{ authorId: author }, { authorId: author }])) as [
    string,
    string,
  ]

  // Ten seconds long: one watched to the end, one to a half, one too short to count.
  await view(world, video, { watchedMs: 10_000, completions: 1 })
  await view(world, video, { watchedMs: 5_000 })
  await view(world, video, { watchedMs: 500 }, false)
  expect(await foldSignals(world.ctx)).toBe(false)
  expect(await foldSignals(world.ctx)).toBe(false)
  expect(await signalOf(world, video)).toMatchObject({ views: 2, completion: 1.5 })
  expect(await signalOf(world, other)).toBeUndefined()

  clock.advance(POPULARITY_HALF_LIFE_MS)
  await view(world, video, { watchedMs: 10_000, completions: 2 })
  await view(world, other, { watchedMs: 10_000, completions: 1 })
  await foldSignals(world.ctx)
  const folded = (await signalOf(world, video))!
  expect(folded.views).toBeCloseTo(2, 2)
  expect(folded.completion).toBeCloseTo(1.75, 2)
  expect(folded.heat - (await signalOf(world, other))!.heat).toBeCloseTo(1, 2)
})

test('a view whose transaction commits late is folded all the same, and those after it only once', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  const [author] = (await addAccounts(world, 1)) as [string]
  const [video] = (await addVideos(world, [{ authorId: author }])) as [string]

  await inTransaction(world.ctx, async (late) => {
    await world.ctx.events.append(late, viewed(video, { watchedMs: 10_000 }))
    clock.advance(1)
    await view(world, video, { watchedMs: 10_000 })
    clock.advance(60_000)
    await foldSignals(world.ctx)
    expect(await signalOf(world, video)).toMatchObject({ views: 1 })
  })
  await foldSignals(world.ctx)
  await foldSignals(world.ctx)

  expect((await signalOf(world, video))!.views).toBeCloseTo(2, 2)
})

test('two processes that fold at once count nothing twice', async () => {
  await using world = await createWorld({ clock: createFakeClock(new Date()) })
  const [author] = (await addAccounts(world, 1)) as [string]
  const [video] = (await addVideos(world, [{ authorId: author }])) as [string]
  for (let n = 0; n < 20; n++) await view(world, video, { watchedMs: 10_000 })

  await Promise.all(Array.from({ length: 4 }, () => foldSignals(world.ctx)))

  expect((await signalOf(world, video))!.views).toBeCloseTo(20, 2)
})

test('what is watched to the end by many is ranked as popular', async () => {
  const clock = createFakeClock(new Date())
  await using world = await createWorld({ clock })
  const [author] = (await addAccounts(world, 1)) as [string]
  const [loved] = (await addVideos(
    world,
    ['loved', 'ignored'].map((caption) => ({
      authorId: author,
      caption,
      publishedAt: new Date(clock.now().getTime() - 30 * 86_400_000),
    })),
  )) as [string]
  for (let n = 0; n < 40; n++) await view(world, loved, { watchedMs: 10_000, completions: 1 })
  await foldSignals(world.ctx)

  await using feed = openSmallFeed(world)
  expect((await readForYou(feed)).items[0]).toMatchObject({ id: loved, reason: { code: 'popular' } })
})
