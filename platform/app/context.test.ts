import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startFaultProxy } from '../../tests/support/fault-proxy.ts'
import { createWorld } from '../../tests/support/world.ts'
import { openContext } from './context.ts'

/** Silence is a verdict after a second or two. Without a bound it never ended. */
const CLOSED_WITHIN_MS = 6_000

test.concurrent.each([
  { role: 'api', afterMs: 0 },
  { role: 'worker', afterMs: 0 },
  { role: 'worker', afterMs: 900 },
])('$role closes soon, $afterMs ms after its database has gone silent', async ({ role, afterMs }) => {
  await using world = await createWorld()
  const url = new URL(world.databaseUrl)
  await using proxy = await startFaultProxy({ targetPort: Number(url.port) })
  url.port = String(proxy.port)
  const config = { ...world.config, database: { ...world.config.database, url: url.href } }
  const opened = await openContext({ config, role, isWorker: role === 'worker' })
  await opened.ctx.listener.settled()
  await opened.ctx.jobs.work({ name: 'numbers' }, {}, async () => {})
  await Promise.all(Array.from({ length: 3 }, () => opened.ctx.pool.query('select pg_sleep(0.05)')))
  proxy.freeze()
  const asked = opened.ctx.pool.query('select 1').catch((error: Error) => error.message)
  await sleep(afterMs)

  const beganMs = performance.now()
  await opened[Symbol.asyncDispose]()

  expect(performance.now() - beganMs).toBeLessThan(CLOSED_WITHIN_MS)
  expect(await asked).toMatch(/away/)
})
