/**
 * A backup that lies on the disk, put into a place in a bucket: what is there already is not sent again, and the manifest
 * comes last. Cut off, it leaves objects that the next attempt goes on from.
 */
import { join } from 'node:path'
import { eachInParallel } from '../../../../kit/bounded/parallel.ts'
import type { Log } from '../../../../kit/log.ts'
import { diskFolder } from './backup-folder.ts'
import {
  BACKUP_NAME,
  MANIFEST_NAME,
  readManifest,
  timeOfBackup,
  type BackedUpFile,
} from './backup-manifest.ts'
import { findBackup, lockPlace, OBJECTS_NAME } from './backup-place.ts'
import type { FarPlace } from './far-place.ts'
import type { BackupKey } from './key-file.ts'
import { objectPath } from './object-store.ts'
import { readFileList } from './read-backup.ts'

/** At once: each holds a part of a file in memory. */
const CONCURRENCY = 4
const DAY_MS = 86_400_000

export interface PushInput {
  /** The folder of the backup, or a place with backups: then its newest. */
  readonly path: string
  readonly far: FarPlace
  readonly key: BackupKey | null
  readonly signal: AbortSignal
  readonly onFile?: (done: number, total: number) => void
}

export interface PushedBackup {
  readonly folder: string
  readonly name: string
  /** Of the contents of files, what was not there. */
  readonly newCount: number
}

/**
 * Puts it there, whole or not there at all. Idempotent.
 *
 * @throws {AppError} backup-place-unfit, backup-place-unreachable, backup-under-way, backup-damaged.
 */
export async function pushBackup({ path, far, key, signal, onFile }: PushInput): Promise<PushedBackup> {
  const { place, folder: local, name } = await findBackup(path)
  using _lock = lockPlace(place)
  const folder = diskFolder(local)
  const manifest = await readManifest(folder, key)
  await far.claim(manifest.storeId, signal)
  const there = new Set<string>()
  for await (const object of far.listObjects()) there.add(object)

  // First, for whoever tidies up there meanwhile: this one is under way.
  await far.putFile(`${name}/${manifest.files.file}`, join(local, manifest.files.file), signal)
  const list = readFileList(folder, manifest, manifest.keyId === null ? null : key)
  let [done, newCount] = [0, 0]
  await eachInParallel(list, { concurrency: CONCURRENCY, signal }, async ({ object }: BackedUpFile, cut) => {
    if (!there.has(object)) {
      // Two files with the same contents are one object.
      there.add(object)
      const file = `${OBJECTS_NAME}/${objectPath(object)}`
      await far.putFile(file, join(place, file), cut)
      newCount++
    }
    onFile?.(++done, manifest.files.count)
  })
  for (const file of [...manifest.tables.map((table) => table.file), MANIFEST_NAME])
    await far.putFile(`${name}/${file}`, join(local, file), signal)
  return { folder: `${far.address}/${name}`, name, newCount }
}

/**
 * Removes backups from there that are older than this, but never the newest whole one; then, when none is under way, what is
 * left of others, and the objects that none of those names that stay.
 *
 * @returns the names of the backups. Objects stay where one that stays can't be read.
 */
export async function pruneFarBackups(
  far: FarPlace,
  options: {
    readonly keepDays: number
    readonly now: Date
    readonly key: BackupKey | null
    readonly log: Log
  },
): Promise<readonly string[]> {
  const { keepDays, now, key, log } = options
  const names = await far.listBackups()
  const before = now.getTime() - keepDays * DAY_MS
  const old = names.slice(0, -1).filter((name) => timeOfBackup(name).getTime() < before)
  // Without its manifest it is no backup any more, however far its removal gets.
  for (const name of old) await far.remove(`${name}/${MANIFEST_NAME}`)
  const kept = names.filter((name) => !old.includes(name))
  const rest: string[] = []
  for await (const file of far.listAll('2')) {
    const [name] = file.split('/')
    if (BACKUP_NAME.test(name!) && !kept.includes(name!)) rest.push(file)
  }
  // One of this day may be under way, and its objects are named by none that is whole.
  const isUnderWay = rest.some((file) => timeOfBackup(file.split('/')[0]!).getTime() > now.getTime() - DAY_MS)
  if (isUnderWay || rest.length + old.length === 0) return old
  for (const file of rest) await far.remove(file)
  await removeUnnamed(far, kept, key, log)
  return old
}

async function removeUnnamed(
  far: FarPlace,
  kept: readonly string[],
  key: BackupKey | null,
  log: Log,
): Promise<void> {
  const named = new Set<string>()
  try {
    for (const name of kept) {
      const folder = far.folder(name)
      const manifest = await readManifest(folder, key)
      const ownKey = manifest.keyId === null ? null : key
      for await (const { object } of readFileList(folder, manifest, ownKey)) named.add(object)
    }
  } catch (error) {
    return log.warn({ err: error, place: far.address }, 'backup.objects-kept')
  }
  for await (const object of far.listObjects())
    if (!named.has(object)) await far.remove(`${OBJECTS_NAME}/${objectPath(object)}`)
}
