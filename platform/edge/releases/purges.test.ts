import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { openPurges } from './purges.ts'

test('a purge holds when its document is taken back, over a restart, and until a higher one', async () => {
  await using dir = await makeTemporaryDir()
  const purges = await openPurges(dir.path)
  expect([await purges.take(3), purges.key]).toEqual([false, '3'])
  expect(await purges.take(4)).toBe(true)
  const raised = purges.key
  expect(raised).not.toBe('3')
  expect([await purges.take(3), purges.key]).toEqual([false, raised])

  const again = await openPurges(dir.path)
  expect([again.key, await again.take(3), again.key]).toEqual([raised, false, raised])
  expect([await again.take(4), again.key]).toEqual([false, raised])
  expect(await again.take(5)).toBe(true)
  expect(again.key).not.toBe(raised)
})

test('where it can not be read what was purged, everything is', async () => {
  await using dir = await makeTemporaryDir()
  const before = await openPurges(dir.path)
  await before.take(1)
  await writeFile(join(dir.path, 'purges.json'), '{"highest":')
  const after = await openPurges(dir.path)
  expect(await after.take(1)).toBe(true)
  expect(after.key).not.toBe(before.key)
  expect(await after.take(1)).toBe(false)
})
