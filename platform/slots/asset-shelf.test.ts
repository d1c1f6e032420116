import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { assetShelfOf, BUILDS_KEPT, shelveAssets } from './asset-shelf.ts'

const DAY_MS = 86_400_000
const dayOf = (day: number) => new Date(Date.parse('2026-01-01') + day * DAY_MS)

/** A build with a part of its own beside one that all have. */
async function build(dir: string, name: string): Promise<string> {
  const chunks = join(dir, name, '_app', 'immutable', 'chunks')
  await mkdir(chunks, { recursive: true })
  await writeFile(join(chunks, `${name}.js`), name)
  await writeFile(join(chunks, 'common.js'), 'common')
  return join(dir, name)
}

test('code of the last builds stays when its checkout is gone, that of older ones does not', async () => {
  await using dir = await makeTemporaryDir()
  const names = Array.from({ length: BUILDS_KEPT + 1 }, (_, at) => `build${at}`)
  for (const [day, name] of names.entries()) {
    const made = await build(dir.path, name)
    await shelveAssets(dir.path, made, dayOf(day))
    await rm(made, { recursive: true })
  }

  const shelf = join(assetShelfOf(dir.path), 'immutable', 'chunks')
  const isKept = names.map((name) => existsSync(join(shelf, `${name}.js`)))
  expect(isKept).toEqual([false, ...names.slice(1).map(() => true)])
  expect(await readFile(join(shelf, 'common.js'), 'utf8')).toBe('common')
})

test('a build that is released again counts as new', async () => {
  await using dir = await makeTemporaryDir()
  const first = await build(dir.path, 'first')
  await shelveAssets(dir.path, first, dayOf(0))
  for (let day = 1; day < BUILDS_KEPT; day++)
    await shelveAssets(dir.path, await build(dir.path, `b${day}`), dayOf(day))
  await shelveAssets(dir.path, first, dayOf(BUILDS_KEPT))
  await shelveAssets(dir.path, await build(dir.path, 'last'), dayOf(BUILDS_KEPT + 1))

  const shelf = join(assetShelfOf(dir.path), 'immutable', 'chunks')
  expect(['first', 'b1', 'last'].map((name) => existsSync(join(shelf, `${name}.js`)))).toEqual([
    true,
    false,
    true,
  ])
})

test('a checkout without a build leaves the shelf as it is', async () => {
  await using dir = await makeTemporaryDir()
  await shelveAssets(dir.path, join(dir.path, 'no-build'), dayOf(0))
  expect(existsSync(assetShelfOf(dir.path))).toBe(false)
})
