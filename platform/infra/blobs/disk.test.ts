import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { openDiskBlobs } from './index.ts'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('nobody else on the machine may look into the folder, also into one that was there before', async () => {
  await using dir = await makeTemporaryDir()
  const [made, found] = [join(dir.path, 'made'), join(dir.path, 'found')]
  await mkdir(found)
  await chmod(found, 0o755)

  await openDiskBlobs(made)
  await openDiskBlobs(found)

  expect([await modeOf(made), await modeOf(found)]).toEqual(['700', '700'])
})
