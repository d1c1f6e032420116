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
export async function migrateToLatest(db: Db): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: readMigrations },
    migrationTableName: 'migration',
    migrationLockTableName: 'migration_lock',
  })
  const { error, results } = await migrator.migrateToLatest()
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
