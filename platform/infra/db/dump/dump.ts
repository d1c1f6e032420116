/**
 * All tables as they are at one moment: `COPY … TO` in one REPEATABLE READ transaction, which sees what was committed
 * before it began and nothing since.
 */
import { createHash } from 'node:crypto'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { openSession, quoteTable } from './session.ts'

export interface DumpedTable {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
  /** Which of its rows; null: all. */
  readonly where: string | null
}

export interface SkippedTable {
  readonly schema: string
  readonly name: string
  readonly why: string
}

export interface DumpedSequence {
  readonly schema: string
  readonly name: string
  /** As text: it may be larger than what a number holds exactly. */
  readonly lastValue: string
}

/** What is dumped beside the schema `public`. */
export interface ExtraTable {
  readonly schema: string
  readonly name: string
  readonly where: string | null
}

export interface Dump extends AsyncDisposable {
  /** The server's clock when the snapshot was taken. */
  readonly takenAt: Date
  readonly serverVersion: string
  /** Names of the migrations that the schema has had, in their order. */
  readonly migrations: readonly string[]
  readonly tables: readonly DumpedTable[]
  readonly skipped: readonly SkippedTable[]
  readonly sequences: readonly DumpedSequence[]
  /** The rows in PostgreSQL's text format, one line each. One table at a time. */
  copyOut(table: DumpedTable): AsyncIterable<Uint8Array>
}

/** They say how far the schema is: made by the migrations themselves. */
const MIGRATION_TABLES = new Set(['migration', 'migration_lock'])

/** Takes the snapshot. Disposal gives it back: until then PostgreSQL keeps every row version that it may need. */
export async function openDump(options: {
  readonly url: string
  readonly extra: readonly ExtraTable[]
  readonly signal?: AbortSignal
}): Promise<Dump> {
  await using stack = new AsyncDisposableStack()
  const { client } = stack.use(await openSession(options.url, options.signal))
  await client.query('begin transaction isolation level repeatable read read only')
  const { rows } = await client.query<{ takenAt: Date; serverVersion: string }>(
    `select clock_timestamp() as "takenAt", current_setting('server_version') as "serverVersion"`,
  )
  const { tables, skipped } = await listTables(client)
  const extra = await listExtra(client, options.extra)
  const migrations = await client.query<{ name: string }>('select name from migration order by name')
  const sequences = await client.query<DumpedSequence>(
    `select schemaname as schema, sequencename as name, last_value::text as "lastValue"
     from pg_sequences where schemaname = 'public' and last_value is not null order by 2`,
  )
  const owned = stack.move()
  return {
    ...rows[0]!,
    migrations: migrations.rows.map(({ name }) => name),
    tables: [...tables, ...extra],
    skipped,
    sequences: sequences.rows,
    copyOut: (table) => copyOut(client, table),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** @internal for the loader, which compares by it. */
export function copyOut(
  client: pg.Client,
  { columns, where, ...table }: DumpedTable,
): AsyncIterable<Uint8Array> {
  const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ')
  const condition = where === null ? '' : ` where ${where}`
  const stream = client.query(copyTo(`copy (select ${list} from ${quoteTable(table)}${condition}) to stdout`))
  // It tells of errors, also before anybody reads, and does not end by them.
  stream.on('error', (error) => stream.destroy(error))
  return stream
}

export interface RowsDigest {
  readonly rows: number
  readonly sha256: string
  readonly sizeBytes: number
}

/** Counts and hashes rows in the text format while they pass: a line feed ends each, and is escaped inside of one. */
export function createRowsDigest(): { update(chunk: Uint8Array): void; finish(): RowsDigest } {
  const hash = createHash('sha256')
  let rows = 0
  let sizeBytes = 0
  return {
    update(chunk) {
      hash.update(chunk)
      sizeBytes += chunk.byteLength
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows++
    },
    finish: () => ({ rows, sha256: hash.digest('hex'), sizeBytes }),
  }
}

interface FoundTable {
  readonly schema: string
  readonly name: string
  readonly columns: string[]
  readonly isUnlogged: boolean
  readonly hasTransactionIds: boolean
}

async function find(client: pg.Client, condition: string, values: readonly string[]): Promise<FoundTable[]> {
  const { rows } = await client.query<FoundTable>(
    `select n.nspname as schema, c.relname as name, c.relpersistence = 'u' as "isUnlogged",
       bool_or(a.atttypid in ('xid'::regtype, 'xid8'::regtype)) as "hasTransactionIds",
       (array_agg(a.attname::text order by a.attnum) filter (where a.attgenerated = ''))::text[] as columns
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p') and not c.relispartition and ${condition}
     group by 1, 2, 3 order by 1, 2`,
    [...values],
  )
  return rows
}

async function listTables(client: pg.Client): Promise<{ tables: DumpedTable[]; skipped: SkippedTable[] }> {
  const tables: DumpedTable[] = []
  const skipped: SkippedTable[] = []
  for (const { schema, name, columns, isUnlogged, hasTransactionIds } of await find(
    client,
    `n.nspname = 'public'`,
    [],
  )) {
    if (MIGRATION_TABLES.has(name)) continue
    if (isUnlogged) skipped.push({ schema, name, why: 'It is unlogged: what is in it is made anew.' })
    else if (hasTransactionIds)
      skipped.push({ schema, name, why: 'Its transaction ids mean nothing in another server.' })
    else tables.push({ schema, name, columns, where: null })
  }
  return { tables, skipped }
}

async function listExtra(client: pg.Client, extra: readonly ExtraTable[]): Promise<DumpedTable[]> {
  const found: DumpedTable[] = []
  for (const { schema, name, where } of extra)
    for (const { columns } of await find(client, 'n.nspname = $1 and c.relname = $2', [schema, name]))
      found.push({ schema, name, columns, where })
  return found
}
