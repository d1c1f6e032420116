/** The nights: when a backup is due, what is kept, what is told when it fails. */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { readBackupRecords } from '../../app/backup-records.ts'
import { backupNameAt, listBackups } from './kept/backup-manifest.ts'
import { addVideo, never, setUpStage, silent } from './backups.fixtures.ts'
import { proveRestore } from './restoring/prove-restore.ts'
import { pruneBackups } from './kept/prune-backups.ts'
import { openBackup } from './kept/read-backup.ts'
import { isBackupDue, lastMomentAt, runNightlyBackup } from './scheduled-backups.ts'

const at = { hour: 3, minute: 30 }
const local = (text: string) => new Date(text)
const due = (now: string, since: string, failedAt: string | null = null) =>
  isBackupDue({
    now: local(now),
    at,
    since: local(since),
    failedAt: failedAt === null ? null : local(failedAt),
  })

test('the last moment of a time of day is today’s once it has come, else yesterday’s', () => {
  expect(lastMomentAt(local('2026-03-10T03:30:00'), at)).toEqual(local('2026-03-10T03:30:00'))
  expect(lastMomentAt(local('2026-03-10T03:29:59'), at)).toEqual(local('2026-03-09T03:30:00'))
})

test.each([
  ['2026-03-10T03:29:59', '2026-03-09T03:31:00', false],
  ['2026-03-10T03:30:00', '2026-03-09T03:31:00', true],
  // Nobody was there at night.
  ['2026-03-10T09:00:00', '2026-03-09T03:31:00', true],
  ['2026-03-10T09:00:00', '2026-03-10T03:31:00', false],
])('at %s, with the last one of %s, a backup is due: %s', (now, since, expected) => {
  expect(due(now, since)).toBe(expected)
})

test('after a failure an hour passes before the next attempt', () => {
  const since = '2026-03-09T03:31:00'
  expect(due('2026-03-10T04:29:00', since, '2026-03-10T03:30:00')).toBe(false)
  expect(due('2026-03-10T04:30:00', since, '2026-03-10T03:30:00')).toBe(true)
  expect(due('2026-03-10T03:30:00', since, '2026-03-08T03:30:00')).toBe(true)
})

test('a night makes a backup, proves it, and writes both down', async () => {
  await using stage = await setUpStage()
  const { ctx } = stage.world
  const { videoId } = await addVideo(stage)

  await runNightlyBackup(ctx, never)

  const [name] = await listBackups(ctx.config.backups.place)
  const folder = join(ctx.config.backups.place, name!)
  const records = await readBackupRecords(ctx.config.dataDir)
  expect(records).toMatchObject({
    lastBackup: { folder, isSameDisk: true, isEncrypted: false },
    lastBackupFailure: null,
    lastProof: { backup: folder, playedVideoId: videoId },
    lastProofFailure: null,
  })
})

test('what keeps a backup from being made is written down until one succeeds', async () => {
  await using stage = await setUpStage()
  const { ctx } = stage.world
  const { place } = ctx.config.backups
  await mkdir(place)
  await writeFile(join(place, 'something'), 'else')

  await expect(runNightlyBackup(ctx, never)).rejects.toMatchObject({ code: 'backup-place-unfit' })
  expect((await readBackupRecords(ctx.config.dataDir)).lastBackupFailure).toMatchObject({
    code: 'backup-place-unfit',
    detail: expect.stringContaining('something'),
  })

  await rename(place, `${place}-away`)
  await runNightlyBackup(ctx, never)
  expect((await readBackupRecords(ctx.config.dataDir)).lastBackupFailure).toBeNull()
})

test('a key that is not private enough keeps a backup from being made, and is told', async () => {
  await using stage = await setUpStage()
  const keyFile = join(stage.world.config.dataDir, 'backup.key')
  await writeFile(keyFile, 'x')
  await chmod(keyFile, 0o644)
  const config = { ...stage.world.config, backups: { ...stage.world.config.backups, keyFile } }

  await expect(runNightlyBackup({ ...stage.world.ctx, config }, never)).rejects.toMatchObject({
    code: 'backup-key-unusable',
  })
  expect((await readBackupRecords(config.dataDir)).lastBackupFailure).toMatchObject({
    code: 'backup-key-unusable',
  })
})

test('old backups go with what only they named; the newest whole one stays, however old', async () => {
  const clock = createFakeClock(new Date('2026-03-01T03:30:00Z'))
  await using stage = await setUpStage({ clock })
  const { ctx } = stage.world
  await ctx.blobs.put('pictures/first.jpg', Buffer.from('only in the first'))
  const first = await stage.backUp()
  await ctx.blobs.delete('pictures/first.jpg')
  clock.advance(3 * 86_400_000)
  const second = await stage.backUp()
  const prune = (keepDays: number) =>
    pruneBackups(stage.place, { keepDays, now: clock.now(), key: null, log: silent })

  expect((await prune(3)).backups).toEqual([])
  clock.advance(1)
  expect(await prune(3)).toEqual({ backups: [backupNameAt(new Date(first.manifest.startedAt))], objects: 1 })
  clock.advance(100 * 86_400_000)
  expect((await prune(3)).backups).toEqual([])
  expect(await listBackups(stage.place)).toEqual([second.manifest.id])
  await proveRestore({ config: ctx.config, log: silent }, await openBackup(stage.place, null), {
    serverUrl: stage.world.databaseUrl,
    signal: never,
  })
})
