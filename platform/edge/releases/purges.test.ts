import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { openPurges } from './purges.ts'

test('a purge holds when its document is taken back and over a restart, and every document that says more purges anew', async () => {
  await using dir = await makeTemporaryDir()
  const purges = await openPurges(dir.path)
  expect([await purges.take(3), purges.key]).toEqual([false, '3'])
  expect(await purges.take(4)).toBe(true)
  await purges.noteDone()
  const raised = purges.key
  expect(raised).not.toBe('3')
  expect([await purges.take(3), purges.key]).toEqual([false, raised])

  const again = await openPurges(dir.path)
  expect([again.key, await again.take(3), again.key]).toEqual([raised, false, raised])
  expect(await again.take(4)).toBe(true)
  expect(again.key).not.toBe(raised)
})

test('a number that a document spent which was taken back keeps no lower one from purging', async () => {
  await using dir = await makeTemporaryDir()
  const purges = await openPurges(dir.path)
  for (const purged of [5, 20_261_124, 5]) {
    await purges.take(purged)
    await purges.noteDone()
  }
  expect(await purges.take(6)).toBe(true)
})

test('what was asked for and not done is asked for again, also after a restart', async () => {
  await using dir = await makeTemporaryDir()
  const purges = await openPurges(dir.path)
  await purges.take(1)
  expect(await purges.take(2)).toBe(true)
  expect(await purges.take(1)).toBe(true)
  const again = await openPurges(dir.path)
  expect(await again.take(1)).toBe(true)
  await again.noteDone()
  expect(await again.take(1)).toBe(false)
})

test('where it can not be read what was purged, everything is', async () => {
  await using dir = await makeTemporaryDir()
  const before = await openPurges(dir.path)
  await before.take(1)
  await writeFile(join(dir.path, 'purges.json'), '{"last":')
  const after = await openPurges(dir.path)
  expect(await after.take(1)).toBe(true)
  expect(after.key).not.toBe(before.key)
  await after.noteDone()
  expect(await after.take(1)).toBe(false)
})
