/** The database out of a backup: the schema as it was then, its rows, and then what this version has changed since. */
import { AppError } from '../../../app/errors.ts'
import { listMigrations, migrateTo, migrateToLatest, openDatabase } from '../../../infra/db/index.ts'
import { loadTables, LoadMismatchError } from '../../../infra/db/dump/index.ts'
import { JOB_TABLES, openJobs } from '../../../infra/jobs/index.ts'
import type { BackedUpTable } from '../kept/backup-manifest.ts'
import type { OpenBackup } from '../kept/read-backup.ts'

/** A migration may rewrite a large table. */
const STATEMENT_TIMEOUT_MS = 3_600_000
const JOBS_SCHEMA = JOB_TABLES[0].schema

export interface RestoredDatabase {
  readonly tables: number
  readonly rows: number
  /** Migrations that this version has applied to what the backup held. */
  readonly migrated: readonly string[]
  /** Tables that have no place in this version, and why that is no loss. */
  readonly leftOut: readonly string[]
}

/**
 * Fills an empty database.
 *
 * @throws {AppError} backup-newer when the schema is one that this version does not know; backup-damaged.
 */
export async function restoreDatabase(
  backup: OpenBackup,
  options: {
    readonly url: string
    readonly signal: AbortSignal
    readonly onError: (error: Error) => void
    readonly onTable?: (done: number, total: number) => void
  },
): Promise<RestoredDatabase> {
  const { url, signal, onError, onTable } = options
  const { manifest } = backup
  await requireKnownSchema(backup)
  await using database = openDatabase({
    url,
    poolSize: 1,
    applicationName: 'upbeat-restore',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    onError,
  })
  await migrateTo(database.db, manifest.migrations.at(-1)!)
  signal.throwIfAborted()
  {
    // pg-boss makes its schema by itself.
    await using _jobs = await openJobs({ url, isWorker: false, onError })
  }
  let done = 0
  const leftOut = await loadTables({
    url,
    signal,
    tables: manifest.tables.map((table) => ({
      ...table,
      expected: table,
      isOptional: table.schema === JOBS_SCHEMA,
    })),
    sequences: manifest.sequences,
    open: (table) => backup.readTable(tableOf(backup, table)),
    onTable: () => onTable?.(++done, manifest.tables.length),
  }).catch((cause: unknown) => {
    throw cause instanceof LoadMismatchError
      ? new AppError('backup-damaged', { detail: cause.message, cause })
      : cause
  })
  return {
    tables: manifest.tables.length - leftOut.length,
    rows: manifest.tables.filter((it) => !leftOut.some(isTable(it))).reduce((sum, { rows }) => sum + rows, 0),
    migrated: await migrateToLatest(database.db),
    leftOut: leftOut.map(({ schema, name }) => `${schema}.${name}`),
  }
}

const isTable =
  ({ schema, name }: { readonly schema: string; readonly name: string }) =>
  (other: { readonly schema: string; readonly name: string }) =>
    other.schema === schema && other.name === name

function tableOf({ manifest }: OpenBackup, table: { schema: string; name: string }): BackedUpTable {
  return manifest.tables.find(isTable(table))!
}

async function requireKnownSchema({ folder, manifest }: OpenBackup): Promise<void> {
  const known = new Set(await listMigrations())
  const unknown = manifest.migrations.filter((name) => !known.has(name))
  if (unknown.length === 0 && manifest.migrations.length > 0) return
  throw new AppError('backup-newer', {
    detail:
      `${folder} was made by Upbeat ${manifest.upbeatVersion}, ` +
      `whose database has what this version does not know: ${unknown.join(', ') || 'no migrations at all'}.`,
  })
}
