import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { beforeOf, DamagedFileError, readLastGood, readRecordFile, writeRecordFile } from './record-file.ts'

const write = (path: string, head: unknown, isOldGood = true) =>
  writeRecordFile(path, { head, sections: { a: Buffer.from('alpha'), b: Buffer.alloc(0) } }, { isOldGood })

test('a file is read as it was written', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'records')
  await write(path, { asOf: 1 })
  const { head, sections } = await readRecordFile(path)
  expect(head).toEqual({ asOf: 1 })
  expect([...sections].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
    ['a', 'alpha'],
    ['b', ''],
  ])
})

test.each(['a flipped bit', 'a lost end', 'another beginning', 'nothing'])(
  'a file with %s is not believed: the one before it is read',
  async (damage) => {
    await using dir = await makeTemporaryDir()
    const path = join(dir.path, 'records')
    await write(path, 'older')
    await write(path, 'newer')
    const bytes = await readFile(path)
    if (damage === 'a flipped bit') bytes[bytes.length >> 1]! ^= 1
    if (damage === 'another beginning') bytes[0] = 0
    await writeFile(path, damage === 'nothing' ? '' : bytes)
    if (damage === 'a lost end') await truncate(path, bytes.length - 1)
    const found = await readLastGood(path)
    expect(found.file?.head).toBe('older')
    expect(found.damage[0]).toBeInstanceOf(DamagedFileError)
  },
)

test('a damaged file does not push the good one before it out', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'records')
  await write(path, 'older')
  await write(path, 'newer')
  await writeFile(path, 'broken')
  await write(path, 'newest', false)
  expect((await readRecordFile(beforeOf(path))).head).toBe('older')
  expect((await readRecordFile(path)).head).toBe('newest')
})

test('when nothing is there, there is nothing, and nothing was damaged', async () => {
  await using dir = await makeTemporaryDir()
  expect(await readLastGood(join(dir.path, 'records'))).toEqual({ file: null, damage: [] })
})
