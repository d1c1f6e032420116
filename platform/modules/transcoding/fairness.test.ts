import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { findVideo } from '../videos/index.ts'
import { startFirstPlayableLane, startImproveLane } from './index.ts'
import { requestVideo, storeVideo, until } from './transcoding.fixtures.ts'
import { askFor } from './transcoding.jobs.ts'

const UPLOADS = 20

test.each(['first-playable', 'improve'] as const)(
  'in the lane %s an account’s first video comes before another’s second, whoever asked first',
  async (lane) => {
    await using world = await createWorld()
    const { ctx } = world
    const { id: busy } = await world.account()
    for (let i = 0; i < UPLOADS; i++)
      await askFor(ctx, ctx.db, lane, await storeVideo(world, 'h264', { accountId: busy }))
    const other = await storeVideo(world, 'h264')
    await askFor(ctx, ctx.db, lane, other)

    const { rows } = await ctx.pool.query<{ key: string }>(
      'select singleton_key as key from pgboss.job where name = $1 order by priority desc, created_on, id',
      [lane],
    )
    expect(rows).toHaveLength(UPLOADS + 1)
    expect(rows.findIndex(({ key }) => key === other.videoId)).toBe(1)
  },
)

test('twenty uploads of one account do not hold up another’s first playable', async () => {
  await using world = await createWorld({ isWorker: true })
  const { id: busy } = await world.account()
  for (let i = 0; i < UPLOADS; i++) await requestVideo(world, 'h264', busy)
  const { videoId } = await requestVideo(world, 'h264')
  await using _lane = await startFirstPlayableLane(world.ctx)

  await until(async () => (await findVideo(world.ctx.db, videoId))?.generation === 1)

  const { rows } = await world.ctx.pool.query<{ count: number }>(
    'select count(*)::integer as count from video where account_id = $1 and playable_at < (select playable_at from video where id = $2)',
    [busy, videoId],
  )
  expect(rows[0]!.count).toBeLessThan(UPLOADS / 2)
})

test('while every slot of improve is taken, a new video becomes playable', async () => {
  await using world = await createWorld({ isWorker: true })
  await using _first = await startFirstPlayableLane(world.ctx)
  await using _improve = await startImproveLane(world.ctx)
  const long = await requestVideo(world, 'slow')
  const isActive = async () => {
    const found = await world.ctx.pool.query(
      `select 1 from pgboss.job where name = 'improve' and state = 'active'`,
    )
    return found.rowCount === 1
  }
  await until(isActive)

  const { videoId } = await requestVideo(world, 'h264')
  await until(async () => (await findVideo(world.ctx.db, videoId))?.generation === 1)

  expect(await findVideo(world.ctx.db, long.videoId)).toMatchObject({ generation: 1, is_complete: false })
})
