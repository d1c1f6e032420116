import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { OTHERS_KEPT, pruneSlots } from './prune.ts'
import { slotsDirOf } from './store.ts'

/** A change of a folder is dated by the kernel's clock, which moves in steps. */
const STEP_MS = 20

async function makeFolders(dataDir: string, names: readonly string[]): Promise<string> {
  const dir = slotsDirOf(dataDir)
  for (const name of names) {
    await mkdir(join(dir, name, 'platform'), { recursive: true })
    await sleep(STEP_MS)
  }
  return dir
}

test('what is wanted stays, with the youngest others', async () => {
  await using data = await makeTemporaryDir()
  const [wanted, ...others] = Array.from({ length: OTHERS_KEPT + 2 }, (_, at) => `${at}`.repeat(16))
  const dir = await makeFolders(data.path, [wanted!, ...others])

  expect(await pruneSlots(data.path, new Set([join(dir, wanted!)]), new Date())).toBe(1)

  expect((await readdir(dir)).toSorted()).toEqual([wanted, ...others.slice(1)])
})

test('what is none of ours stays, and what was never finished goes after an hour', async () => {
  await using data = await makeTemporaryDir()
  const dir = await makeFolders(data.path, ['golden', 'one.staging'])
  const madeMs = Date.now()

  expect(await pruneSlots(data.path, new Set(), new Date(madeMs + 3_000_000))).toBe(0)
  expect(await pruneSlots(data.path, new Set(), new Date(madeMs + 3_700_000))).toBe(1)

  expect(await readdir(dir)).toEqual(['golden'])
})
