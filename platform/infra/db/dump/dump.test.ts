/** Rows out of one database and into another, whatever they hold. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, inject, test } from 'vitest'
import {
  createRowsDigest,
  isEmptyDatabase,
  loadTables,
  LoadMismatchError,
  makeScratchDatabase,
  openDump,
} from './index.ts'

const SCHEMA = `
  create table migration (name text primary key);
  insert into migration values ('0001-a'), ('0002-b');
  create table parent (id int primary key, next_id int references parent, made_up int generated always as (id * 2) stored);
  create table child (id bigint generated always as identity primary key, parent_id int not null references parent,
    note text, bytes bytea, at timestamptz, number double precision, body jsonb);
  create table log (xid xid8 not null default pg_current_xact_id(), note text);
  create unlogged table cache (note text);
  create function note_child() returns trigger language plpgsql as
    $$ begin insert into log (note) values ('child'); return null; end $$;
  create trigger note_child after insert on child for each row execute function note_child();
`
const ROWS = `
  insert into parent values (2, null), (1, 2);
  insert into child (parent_id, note, bytes, at, number, body) values
    (1, E'tab\\t newline\\n backslash \\\\ é 🎬', '\\x00ff0a5c', '2026-03-01 03:30:00.123456+02', 0.1, '{"a": [1, null]}'),
    (2, null, '', 'infinity', 'NaN', '"text"'), (2, '', null, null, 1e300, null);
  insert into cache values ('lost without harm');
`

async function makeDatabase(...statements: string[]) {
  const database = await makeScratchDatabase(inject('databaseUrl'), `dump_${randomBytes(8).toString('hex')}`)
  const ask = async (text: string) => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  for (const statement of statements) await ask(statement)
  return { ...database, ask }
}

/** Everything that a dump holds, in memory. */
async function dump(url: string) {
  await using open = await openDump({ url, extra: [] })
  const contents = new Map<string, Buffer>()
  const tables = []
  for (const table of open.tables) {
    const digest = createRowsDigest()
    const pieces: Uint8Array[] = []
    for await (const piece of open.copyOut(table)) {
      digest.update(piece)
      pieces.push(piece)
    }
    contents.set(table.name, Buffer.concat(pieces))
    tables.push({ ...table, expected: digest.finish() })
  }
  return { ...open, tables, contents }
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

test('rows come back as they were: self-references, generated columns, every kind of text, and where sequences stood', async () => {
  await using from = await makeDatabase(SCHEMA, ROWS)
  await using to = await makeDatabase(SCHEMA)
  const found = await dump(from.url)
  expect(found.migrations).toEqual(['0001-a', '0002-b'])
  expect(found.tables.map(({ name, expected }) => [name, expected.rows])).toEqual([
    ['child', 3],
    ['parent', 2],
  ])
  expect(found.skipped.map(({ name }) => name)).toEqual(['cache', 'log'])

  await loadTables({ url: to.url, ...found, open: ({ name }) => piecesOf(found.contents.get(name)!) })

  for (const table of ['parent', 'child']) {
    const text = `select t::text as line from ${table} t order by 1`
    expect(await to.ask(text)).toEqual(await from.ask(text))
  }
  expect(await to.ask('select note from log')).toEqual([])
  await to.ask('insert into child (parent_id) values (1)')
  expect(await to.ask('select max(id)::int as id from child')).toEqual([{ id: 4 }])
  expect(await to.ask('select note from log')).toEqual([{ note: 'child' }])
  await expect(to.ask('insert into child (parent_id) values (7)')).rejects.toThrow(/foreign key/)
})

test('what was there before goes, and an optional table without a place is left out', async () => {
  await using from = await makeDatabase(SCHEMA, ROWS)
  await using to = await makeDatabase(SCHEMA, `insert into parent values (9, null)`)
  const found = await dump(from.url)
  const extra = {
    ...{ schema: 'public', name: 'parent', columns: ['id', 'since_removed'], where: null, isOptional: true },
    expected: { rows: 0, sha256: '' },
  }
  const open = ({ name }: { name: string }) => piecesOf(found.contents.get(name)!)

  expect(await loadTables({ url: to.url, ...found, tables: [...found.tables, extra], open })).toEqual([extra])

  expect(await to.ask('select id from parent order by id')).toEqual([{ id: 1 }, { id: 2 }])
})

test('rows that are not what was dumped are not taken over, and neither is anything beside them', async () => {
  await using from = await makeDatabase(SCHEMA, ROWS)
  await using to = await makeDatabase(SCHEMA, `insert into parent values (9, null)`)
  const found = await dump(from.url)
  const open = ({ name }: { name: string }) =>
    piecesOf(name === 'parent' ? Buffer.from('1\t\\N\n2\t1\n') : found.contents.get(name)!)

  await expect(loadTables({ url: to.url, ...found, open })).rejects.toThrow(LoadMismatchError)

  expect(await to.ask('select id from parent')).toEqual([{ id: 9 }])
  await expect(to.ask('insert into child (parent_id) values (7)')).rejects.toThrow(/foreign key/)
})

test('a dump shows the moment of its beginning', async () => {
  await using from = await makeDatabase(SCHEMA, ROWS)
  await using open = await openDump({ url: from.url, extra: [] })
  await from.ask('delete from child')
  const digest = createRowsDigest()
  for await (const piece of open.copyOut(open.tables.find(({ name }) => name === 'child')!))
    digest.update(piece)
  expect(digest.finish().rows).toBe(3)
})

test('a signal ends a dump in the middle of a table', async () => {
  await using from = await makeDatabase(SCHEMA, `insert into parent select generate_series(1, 200000), null`)
  const ending = new AbortController()
  const reading = (async () => {
    await using open = await openDump({ url: from.url, extra: [], signal: ending.signal })
    for await (const _ of open.copyOut(open.tables.find(({ name }) => name === 'parent')!)) ending.abort()
  })()
  await expect(reading).rejects.toThrow()
})

test('an empty database is told from one with tables', async () => {
  await using empty = await makeDatabase()
  await using full = await makeDatabase('create table something (x int)')
  expect([await isEmptyDatabase(empty.url), await isEmptyDatabase(full.url)]).toEqual([true, false])
})
