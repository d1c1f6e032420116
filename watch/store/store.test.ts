import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openStore, StoreUnusableError } from './index.ts'

const log = createLog({ level: 'silent', base: {} })

async function openWorld() {
  const dir = await makeTemporaryDir()
  const path = join(dir.path, 'watch.sqlite')
  const store = await openStore({ path, log })
  return {
    path,
    store,
    names: () => store.all<{ name: string }>('select name from kept order by name').map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

const keep = (name: string) => ({
  sql: "insert into kept (name, value, at_ms) values (:name, '', 0)",
  params: { name },
})

test('what was written is seen once the write has answered', async () => {
  await using world = await openWorld()
  expect(await world.store.write([keep('a'), keep('b')])).toEqual([1, 1])
  expect(world.names()).toEqual(['a', 'b'])
})

test('a unit that changes nothing where it must is undone as a whole, and harms none of those around it', async () => {
  await using world = await openWorld()
  const none = { sql: "update kept set value = 'x' where name = 'nobody'", mustChange: true }
  const [first, second, third] = await Promise.allSettled([
    world.store.write([keep('a')]),
    world.store.write([keep('b'), none]),
    world.store.write([keep('c')]),
  ])
  expect([first.status, third.status]).toEqual(['fulfilled', 'fulfilled'])
  expect(second).toMatchObject({ reason: { code: 'changed-meanwhile' } })
  expect(world.names()).toEqual(['a', 'c'])
})

test('a wrong statement is refused alone', async () => {
  await using world = await openWorld()
  const wrong = world.store.write([{ sql: 'insert into nowhere values (1)' }])
  const right = world.store.write([keep('a')])
  await expect(wrong).rejects.toThrow(/no such table/)
  await right
  expect(world.names()).toEqual(['a'])
})

test('a value that no statement takes is refused alone', async () => {
  await using world = await openWorld()
  const right = world.store.write([keep('a')])
  const wrong = world.store.write([{ ...keep('b'), params: { name: Object as unknown as string } }])
  const after = world.store.write([keep('c')])
  await expect(wrong).rejects.toThrow(/refused/)
  await Promise.all([right, after])
  expect(world.names()).toEqual(['a', 'c'])
})

test('only the owner reads the file and those beside it, whatever their folder allows', async () => {
  await using dir = await makeTemporaryDir()
  await chmod(dir.path, 0o755)
  const path = join(dir.path, 'watch.sqlite')
  await writeFile(path, '', { mode: 0o644 })
  await using store = await openStore({ path, log })
  await store.write([keep('a')])
  for (const file of [path, `${path}-wal`, `${path}-shm`])
    expect((await stat(file)).mode & 0o777, file).toBe(0o600)
})

test('while another process holds the file nothing is acknowledged; afterwards it goes on', async () => {
  await using world = await openWorld()
  const other = new DatabaseSync(world.path)
  other.exec('begin immediate')
  await expect(world.store.write([keep('a')])).rejects.toMatchObject({
    code: 'storage-unavailable',
    details: { retryAfterS: expect.any(Number) },
  })
  expect(world.names()).toEqual([])
  other.exec('rollback')
  other.close()
  await world.store.write([keep('a')])
  expect(world.names()).toEqual(['a'])
})

test('a file that is no database is refused with what to do', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'watch.sqlite')
  await writeFile(path, 'not a database, but long enough to be looked at as if it were one. '.repeat(20))
  const opening = openStore({ path, log })
  await expect(opening).rejects.toThrow(StoreUnusableError)
  await expect(opening).rejects.toThrow(/--data/)
})

test('SIGKILL loses nothing that was acknowledged', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'watch.sqlite')
  const program = join(import.meta.dirname, 'fixtures', 'write-on.ts')
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > 200) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const acknowledged = said.trim().split('\n').length
  await using store = await openStore({ path, log })
  const { count } = store.get<{ count: number }>('select count(*) as count from kept')!
  expect(acknowledged).toBeGreaterThan(100)
  expect(count).toBeGreaterThanOrEqual(acknowledged)
})
