import pg from 'pg'
import { expect, test } from 'vitest'
import { Door, inScopeOf, Scope } from '../../../kit/admission/index.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { openDatabase } from './client.ts'

async function open(options: { poolSize: number; waitMs?: number }) {
  const { poolSize, waitMs = 60_000 } = options
  const world = await createWorld()
  const door = new Door({ name: 'database', initial: poolSize, max: poolSize, isCutting: false, waitMs })
  const database = openDatabase({
    url: world.databaseUrl,
    poolSize,
    applicationName: 'guarded-pool-test',
    onError: () => {},
    door,
  })
  return {
    door,
    pool: database.pool,
    url: world.databaseUrl,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

const scopeOf = (level: 0 | 1 | 2 | 3) => new Scope(level, Infinity, true)

test('a free connection goes to the most important of those who wait', async () => {
  await using s = await open({ poolSize: 1 })
  const held = await s.pool.connect()
  const order: number[] = []
  const asked = ([3, 2, 1] as const).map((level) =>
    inScopeOf(scopeOf(level), () => s.pool.query('select 1')).then(() => order.push(level)),
  )
  await expect.poll(() => s.door.gate.waiting).toBe(3)

  held.release()
  await Promise.all(asked)

  expect(order).toEqual([1, 2, 3])
  expect(s.door.gate.inFlight).toBe(0)
})

test('a statement is cancelled in PostgreSQL when nobody waits for it any more, and its connection serves on', async () => {
  await using s = await open({ poolSize: 1 })
  const scope = scopeOf(2)
  const sleeping = inScopeOf(scope, () => s.pool.query('select pg_sleep(600)'))
  await expect.poll(() => s.door.gate.inFlight).toBe(1)
  // Only what has reached PostgreSQL can be cancelled there.
  await using watcher = await openClient(s.url)
  await expect.poll(() => watcher.countSleeping()).toBe(1)

  scope.giveUp()

  await expect(sleeping).rejects.toMatchObject({ code: '57014' })
  const { rows } = await s.pool.query('select 1 as one')
  expect(rows).toEqual([{ one: 1 }])
  expect(s.pool.totalCount).toBe(1)
})

test('what is shared with other requests goes on', async () => {
  await using s = await open({ poolSize: 1 })
  const scope = new Scope(2, Infinity, false)
  const shared = inScopeOf(scope, () => s.pool.query('select pg_sleep(0.2), 7 as seven'))
  scope.giveUp()
  expect((await shared).rows[0]).toMatchObject({ seven: 7 })
})

test('who waits for a connection and goes away leaves the line; who waits for too long is told', async () => {
  await using s = await open({ poolSize: 1, waitMs: 40 })
  const held = await s.pool.connect()
  const scope = scopeOf(2)
  const gone = inScopeOf(scope, () => s.pool.query('select 1'))
  const late = inScopeOf(scopeOf(2), () => s.pool.query('select 1'))
  scope.giveUp()
  await expect(gone).rejects.toThrow('The client has gone away.')
  await expect(late).rejects.toMatchObject({ at: 'database', class: 2 })
  held.release()
})

test('a pool that can not connect gives the place back', async () => {
  const door = new Door({ name: 'database', initial: 1, isCutting: false })
  await using database = openDatabase({
    url: 'postgres://nobody@127.0.0.1:1/none',
    poolSize: 1,
    applicationName: 'guarded-pool-test',
    onError: () => {},
    door,
  })
  await expect(database.pool.query('select 1')).rejects.toThrow(/ECONNREFUSED/)
  expect(door.gate.inFlight).toBe(0)
})

async function openClient(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return {
    async countSleeping() {
      const { rows } = await client.query(
        `select count(*)::int as n from pg_stat_activity
         where application_name = 'guarded-pool-test' and datname = current_database() and wait_event = 'PgSleep'`,
      )
      return (rows[0] as { n: number }).n
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
