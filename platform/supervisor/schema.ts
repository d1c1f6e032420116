/** The database's schema, brought up to date before a role needs it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../kit/log.ts'
import { isDatabaseUnavailable, migrateToLatest, openDatabase } from '../infra/db/index.ts'

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
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      const applied = await migrate(url, log)
      if (applied.length > 0) log.info({ applied }, 'schema.migrated')
      return applied
    } catch (error) {
      if (!isDatabaseUnavailable((error as Error).cause ?? error)) throw error
      if (attempt === 1) tell(`  … ${new URL(url).host} is not answering. Upbeat goes on as soon as it does.`)
      log.warn({ err: error, attempt }, 'schema.database-unavailable')
      await sleep(RETRY_INTERVAL_MS, undefined, { signal })
    }
  }
}

async function migrate(url: string, log: Log): Promise<string[]> {
  await using database = openDatabase({
    url,
    poolSize: 1,
    applicationName: 'upbeat-migrate',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError: (error) => log.warn({ err: error }, 'schema.connection'),
  })
  // Awaited here: the database is closed when this function is left.
  return await migrateToLatest(database.db)
}
