import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { createLog } from '../../../kit/log.ts'
import { listWorkingIn, sendSignal } from '../../../kit/processes.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { startPostgres, type Postgres } from './index.ts'

const log = createLog({ level: 'silent', base: {} })
const start = (dataDir: string) => startPostgres({ dataDir, log })

async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

/** A supervisor's stand-in: another process that starts PostgreSQL, tells its URL and waits to be killed. */
async function startElsewhere(dataDir: string): Promise<{ child: ChildProcess; url: string; pid: number }> {
  const child = fork(join(import.meta.dirname, 'fixtures', 'start-and-stay.ts'), [dataDir], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: [],
  })
  const [told] = (await once(child, 'message')) as [{ url: string; pid: number }]
  return { child, ...told }
}

async function killNow(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a first start makes a UTF-8 database with the built-in collation, durable settings and a password', async () => {
  await using dir = await makeTemporaryDir()
  await using postgres = await start(dir.path)

  const [settings] = await query(
    postgres.url,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
            current_setting('data_checksums') as checksums, current_setting('listen_addresses') as addresses,
            pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale,
            lower('ÄÖÜ') as lower, current_setting('server_version_num')::int / 10000 as major
       from pg_database where datname = current_database()`,
  )
  expect(settings).toEqual({
    fsync: 'on',
    commit: 'on',
    checksums: 'on',
    addresses: '127.0.0.1',
    encoding: 'UTF8',
    provider: 'b',
    locale: 'C.UTF-8',
    lower: 'äöü',
    major: 18,
  })
  await expect(query(postgres.url.replace(/:[^:@/]+@/, ':wrong@'), 'select 1')).rejects.toMatchObject({
    code: '28P01',
  })
  await query(postgres.url, 'create extension pg_trgm')
})

test('a second start finds the data and the port of the first', async () => {
  await using dir = await makeTemporaryDir()
  const first = await start(dir.path)
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  expect(first.pid).toBeNull()

  await using second = await start(dir.path)

  expect(second.url).toBe(first.url)
  expect(second.isAdopted).toBe(false)
  expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a taken port makes it choose another one', async () => {
  await using dir = await makeTemporaryDir()
  const first = await start(dir.path)
  await first.stop()
  const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
  await once(squatter, 'listening')
  try {
    await using second = await start(dir.path)
    expect(new URL(second.url).port).not.toBe(String((squatter.address() as AddressInfo).port))
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
  } finally {
    squatter.close()
  }
})

test('a server whose supervisor was killed is adopted: same process, open connections live on', async () => {
  await using dir = await makeTemporaryDir()
  const elsewhere = await startElsewhere(dir.path)
  const client = new pg.Client({ connectionString: elsewhere.url })
  await client.connect()
  await killNow(elsewhere.child)

  await using adopter = await start(dir.path)

  expect(adopter).toMatchObject({ isAdopted: true, pid: elsewhere.pid, url: elsewhere.url })
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.end()
})

test('a killed server is started again on the same address with everything that was committed', async () => {
  await using dir = await makeTemporaryDir()
  await using postgres = await start(dir.path)
  await query(postgres.url, 'create table kept as select 42 as answer')
  const killed = postgres.pid!

  sendSignal(killed, 'SIGKILL')
  await eventually(() => postgres.pid !== null && postgres.pid !== killed)

  await answering(postgres)
  expect(await query(postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('an adopted server that is killed is started again too', async () => {
  await using dir = await makeTemporaryDir()
  const elsewhere = await startElsewhere(dir.path)
  await killNow(elsewhere.child)
  await using postgres = await start(dir.path)

  sendSignal(elsewhere.pid, 'SIGKILL')
  await eventually(() => postgres.pid !== null && postgres.pid !== elsewhere.pid)

  await answering(postgres)
})

test('after everything was killed at once, a start brings back what was committed and only that', async () => {
  await using dir = await makeTemporaryDir()
  const elsewhere = await startElsewhere(dir.path)
  await query(elsewhere.url, 'create table kept as select 42 as answer')
  const open = new pg.Client({ connectionString: elsewhere.url })
  open.on('error', () => {})
  await open.connect()
  await open.query('begin')
  await open.query('insert into kept values (43)')
  elsewhere.child.kill('SIGKILL')
  const cluster = join(dir.path, 'cluster')
  for (const pid of await listWorkingIn(cluster)) sendSignal(pid, 'SIGKILL')

  await using postgres = await start(dir.path)

  expect(postgres.isAdopted).toBe(false)
  expect(await query(postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('a stale process id that now belongs to another program does not stop the start', async () => {
  await using dir = await makeTemporaryDir()
  const first = await start(dir.path)
  const pidFile = join(dir.path, 'cluster', 'postmaster.pid')
  const written = await readFile(pidFile, 'utf8')
  sendSignal(first.pid!, 'SIGKILL')
  first.release()
  await eventually(async () => (await listWorkingIn(join(dir.path, 'cluster'))).length === 0)
  await writeFile(pidFile, written.replace(/^\d+/, String(process.pid)))

  await using second = await start(dir.path)

  expect(second.isAdopted).toBe(false)
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a first start that was cut off is begun anew', async () => {
  await using dir = await makeTemporaryDir()
  const first = await start(dir.path)
  await first.stop()
  await rename(join(dir.path, 'cluster'), join(dir.path, 'cluster.unfinished'))

  await using second = await start(dir.path)

  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test('data of another major version is refused by name, and left alone', async () => {
  await using dir = await makeTemporaryDir()
  await (await start(dir.path)).stop()
  await writeFile(join(dir.path, 'cluster', 'PG_VERSION'), '17\n')

  await expect(start(dir.path)).rejects.toThrow(/written by PostgreSQL 17.*brings 18/)
})

test('a lost password is named together with the remedy', async () => {
  await using dir = await makeTemporaryDir()
  await (await start(dir.path)).stop()
  await rm(join(dir.path, 'password'))

  await expect(start(dir.path)).rejects.toThrow(/password.*is missing.*backup/)
})

async function answering(postgres: Postgres): Promise<void> {
  await eventually(() =>
    query(postgres.url, 'select 1').then(
      () => true,
      () => false,
    ),
  )
}
