import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { DataDirError, explainDataDir, takeDataDir } from './data-dir.ts'

test('a data folder that is a file, or lies below one, is refused with what to do', async () => {
  await using dir = await makeTemporaryDir()
  const file = join(dir.path, 'file')
  await writeFile(file, 'kept')

  for (const path of [file, join(file, 'below')]) {
    const attempt = takeDataDir(path)
    await expect(attempt).rejects.toThrow(DataDirError)
    await expect(attempt).rejects.toThrow(`${path} is no folder`)
  }
})

test.each([
  ['EACCES', "can't be written by"],
  ['EROFS', 'is mounted read-only'],
  ['ENOSPC', 'is full'],
])('%s of the data folder says what to do', (code, words) => {
  const explained = explainDataDir(Object.assign(new Error(code), { code }), '/srv/upbeat')

  expect(explained).toBeInstanceOf(DataDirError)
  expect(String(explained)).toContain(words)
  expect(String(explained)).toContain('./up --data DIR')
})

test('an error of another kind stays as it is', () => {
  const error = new TypeError('a mistake of ours')

  expect(explainDataDir(error, '/srv/upbeat')).toBe(error)
})

test('a new one lets others pass through, and look at nothing', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'new')

  using _lock = await takeDataDir(path)

  expect((await stat(path)).mode & 0o777).toBe(0o711)
})
