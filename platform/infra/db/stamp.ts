/** When something happens in the order that the database itself gives, which no clock can turn around. */
import { sql } from 'kysely'
import type { Db, Tx } from './client.ts'

export interface TxStamp {
  /** The transaction. A snapshot that was taken with no older one open has what it committed. */
  readonly xid: bigint
  /**
   * Where the write-ahead log was. Of two transactions that had to wait for each other, and read this while they held what
   * the other waited for, the later has the higher.
   */
  readonly position: bigint
}

/** The stamp of the transaction at this point of it. */
export async function readStamp(tx: Db | Tx): Promise<TxStamp> {
  const { rows } = await sql<{ xid: string; position: string }>`
    select pg_current_xact_id()::text as xid,
      (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text as position`.execute(tx)
  return { xid: BigInt(rows[0]!.xid), position: BigInt(rows[0]!.position) }
}
