/** The database's schema, brought up to date before a role needs it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../kit/log.ts'
import {
  isDatabaseUnavailable,
  migrateToLatest,
  openDatabase,
  openGuard,
  whenUp,
  type DatabaseGuard,
} from '../infra/db/index.ts'

/** After a database that was there has gone in the middle. */
const RETRY_INTERVAL_MS = 1_000
/** A migration may rewrite a large table. */
const STATEMENT_TIMEOUT_MS = 3_600_000

/**
 * Applies the migrations that are missing, waiting for a database that does not answer yet.
 *
 * @returns the names of those applied.
 * @throws when one fails; what came before it stays applied.
 */
export async function bringSchemaUpToDate(options: {
  url: string
  log: Log
  tell: (line: string) => void
  signal: AbortSignal
}): Promise<string[]> {
  const { url, log, tell, signal } = options
  await using guard = openGuard({ url, onError: (error) => log.warn({ err: error }, 'schema.guard') })
  await guard.settled()
  for (let attempt = 1; ; attempt++) {
    if (!guard.isUp && attempt === 1)
      tell(`  … ${new URL(url).host} is not answering. Upbeat goes on as soon as it does.`)
    await whenUp(guard, signal)
    try {
      const applied = await migrate(url, log, guard)
      if (applied.length > 0) log.info({ applied }, 'schema.migrated')
      return applied
    } catch (error) {
      if (!isDatabaseUnavailable((error as Error).cause ?? error)) throw error
      log.warn({ err: error, attempt }, 'schema.database-unavailable')
      await sleep(RETRY_INTERVAL_MS, undefined, { signal })
    }
  }
}

async function migrate(url: string, log: Log, guard: DatabaseGuard): Promise<string[]> {
  await using database = openDatabase({
    url,
    poolSize: 1,
    applicationName: 'upbeat-migrate',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'schema.connection'),
    guard,
  })
  // Awaited here: the database is closed when this function is left.
  return await migrateToLatest(database.db)
}
