/** The instance of a data folder, whether it runs or not: its database, and the right to change what lies there. */
import { v7 as uuidv7 } from 'uuid'
import { createLog, type Log } from '../kit/log.ts'
import type { Config } from '../platform/app/config.ts'
import { openDiskBlobs } from '../platform/infra/blobs/index.ts'
import { openDatabase } from '../platform/infra/db/index.ts'
import { findPostgresAddress } from '../platform/infra/postgres/address.ts'
import { startPostgres } from '../platform/infra/postgres/index.ts'
import type { BackupSource } from '../platform/modules/backups/index.ts'
import { systemClock } from '../kit/clock.ts'
import { lockDataDir } from '../platform/supervisor/lock.ts'

const postgresDirOf = (config: Config) => `${config.dataDir}/postgres`

/** A command has its own words for the person who gave it. */
export const commandLog = (): Log => createLog({ level: 'silent', base: { role: 'cli' } })

/** Where the instance's database is; null: it is the embedded one, and does not run. Starts nothing. */
export async function findDatabaseUrl(config: Config): Promise<string | null> {
  return config.database.url ?? findPostgresAddress(postgresDirOf(config))
}

/**
 * Opens the instance for a backup. When it does not run, its PostgreSQL is started for as long as that takes.
 *
 * @throws {AlreadyRunningError} when another program is just starting it.
 */
export async function openInstance(given: Config): Promise<AsyncDisposable & { source: BackupSource }> {
  await using stack = new AsyncDisposableStack()
  const log = commandLog()
  let url = await findDatabaseUrl(given)
  if (url === null) {
    stack.use(await lockDataDir(given.dataDir))
    const postgres = stack.use(await startPostgres({ dataDir: postgresDirOf(given), log }))
    url = postgres.url
  }
  const config: Config = { ...given, database: { ...given.database, url } }
  const { db } = stack.use(
    openDatabase({
      url,
      poolSize: 3,
      applicationName: 'upbeat-cli',
      onError: (error) => log.warn({ err: error }, 'database connection'),
    }),
  )
  const owned = stack.move()
  return {
    source: {
      ...{ config, db, log, clock: systemClock, newId: () => uuidv7() },
      blobs: await openDiskBlobs(config.paths.blobs),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
