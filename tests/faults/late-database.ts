/** The database is not there when everything starts, and comes later. */
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { findFreePort } from '../../kit/free-port.ts'
import { createLog } from '../../kit/log.ts'
import { startPostgres } from '../../platform/infra/postgres/index.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { startProduct } from '../support/product.ts'
import { makeTemporaryDir } from '../support/temporary-dir.ts'
import { signUp } from './client.ts'
import { allowedMs, secondsSince, type Report } from './report.ts'

const AWAY_MS = 3_000
const SERVICE_MS = 15_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const log = createLog({ level: 'silent', base: {} })
  await using postgres = await startPostgres({ dataDir: join(dir.path, 'elsewhere'), log })
  const databaseUrl = new URL(postgres.url)
  await using proxy = await startFaultProxy({ targetPort: Number(databaseUrl.port) })
  databaseUrl.port = String(proxy.port)
  proxy.refuse()

  const port = await findFreePort()
  const starting = startProduct({
    dataDir: join(dir.path, 'data'),
    port,
    env: { DATABASE_URL: databaseUrl.href },
  })
  starting.catch(() => {})
  // A connection waits at the front door for ten seconds, so this one sees the database come.
  const early = (async () => {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null)
      if (response) return response.status
      await sleep(50)
    }
  })()
  await sleep(AWAY_MS)
  const [sinceMs, limitMs] = [performance.now(), allowedMs(SERVICE_MS)]
  proxy.admit()

  await using product = await starting
  const tookMs = performance.now() - sinceMs
  report.promise(
    'a start without its database waits for it, and says so',
    /is not answering\. Upbeat goes on as soon as it does/.test(product.told()),
  )
  report.promise(
    `full service within ${Math.round(limitMs / 1_000)} s after the database came`,
    tookMs < limitMs,
    secondsSince(sinceMs),
  )
  const status = await early
  report.promise(
    'who came before the database is served or told to come back',
    [200, 503].includes(status),
    String(status),
  )
  report.promise('people can act then', Boolean((await signUp(product.url)).handle))
}
