/** All SQL of the journal: which of its entries are settled. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../infra/db/index.ts'

/** How an entry ended. */
export type Outcome = 'done' | 'void' | 'superseded' | 'set-aside'

interface JournalSettledTable {
  id: string
  outcome: Outcome
  sets: string | null
  kept_at: Date
  settled_at: Date
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    journal_settled: JournalSettledTable
  }
}

export interface Settled {
  readonly id: string
  readonly outcome: Outcome
  readonly sets: string | null
  readonly keptAt: Date
  readonly settledAt: Date
}

/**
 * False when the entry is settled already. Until the transaction ends, entries that set the same wait, whichever process
 * replays them.
 */
export async function insertSettled(tx: Tx, row: Settled): Promise<boolean> {
  const { id, outcome, sets, keptAt, settledAt } = row
  const { numAffectedRows } = await sql`
    with lock as materialized (
      select case when ${sets}::text is not null then pg_advisory_xact_lock(hashtextextended(${sets}, 2)) end)
    insert into journal_settled (id, outcome, sets, kept_at, settled_at)
    select ${id}::uuid, ${outcome}, ${sets}, ${keptAt}::timestamptz, ${settledAt}::timestamptz from lock
    on conflict (id) do nothing`.execute(tx)
  return numAffectedRows === 1n
}

/** It is settled without having been done: one that sets the same, and was kept later, is done already. */
export async function markSuperseded(tx: Tx, id: string): Promise<void> {
  await tx.updateTable('journal_settled').set({ outcome: 'superseded' }).where('id', '=', id).execute()
}

/** Whether an entry that sets the same, and was kept later, is done. */
export async function isSuperseded(
  tx: Tx,
  entry: { readonly sets: string; readonly keptAt: Date },
): Promise<boolean> {
  const row = await tx
    .selectFrom('journal_settled')
    .select('id')
    .where('sets', '=', entry.sets)
    .where('kept_at', '>', entry.keptAt)
    .where('outcome', '=', 'done')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** @returns how many were deleted, at most `limit`. */
export async function pruneSettled(
  db: Db,
  options: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from journal_settled where ctid = any(array(
      select ctid from journal_settled where settled_at < ${options.before} order by settled_at limit ${options.limit}))
  `.execute(db)
  return Number(numAffectedRows)
}
