import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { responseTimesOf } from '../../incidents/index.ts'
import { createWatchWorld } from '../../pages/world.fixtures.ts'
import type { CheckResult } from './check-result.ts'
import { createResponseBook } from './response-book.ts'

const MINUTE_MS = 60_000
const result = (durationMs: number): CheckResult => ({
  outcome: 'ok',
  failure: null,
  detail: '',
  durationMs,
  phases: {},
})

/** A disk that refuses the slots, with a world whose clock stands at the beginning of one. */
async function openWorld() {
  const world = await createWatchWorld()
  const { ctx, clock } = world
  clock.advance(5 * MINUTE_MS - (ctx.clock.now().getTime() % (5 * MINUTE_MS)))
  const db = new DatabaseSync(join(ctx.config.dataDir, 'watch.sqlite'), { timeout: 5_000 })
  // RAISE(FAIL) keeps what the trigger did before: its row shows that something was refused.
  db.exec(`create trigger refuse before insert on response_bucket begin
    insert into kept (name, value, at_ms) values ('refused ' || random(), '', 0); select raise(fail, 'refused'); end`)
  const refusals = () => Number(db.prepare('select count(*) as n from kept').get()!['n'])
  return {
    ...world,
    refused: async () => {
      await expect.poll(refusals).toBeGreaterThan(0)
    },
    heal: () => db.exec('drop trigger refuse'),
    times: () => responseTimesOf(ctx, { serviceId: 'upbeat', featureIds: ['feed'] }).get('feed')!,
    async [Symbol.asyncDispose]() {
      db.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

test('a slot that the disk refused is written once it takes it, with the late checks that came since', async () => {
  await using world = await openWorld()
  const { ctx, clock } = world
  await using book = createResponseBook(ctx, 1)
  const atMs = ctx.clock.now().getTime()
  book.note('upbeat', ['feed'], atMs, result(20))
  clock.advance(6 * MINUTE_MS)
  await world.refused()
  book.note('upbeat', ['feed'], atMs, result(40))
  expect(world.times()).toEqual([])

  world.heal()

  await expect.poll(() => world.times().reduce((sum, { checks }) => sum + checks, 0)).toBe(2)
})

test('a disk that refuses for more than an hour costs the oldest slots, and no memory', async () => {
  await using world = await openWorld()
  const { ctx, clock } = world
  await using book = createResponseBook(ctx, 1)
  const atMs = ctx.clock.now().getTime()
  book.note('upbeat', ['feed'], atMs, result(20))
  clock.advance(66 * MINUTE_MS)
  await world.refused()
  book.note('upbeat', ['feed'], ctx.clock.now().getTime() - 6 * MINUTE_MS, result(40))

  world.heal()

  await expect.poll(() => world.times().map((time) => time.p50Ms)).toEqual([40])
})
