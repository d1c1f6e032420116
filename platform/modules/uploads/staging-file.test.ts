import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LEAF_BYTES } from './byte-hashes.ts'
import { openStagingFile, stagingPathOf, StagingDamagedError } from './staging-file.ts'

async function makeDir() {
  const path = await mkdtemp(join(tmpdir(), 'upbeat-staging-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

test('what was provisional and is taken back leaves neither bytes nor hashes', async () => {
  await using dir = await makeDir()
  const id = randomUUID()
  await using staging = await openStagingFile(dir.path, id, 0)
  const [kept, dropped, next] = [randomBytes(LEAF_BYTES - 5), randomBytes(50), randomBytes(20)]
  await staging.append([kept], { isProvisional: false })
  staging.commit()
  const before = staging.digest()
  await staging.append([dropped], { isProvisional: true })
  expect(staging.visibleBytes()).toBe(kept.length)
  await staging.rollback()
  expect(staging.digest()).toEqual(before)
  await staging.append([next.subarray(0, 7), next.subarray(7)], { isProvisional: true })
  staging.commit()
  await staging.sync()

  expect((await readFile(stagingPathOf(dir.path, id))).equals(Buffer.concat([kept, next]))).toBe(true)
  await using again = await openStagingFile(dir.path, id, kept.length + next.length)
  expect(again.digest()).toEqual(staging.digest())
})

test('it opens at what was acknowledged, and not when less is there', async () => {
  await using dir = await makeDir()
  const id = randomUUID()
  {
    await using staging = await openStagingFile(dir.path, id, 0)
    await staging.append([randomBytes(100)], { isProvisional: false })
    staging.commit()
    await staging.sync()
  }
  await expect(openStagingFile(dir.path, id, 101)).rejects.toThrow(StagingDamagedError)
  await using staging = await openStagingFile(dir.path, id, 60)
  expect([staging.visibleBytes(), (await readFile(staging.path)).length]).toEqual([60, 60])
  await expect(openStagingFile(dir.path, randomUUID(), 1)).rejects.toThrow(StagingDamagedError)
})

test('what is staged is nobody else’s to read', async () => {
  await using dir = await makeDir()
  const folder = join(dir.path, 'staging')
  await using _staging = await openStagingFile(folder, randomUUID(), 0)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})
