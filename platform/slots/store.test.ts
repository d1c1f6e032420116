import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { hashTree, openSlotStore, programOf, slotsDirOf, type Slot } from './index.ts'

const AT = new Date('2026-01-01T00:00:00Z')

async function prepare(dir: string) {
  const started = join(dir, 'checkout')
  const dataDir = join(dir, 'data')
  await mkdir(started)
  await writeFile(join(started, 'code.ts'), 'one')
  const makeSlot = async (letter: string): Promise<Slot> => {
    const slot = { hash: letter.repeat(64), label: letter, dir: join(slotsDirOf(dataDir), letter) }
    await mkdir(dirname(programOf(slot)), { recursive: true })
    await writeFile(programOf(slot), '')
    return slot
  }
  const open = () => openSlotStore(dataDir, started)
  return { started, dataDir, makeSlot, open }
}

test('what was promoted is in force at the next start, and what went back stays out', async () => {
  await using dir = await makeTemporaryDir()
  const { makeSlot, open } = await prepare(dir.path)
  const { store } = await open()
  expect(store.current).toBeNull()
  await store.promote(await makeSlot('a'), AT)
  await store.quarantine('b'.repeat(64), 'It failed.', AT)

  const next = await open()
  expect(next).toMatchObject({ notice: null, store: { current: { label: 'a' } } })
  expect(next.store.quarantineOf('b'.repeat(64))).toBe('It failed.')
  expect(next.store.quarantineOf('a'.repeat(64))).toBeNull()
})

test('one that does not start any more gives way to the one before it, then to the code that was started', async () => {
  await using dir = await makeTemporaryDir()
  const { makeSlot, open } = await prepare(dir.path)
  const { store } = await open()
  await store.promote(await makeSlot('a'), AT)
  await store.promote(await makeSlot('b'), AT)

  expect(await store.fallBack('It does not start.', AT)).toMatchObject({ label: 'a' })
  expect(store.quarantineOf('b'.repeat(64))).toBe('It does not start.')
  expect(await store.fallBack('Nor does it.', AT)).toBeNull()
})

test('other code in the checkout that is started counts more than a release', async () => {
  await using dir = await makeTemporaryDir()
  const { started, makeSlot, open } = await prepare(dir.path)
  await (await open()).store.promote(await makeSlot('a'), AT)
  await writeFile(join(started, 'code.ts'), 'two')

  const { store, notice } = await open()
  expect(store.current).toBeNull()
  expect(notice).toContain('has changed since "a" was released')
})

test('a release whose folder is gone, and a file that can’t be read, keep nobody from starting', async () => {
  await using dir = await makeTemporaryDir()
  const { dataDir, makeSlot, open } = await prepare(dir.path)
  const slot = await makeSlot('a')
  await (await open()).store.promote(slot, AT)
  await rm(slot.dir, { recursive: true })
  expect(await open()).toMatchObject({
    store: { current: null },
    notice: expect.stringContaining('is gone from'),
  })

  await writeFile(join(slotsDirOf(dataDir), 'code.json'), '{"good": [')
  expect(await open()).toMatchObject({
    store: { current: null },
    notice: expect.stringContaining('can’t be read'),
  })
})

test('the hash is of sources: what is installed or built does not count, a name or a byte does', async () => {
  await using dir = await makeTemporaryDir()
  await writeFile(join(dir.path, 'a.ts'), 'x')
  const before = await hashTree(dir.path)
  await mkdir(join(dir.path, 'node_modules'))
  await writeFile(join(dir.path, 'node_modules', 'b.ts'), 'y')
  expect(await hashTree(dir.path)).toBe(before)
  await writeFile(join(dir.path, 'a.ts'), 'z')
  expect(await hashTree(dir.path)).not.toBe(before)
})
