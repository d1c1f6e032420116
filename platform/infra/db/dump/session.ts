/** A connection of its own for work that lasts as long as it lasts, with the same text for the same value everywhere. */
import type { Socket } from 'node:net'
import pg from 'pg'

/** Whatever a server or a role has set: what is copied out of one database must be equal when copied out of another. */
const SETTINGS = {
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  // Rows in the order in which they lie.
  synchronize_seqscans: 'off',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
}
const CONNECT_TIMEOUT_MS = 10_000

export interface Session extends AsyncDisposable {
  readonly client: pg.Client
}

/** Connects; the signal, as disposal, ends the connection whatever it is doing. */
export async function openSession(url: string, signal?: AbortSignal): Promise<Session> {
  signal?.throwIfAborted()
  const client = new pg.Client({
    connectionString: url,
    application_name: 'upbeat-backup',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  })
  // The query under way is rejected all the same.
  client.on('error', () => {})
  const cut = () => socketOf(client)?.destroy()
  signal?.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
    for (const [name, value] of Object.entries(SETTINGS)) await client.query(`set ${name} to '${value}'`)
  } catch (error) {
    cut()
    throw error
  }
  return {
    client,
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', cut)
      // In the middle of a COPY a farewell would wait for its end.
      cut()
      await client.end().catch(() => {})
    },
  }
}

/** `pg` keeps its socket here, in all of its 8.x. */
const socketOf = (client: pg.Client): Socket | undefined =>
  (client as unknown as { connection?: { stream?: Socket } }).connection?.stream

export const quoteTable = ({ schema, name }: { readonly schema: string; readonly name: string }): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
