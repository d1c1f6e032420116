/** SQL of backups: since when there is something to lose. */
import { sql } from 'kysely'
import type { Db } from '../../infra/db/index.ts'

/** When the instance's database was made. */
export async function findBirth(db: Db): Promise<Date | null> {
  const { rows } = await sql<{ at: string | null }>`select min(timestamp) as at from migration`.execute(db)
  return rows[0]?.at ? new Date(rows[0].at) : null
}
