import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, inject, test } from 'vitest'
import { createLog } from '../../../kit/log.ts'
import { listWorkingIn, sendSignal } from '../../../kit/processes.ts'
import { startFaultProxy } from '../../../tests/support/fault-proxy.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { startPostgres } from '../postgres/index.ts'
import { isDatabaseUnavailable, listMigrations, openDatabase, openGuard } from './index.ts'

const onError = (error: Error) => console.error(error)

/** A guard and a pool whose way to the suite's server can be troubled. */
async function openWorld({ migrations = [] as string[], poolSize = 3 } = {}) {
  await using stack = new AsyncDisposableStack()
  const url = new URL(inject('databaseUrl'))
  url.pathname = '/postgres'
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(url.port) }))
  url.port = String(proxy.port)
  const guard = stack.use(openGuard({ url: url.href, migrations, onError }))
  const database = stack.use(
    openDatabase({ url: url.href, poolSize, applicationName: 'guarded', onError: () => {}, guard }),
  )
  const changes: boolean[] = []
  guard.onChange((isUp) => changes.push(isUp))
  await guard.settled()
  const owned = stack.move()
  const ask = () => sql`select 1`.execute(database.db)
  return { guard, database, proxy, changes, ask, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (isDatabaseUnavailable(error) ? 'unavailable' : String(error)),
  )

test('a server that answers is up, and what its answers take is known', async () => {
  await using world = await openWorld()

  await world.ask()

  expect(world.guard.isUp).toBe(true)
  expect(world.guard.latencyMs).toBeGreaterThan(0)
  expect(world.guard.absence).toBeNull()
})

test('a server that refuses is away, every query fails at once, and it is back by itself', async () => {
  await using world = await openWorld()
  await world.ask()

  world.proxy.refuse()
  world.proxy.reset()
  await expect.poll(() => world.guard.absence).toBe('refused')

  expect(world.guard.latencyMs).toBeNull()
  const attempts = Array.from({ length: 20 }, () => outcomeOf(world.ask()))
  expect(await Promise.race([Promise.all(attempts), sleep(200)])).toEqual(Array(20).fill('unavailable'))

  world.proxy.admit()
  await expect.poll(() => world.guard.isUp, { timeout: 5_000 }).toBe(true)
  await world.ask()
  expect(world.changes).toEqual([false, true])
})

test('a link that went dead ends what waits over it, in the queue before it, and in transactions', async () => {
  await using world = await openWorld({ poolSize: 2 })
  const asked = Array.from({ length: 6 }, () =>
    outcomeOf(sql`select pg_sleep(60)`.execute(world.database.db)),
  )
  await sleep(50)
  world.proxy.freeze()

  const outcomes = await Promise.race([Promise.all(asked), sleep(5_000)])

  expect(outcomes).toEqual(Array(6).fill('unavailable'))
  expect(world.guard.absence).toBe('silent')
  expect(world.database.pool.totalCount).toBe(0)
  world.proxy.thaw()
  await expect.poll(() => world.guard.isUp, { timeout: 5_000 }).toBe(true)
  await world.ask()
})

test('a slow server is not away: what its answers take is told', async () => {
  await using world = await openWorld()
  for (const latencyMs of [10, 40, 80, 160]) {
    world.proxy.setFaults({ down: { latencyMs } })
    await expect.poll(() => world.guard.latencyMs, { timeout: 5_000 }).toBeGreaterThan(latencyMs * 0.8)
  }

  expect(await outcomeOf(world.ask())).toBe('answered')
  expect(world.changes).toEqual([])
})

test('a connection of the guard that ends does not make the database count as away', async () => {
  await using world = await openWorld()
  const terminated = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'upbeat-guard' and pid <> pg_backend_pid()`.execute(world.database.db)
  expect(terminated.rows.length).toBeGreaterThan(0)

  await sleep(300)

  expect(world.changes).toEqual([])
})

test('a database whose schema is older than this version’s is away until it is brought up to date', async () => {
  await using world = await openWorld({ migrations: await listMigrations() })

  expect(world.guard.absence).toBe('schema')
  expect(await outcomeOf(world.ask())).toBe('unavailable')
})

test('closing it leaves no connection and no timer, whether the server answers or not', async () => {
  for (const trouble of ['none', 'frozen', 'refused'] as const) {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const world = await openWorld()
    await world.ask()
    if (trouble === 'frozen') world.proxy.freeze()
    if (trouble === 'refused') world.proxy.refuse()
    await sleep(50)
    await world[Symbol.asyncDispose]()
    await expect.poll(() => world.proxy.connectionCount).toBe(0)
    expect(timers()).toBeLessThanOrEqual(before)
  }
})

test('a server that was stopped in its tracks is away, and back soon after it goes on', async () => {
  await using dir = await makeTemporaryDir()
  const log = createLog({ level: 'silent', base: {} })
  await using postgres = await startPostgres({ dataDir: dir.path, log })
  await using guard = openGuard({ url: postgres.url, onError })
  await using database = openDatabase({
    url: postgres.url,
    poolSize: 2,
    applicationName: 'guarded',
    onError: () => {},
    guard,
  })
  await guard.settled()
  await sql`select 1`.execute(database.db)
  const pids = await listWorkingIn(join(dir.path, 'cluster'))

  for (const pid of pids) sendSignal(pid, 'SIGSTOP')
  try {
    expect(await outcomeOf(sql`select 1`.execute(database.db))).toBe('unavailable')
    expect(guard.absence).toBe('silent')
  } finally {
    for (const pid of pids) sendSignal(pid, 'SIGCONT')
  }

  await expect.poll(() => guard.isUp, { timeout: 5_000 }).toBe(true)
  expect(await outcomeOf(sql`select 1`.execute(database.db))).toBe('answered')
})
