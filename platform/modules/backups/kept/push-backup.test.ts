/** Backups in a bucket: put there, proven and restored from there, and never half there. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../../../tests/support/eventually.ts'
import { startFakeS3, type FakeS3 } from '../../../../tests/support/fake-s3.ts'
import type { Config } from '../../../app/config.ts'
import { readBackupRecords } from '../../../app/backup-records.ts'
import { openFarPlace } from './far-place.ts'
import { makeKeyFile, type BackupKey } from './key-file.ts'
import { addVideo, never, setUpStage, silent, type Stage } from '../backups.fixtures.ts'
import { proveRestore } from '../restoring/prove-restore.ts'
import { pruneFarBackups, pushBackup } from './push-backup.ts'
import { openBackupAt } from './read-backup.ts'
import { restoreInstance } from '../restoring/restore-instance.ts'
import { isPushDue, recordedPush } from '../scheduled-backups.ts'

const TO = 's3://kept/of/upbeat'

const s3Of = ({ endpoint, region, credentials }: FakeS3): Pick<Config, 's3'> => ({
  s3: { endpoint, region, ...credentials },
})

const push = (
  stage: Stage,
  s3: FakeS3,
  { key = null, to = TO }: { key?: BackupKey | null; to?: string } = {},
) => pushBackup({ path: stage.place, far: openFarPlace(s3Of(s3), to), key, signal: never })

/** Names of backups have whole seconds. */
const untilNextSecond = (name: string) =>
  eventually(() => new Date().toISOString().slice(0, 19).replaceAll(':', '-') > name.slice(0, 19))

test.each(['as it is', 'under a key'])('a backup %s is proven and restored from the bucket', async (how) => {
  await using stage = await setUpStage()
  await using s3 = await startFakeS3()
  const key = how === 'as it is' ? null : await makeKeyFile(join(stage.world.config.dataDir, 'backup.key'))
  const { videoId } = await addVideo(stage)
  const { manifest } = await stage.backUp(key)
  const pushed = await push(stage, s3, { key })
  expect(pushed).toMatchObject({ folder: `${TO}/${manifest.id}`, name: manifest.id })
  await rm(stage.place, { recursive: true })

  expect(await openFarPlace(s3Of(s3), TO).listBackups()).toEqual([manifest.id])
  const backup = await openBackupAt(s3Of(s3), TO, key)
  const proof = await proveRestore({ config: stage.world.config, log: silent }, backup, {
    serverUrl: stage.world.databaseUrl,
    signal: never,
  })
  expect(proof).toMatchObject({ files: manifest.files.count, played: { videoId } })
  const config = await stage.makeEmptyPlace()
  const one = await openBackupAt(s3Of(s3), `${TO}/${manifest.id}`, key)
  const { files } = await restoreInstance({ config, log: silent }, one, { signal: never })
  expect(files.count).toBe(manifest.files.count)
})

test('what is there already is not sent again, and a backup that was cut off goes on', async () => {
  await using stage = await setUpStage()
  await using s3 = await startFakeS3()
  for (let n = 0; n < 6; n++)
    await stage.world.ctx.blobs.put(`pictures/${n}.jpg`, Buffer.from(`picture ${n}`))
  const { manifest } = await stage.backUp()
  const isObject = (request: string) => request.startsWith('PUT of/upbeat/objects/')
  let left = 3
  s3.trouble = (request) => (isObject(request) && left-- <= 0 ? 403 : null)
  await expect(push(stage, s3)).rejects.toMatchObject({ code: 'backup-place-unreachable' })
  await expect(openBackupAt(s3Of(s3), TO, null)).rejects.toMatchObject({ code: 'backup-place-unfit' })

  s3.trouble = () => null
  s3.requests.length = 0
  const { newCount } = await push(stage, s3)
  expect(newCount).toBe(s3.requests.filter(isObject).length)
  expect(newCount).toBe(manifest.files.count - 3)
  expect((await push(stage, s3)).newCount).toBe(0)
  await openBackupAt(s3Of(s3), TO, null)
})

test('what changed in the bucket is found; what may not be read is not called damaged', async () => {
  await using stage = await setUpStage()
  await using s3 = await startFakeS3()
  await stage.world.ctx.blobs.put('pictures/one.jpg', Buffer.from('one picture'))
  await stage.backUp()
  await push(stage, s3)
  const backup = await openBackupAt(s3Of(s3), TO, null)
  const read = async () => {
    for await (const file of backup.listFiles()) for await (const _ of backup.objects.read(file));
  }
  await read()
  const [name] = [...s3.objects].find(([, bytes]) => bytes.toString() === 'one picture')!
  s3.objects.set(name, Buffer.from('no picture!'))
  await expect(read()).rejects.toMatchObject({ code: 'backup-damaged' })
  s3.trouble = (request) => (request === `GET ${name}` ? 403 : null)
  await expect(read()).rejects.toMatchObject({ code: 'backup-place-unreachable' })
})

test('another instance’s place, one with something else in it, a wrong address and a wrong secret are refused', async () => {
  await using stage = await setUpStage()
  await using other = await setUpStage()
  await using s3 = await startFakeS3()
  await stage.backUp()
  await other.backUp()
  await push(stage, s3)
  await expect(push(other, s3)).rejects.toMatchObject({ code: 'backup-place-unfit' })
  await expect(push(other, s3, { to: 's3://kept/of' })).rejects.toMatchObject({ code: 'backup-place-unfit' })
  for (const address of ['s3://', 's3://UPPER/x', 's3://kept/../x?y', 's3://kept//x'])
    expect(() => openFarPlace(s3Of(s3), address)).toThrow(/no address of a place/)
  const { config } = stage.world
  expect(() => openFarPlace(config, TO)).toThrow(/is not set/)
  const stranger = { s3: { ...s3Of(s3).s3, secretKey: 'guessed' } }
  await expect(openBackupAt(stranger, TO, null)).rejects.toMatchObject({
    code: 'backup-place-unreachable',
    message: expect.stringContaining('SignatureDoesNotMatch'),
  })
})

test('old backups go, the newest stays, and nothing that it needs goes', async () => {
  await using stage = await setUpStage()
  await using s3 = await startFakeS3()
  const { ctx } = stage.world
  await ctx.blobs.put('pictures/both.jpg', Buffer.from('in both'))
  await ctx.blobs.put('pictures/old.jpg', Buffer.from('in the old one'))
  const first = await stage.backUp()
  await push(stage, s3)
  await ctx.blobs.delete('pictures/old.jpg')
  await untilNextSecond(first.manifest.id)
  const second = await stage.backUp()
  await push(stage, s3)
  const far = openFarPlace(s3Of(s3), TO)
  const prune = (now: Date) => pruneFarBackups(far, { keepDays: 1, now, key: null, log: silent })
  const contents = () => [...s3.objects.values()].map(String).filter((text) => text.startsWith('in '))
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)

  expect(await prune(inDays(0.9))).toEqual([])
  // Half of one, and objects that no whole one names: while it may be under way all of it stays.
  s3.objects.set('of/upbeat/2099-01-01T00-00-00Z/files.jsonl', Buffer.from(''))
  expect(await prune(inDays(1.1))).toEqual([first.manifest.id])
  expect(contents().toSorted()).toEqual(['in both', 'in the old one'])
  s3.objects.delete('of/upbeat/2099-01-01T00-00-00Z/files.jsonl')
  expect(await prune(inDays(30))).toEqual([])
  expect(await far.listBackups()).toEqual([second.manifest.id])
  expect(contents()).toEqual(['in both'])
})

test('the newest one is due until it is there; after a failure an hour passes first', async () => {
  await using stage = await setUpStage()
  await using s3 = await startFakeS3()
  const { ctx } = stage.world
  const config: Config = {
    ...stage.world.config,
    ...s3Of(s3),
    backups: { ...stage.world.config.backups, place: stage.place, to: TO },
  }
  const { manifest } = await stage.backUp()
  const due = async (afterMs = 0) =>
    isPushDue({
      config,
      now: new Date(Date.now() + afterMs),
      newest: manifest.id,
      records: await readBackupRecords(config.dataDir),
    })
  const pushNow = () =>
    recordedPush({ ...ctx, config }, { path: stage.place, to: TO, key: null, signal: never })
  expect(await due()).toBe(true)
  s3.trouble = () => 403
  await expect(pushNow()).rejects.toMatchObject({ code: 'backup-place-unreachable' })
  expect([await due(), await due(3_600_000)]).toEqual([false, true])
  s3.trouble = () => null
  await pushNow()
  expect(await due(3_600_000)).toBe(false)
  expect(await readBackupRecords(config.dataDir)).toMatchObject({
    lastPush: { folder: `${TO}/${manifest.id}`, newCount: manifest.files.count },
    lastPushFailure: null,
  })
})
