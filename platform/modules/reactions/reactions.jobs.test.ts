import { expect, test } from 'vitest'
import { VIEW_MIN_WATCHED_MS } from '../../../contract/videos.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { foldAll, recountNext } from '../counters/index.ts'
import { recordViews } from './index.ts'
import { pruneOldViews, VIEWS_KEPT_MS } from './reactions.jobs.ts'

const HOUR_MS = 3_600_000

const watch = (world: World, browserId: string, videoId: string, watchedMs: number) =>
  recordViews(world.ctx, {
    viewer: { accountId: null, browserId },
    reports: [{ videoId, key: world.ctx.newId(), watchedMs, completions: 1, source: 'video' }],
  })

const counterOf = (world: World, videoId: string) =>
  world.ctx.db
    .selectFrom('video_counter')
    .select(['views', 'watched_ms', 'completions'])
    .where('video_id', '=', videoId)
    .executeTakeFirstOrThrow()

test('views are forgotten at their age, not before; the counts keep them, also when they are counted anew', async () => {
  // On the hour, which is what is kept of the time.
  const clock = createFakeClock(new Date('2026-01-01T00:00:00Z'))
  await using world = await createWorld({ clock })
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  await watch(world, 'a', videoId, 5_000)
  await watch(world, 'b', videoId, VIEW_MIN_WATCHED_MS - 1)
  clock.advance(HOUR_MS)
  await watch(world, 'a', videoId, 7_000)
  await foldAll(world.ctx)
  const before = await counterOf(world, videoId)
  expect(before).toMatchObject({ views: 2, watched_ms: 12_000, completions: 2 })

  clock.advance(VIEWS_KEPT_MS - HOUR_MS)
  expect(await pruneOldViews(world.ctx)).toBe(0)
  clock.advance(1)
  expect(await pruneOldViews(world.ctx)).toBe(2)
  expect(await recountNext(world.ctx, { after: null, limit: 10 })).toMatchObject({ mended: 0 })
  clock.advance(HOUR_MS)
  expect(await pruneOldViews(world.ctx)).toBe(1)
  expect(await pruneOldViews(world.ctx)).toBe(0)

  expect(await recountNext(world.ctx, { after: null, limit: 10 })).toMatchObject({ mended: 0 })
  expect(await counterOf(world, videoId)).toEqual(before)
})
