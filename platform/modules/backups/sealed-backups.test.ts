/** Backups under a key: who has none reads nothing of them, and can't make one that is taken for ours. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addVideo, allBlobs, prove, setUpStage } from './backups.fixtures.ts'
import { makeKeyFile, readKeyFile } from './kept/key-file.ts'

test('under a key nothing can be read without it, and the manifest not be changed', async () => {
  await using stage = await setUpStage()
  const { videoId } = await addVideo(stage)
  const key = await makeKeyFile(join(stage.world.config.dataDir, 'backup.key'))
  const other = await makeKeyFile(join(stage.world.config.dataDir, 'other.key'))
  const { folder, manifest } = await stage.backUp(key)
  const secret = JSON.parse(await readFile(stage.world.config.paths.secrets, 'utf8')) as { session: string }
  const stored = Object.values(await allBlobs(stage.place)).map((text) =>
    Buffer.from(text, 'base64').toString('latin1'),
  )

  expect(stored.filter((text) => text.includes(secret.session) || text.includes('correct horse'))).toEqual([])
  expect(stored.filter((text) => text.includes(videoId))).toEqual([])
  await expect(prove(stage)).rejects.toMatchObject({ code: 'backup-key-unusable' })
  await expect(prove(stage, other)).rejects.toMatchObject({ code: 'backup-key-unusable' })
  expect((await prove(stage, key)).played).toMatchObject({ videoId })
  const text = await readFile(join(folder, 'manifest.json'), 'utf8')
  await writeFile(
    join(folder, 'manifest.json'),
    text.replace(manifest.snapshotAt, '2020-01-01T00:00:00.000Z'),
  )
  await expect(prove(stage, key)).rejects.toMatchObject({ code: 'backup-damaged' })
})

test('where a key is set, a backup that none has sealed is refused: nothing shows who made it', async () => {
  await using stage = await setUpStage()
  const key = await makeKeyFile(join(stage.world.config.dataDir, 'backup.key'))
  const { manifest } = await stage.backUp()

  expect(manifest.keyId).toBeNull()
  await expect(prove(stage, key)).rejects.toMatchObject({ code: 'backup-key-unusable' })
})

test('a key file that others may read is refused, and none is overwritten', async () => {
  await using stage = await setUpStage()
  const path = join(stage.world.config.dataDir, 'backup.key')
  const made = await makeKeyFile(path)
  expect((await readKeyFile(path)).id).toBe(made.id)
  await expect(makeKeyFile(path)).rejects.toMatchObject({ code: 'backup-key-unusable' })
  await chmod(path, 0o640)
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'backup-key-unusable' })
})
