import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { takeFileLock } from './file-lock.ts'
import { writeWhole } from './durable-file.ts'

test('a file is replaced whole, for its owner alone, and makes the folders that it needs', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'a', 'b', 'file')
  await writeWhole(path, 'first')
  await writeWhole(path, Buffer.from('second'))
  expect(await readFile(path, 'utf8')).toBe('second')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('when its contents can’t be had to the end, what was there stays, and nothing beside it', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'file')
  await writeFile(path, 'before')
  const broken = (async function* () {
    yield Buffer.from('half')
    throw new Error('the source broke')
  })()
  await expect(writeWhole(path, broken)).rejects.toThrow('the source broke')
  expect(await readFile(path, 'utf8')).toBe('before')
  expect(await readdir(dir.path)).toEqual(['file'])
})

test('a lock is given to one, and to the next when it is given back', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'lock')
  {
    using first = takeFileLock(path)
    expect([first !== null, takeFileLock(path)]).toEqual([true, null])
  }
  using again = takeFileLock(path)
  expect(again).not.toBeNull()
})
