/**
 * Loads a dump into a database whose schema is there and whose rows may go: in one transaction, so all of it or nothing,
 * and compared with the dump before it is committed.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { copyOut, createRowsDigest, type DumpedSequence, type DumpedTable, type RowsDigest } from './dump.ts'
import { openSession, quoteTable } from './session.ts'

/** What was read back is not what had been dumped. */
export class LoadMismatchError extends Error {}

export interface LoadedTable extends DumpedTable {
  readonly expected: Pick<RowsDigest, 'rows' | 'sha256'>
  /** Whether it is left out when the database has no table with these columns. @default false */
  readonly isOptional?: boolean
}

export interface LoadOptions {
  readonly url: string
  readonly tables: readonly LoadedTable[]
  readonly sequences: readonly DumpedSequence[]
  /** The table's rows as they were dumped. */
  open(table: LoadedTable): AsyncIterable<Uint8Array>
  onTable?(table: LoadedTable): void
  readonly signal?: AbortSignal
}

interface ForeignKey {
  readonly table: string
  readonly name: string
  readonly definition: string
}

/**
 * Replaces the rows of these tables.
 *
 * Foreign keys are taken off meanwhile and checked when they are put back, so tables may come in any order; the
 * schema's own triggers are off, for what they would write is in the dump. Needs to own the tables, and nothing more.
 *
 * @returns the tables that were left out.
 * @throws {LoadMismatchError} when a table, read back, has other rows than were dumped. Nothing is changed then.
 */
export async function loadTables(options: LoadOptions): Promise<LoadedTable[]> {
  const { signal } = options
  await using session = await openSession(options.url, signal)
  const { client } = session
  const leftOut = await listUnfit(client, options.tables)
  const tables = options.tables.filter((table) => !leftOut.includes(table))
  await client.query('begin')
  const foreignKeys = await dropForeignKeys(client)
  // In one statement: what refers to a table that is emptied would hold it back.
  if (tables.length > 0) await client.query(`truncate ${tables.map(quoteTable).join(', ')} cascade`)
  for (const table of tables) {
    await client.query(`alter table ${quoteTable(table)} disable trigger user`)
    await copyIn(client, table, options.open(table), signal)
    options.onTable?.(table)
  }
  for (const { schema, name, lastValue } of options.sequences)
    await client.query('select setval(format($$%I.%I$$, $1::text, $2::text)::regclass, $3::bigint)', [
      schema,
      name,
      lastValue,
    ])
  for (const table of tables) {
    requireEqual(table, await readBack(client, table))
    await client.query(`alter table ${quoteTable(table)} enable trigger user`)
  }
  for (const { table, name, definition } of foreignKeys)
    await client.query(`alter table ${table} add constraint ${pg.escapeIdentifier(name)} ${definition}`)
  await client.query('commit')
  await client.query('analyze')
  return leftOut
}

/** Optional tables that have no place here. Others fail when they are loaded, with PostgreSQL's own word. */
async function listUnfit(client: pg.Client, tables: readonly LoadedTable[]): Promise<LoadedTable[]> {
  const unfit: LoadedTable[] = []
  for (const table of tables.filter(({ isOptional }) => isOptional)) {
    const { rows } = await client.query<{ name: string }>(
      `select column_name::text as name from information_schema.columns where table_schema = $1 and table_name = $2`,
      [table.schema, table.name],
    )
    const found = new Set(rows.map(({ name }) => name))
    if (!table.columns.every((column) => found.has(column))) unfit.push(table)
  }
  return unfit
}

/** Whether the database has no table of its own. */
export async function isEmptyDatabase(url: string): Promise<boolean> {
  await using session = await openSession(url)
  const { rows } = await session.client.query(
    `select 1 from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace limit 1`,
  )
  return rows.length === 0
}

/** Makes an empty database beside the one of `url`, and gives its address. Disposal drops it. */
export async function makeScratchDatabase(
  url: string,
  name: string,
): Promise<AsyncDisposable & { url: string }> {
  const scratch = new URL(url)
  scratch.pathname = `/${name}`
  const administer = async (statement: string) => {
    await using session = await openSession(url)
    await session.client.query(statement)
  }
  const drop = () => administer(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`)
  await drop()
  await administer(`create database ${pg.escapeIdentifier(name)}`)
  return { url: scratch.href, [Symbol.asyncDispose]: drop }
}

async function dropForeignKeys(client: pg.Client): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `select conrelid::regclass::text as "table", conname as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and conparentid = 0 and connamespace = 'public'::regnamespace`,
  )
  for (const { table, name } of rows)
    await client.query(`alter table ${table} drop constraint ${pg.escapeIdentifier(name)}`)
  return rows
}

async function copyIn(
  client: pg.Client,
  table: LoadedTable,
  rows: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const columns = table.columns.map((column) => pg.escapeIdentifier(column)).join(', ')
  const target = client.query(copyFrom(`copy ${quoteTable(table)} (${columns}) from stdin`))
  await pipeline(Readable.from(rows, { objectMode: false }), target, { ...(signal && { signal }) })
}

async function readBack(client: pg.Client, table: DumpedTable): Promise<RowsDigest> {
  const digest = createRowsDigest()
  // All rows are those that were loaded. What a dump says of its condition is SQL, and a dump may be anybody's.
  for await (const chunk of copyOut(client, { ...table, where: null })) digest.update(chunk)
  return digest.finish()
}

function requireEqual({ schema, name, expected }: LoadedTable, found: RowsDigest): void {
  if (found.rows === expected.rows && found.sha256 === expected.sha256) return
  throw new LoadMismatchError(
    `The table ${schema}.${name} has ${found.rows} rows after loading, ${expected.rows} were dumped` +
      (found.rows === expected.rows ? ', and their contents differ.' : '.'),
  )
}
