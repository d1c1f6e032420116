/** SQL of the hold on deletions. The database's clock decides: holders and deleters may be on several machines. */
import { sql } from 'kysely'
import type { Db } from '../db/index.ts'

declare module '../db/tables.ts' {
  interface Tables {
    blob_hold: { is_only: boolean; holder_id: string; held_until: Date }
    blob_deletion: { key: string; is_prefix: boolean; asked_at: Date }
  }
}

export interface PostponedDeletion {
  readonly key: string
  readonly isPrefix: boolean
  readonly askedAt: Date
}

/** False when someone else holds. */
export async function takeHold(db: Db, holderId: string, leaseS: number): Promise<boolean> {
  const { rows } = await sql`
    insert into blob_hold (holder_id, held_until) values (${holderId}, clock_timestamp() + make_interval(secs => ${leaseS}))
    on conflict (is_only) do update set holder_id = excluded.holder_id, held_until = excluded.held_until
      where blob_hold.held_until <= clock_timestamp()
    returning 1`.execute(db)
  return rows.length === 1
}

/** False when the hold has lapsed meanwhile. */
export async function renewHold(db: Db, holderId: string, leaseS: number): Promise<boolean> {
  const { rows } = await sql`
    update blob_hold set held_until = clock_timestamp() + make_interval(secs => ${leaseS})
    where holder_id = ${holderId} and held_until > clock_timestamp() returning 1`.execute(db)
  return rows.length === 1
}

export async function endHold(db: Db, holderId: string): Promise<void> {
  await sql`delete from blob_hold where holder_id = ${holderId}`.execute(db)
}

export async function isHeld(db: Db): Promise<boolean> {
  const { rows } = await sql`select 1 from blob_hold where held_until > clock_timestamp()`.execute(db)
  return rows.length === 1
}

/**
 * Remembers what is to be deleted once the hold has ended; false, and nothing is remembered, when there is none.
 * Times have whole milliseconds, rounded up, as they are read back.
 */
export async function postponeDeletion(db: Db, key: string, isPrefix: boolean): Promise<boolean> {
  const { rows } = await sql`
    insert into blob_deletion (key, is_prefix, asked_at)
    select ${key}, ${isPrefix}, date_trunc('milliseconds', clock_timestamp() + interval '1 millisecond') from blob_hold where held_until > clock_timestamp()
    on conflict (key) do update set asked_at = excluded.asked_at, is_prefix = excluded.is_prefix
    returning 1`.execute(db)
  return rows.length === 1
}

export async function listPostponed(db: Db, limit: number): Promise<PostponedDeletion[]> {
  const { rows } = await sql<PostponedDeletion>`
    select key, is_prefix as "isPrefix", asked_at as "askedAt" from blob_deletion order by asked_at limit ${limit}
  `.execute(db)
  return rows
}

/** Unless it was asked for again since. */
export async function forgetPostponed(db: Db, { key, askedAt }: PostponedDeletion): Promise<void> {
  await sql`delete from blob_deletion where key = ${key} and asked_at <= ${askedAt}`.execute(db)
}
