/** Brings the schema up to date from the SQL files of `platform/migrations`, in the order of their names. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Db } from './client.ts'

const MIGRATIONS_DIR = join(import.meta.dirname, '..', '..', 'migrations')

/**
 * Applies what is missing, each file in its order, all under one lock, so that several processes may call it at once.
 *
 * @returns the names of the migrations applied by this call.
 * @throws when a file fails; what came before it stays applied.
 */
export const migrateToLatest = (db: Db): Promise<string[]> =>
  migrate(db, (migrator) => migrator.migrateToLatest())

/** The same up to this migration, for a database that has none later: to hold what an older version has written. */
export const migrateTo = (db: Db, name: string): Promise<string[]> =>
  migrate(db, (migrator) => migrator.migrateTo(name))

/** The names of all migrations that this version knows, in their order. */
export const listMigrations = async (): Promise<string[]> => Object.keys(await readMigrations())

async function migrate(
  db: Db,
  apply: (migrator: Migrator) => ReturnType<Migrator['migrateToLatest']>,
): Promise<string[]> {
  const { error, results } = await apply(
    new Migrator({
      db,
      provider: { getMigrations: readMigrations },
      migrationTableName: 'migration',
      migrationLockTableName: 'migration_lock',
    }),
  )
  if (error) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName
    throw new Error(`Migration ${failed ?? '(before the first)'} failed. The data is as it was before it.`, {
      cause: error,
    })
  }
  return (results ?? []).map((result) => result.migrationName)
}

async function readMigrations() {
  const names = (await readdir(MIGRATIONS_DIR)).filter((name) => name.endsWith('.sql')).sort()
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => {
        const text = await readFile(join(MIGRATIONS_DIR, name), 'utf8')
        return [
          name.replace(/\.sql$/, ''),
          { up: async (db: Db) => void (await sql.raw(text).execute(db)) },
        ] as const
      }),
    ),
  )
}
