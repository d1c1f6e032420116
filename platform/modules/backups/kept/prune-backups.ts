/** Taking old backups away, and the objects that no backup names any more. */
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../../../kit/files/durable-file.ts'
import type { Log } from '../../../../kit/log.ts'
import { diskFolder } from './backup-folder.ts'
import { listBackups, readManifest, timeOfBackup } from './backup-manifest.ts'
import { lockPlace, OBJECTS_NAME, UNFINISHED_PREFIX } from './backup-place.ts'
import type { BackupKey } from './key-file.ts'
import { openObjectStore } from './object-store.ts'
import { readFileList } from './read-backup.ts'

const DAY_MS = 86_400_000

export interface Pruned {
  readonly backups: readonly string[]
  /** Null: they were left, for a backup that stays can't be read and may need them. */
  readonly objects: number | null
}

/**
 * Removes backups older than this, but never the newest whole one.
 *
 * @throws {AppError} backup-under-way.
 */
export async function pruneBackups(
  place: string,
  options: {
    readonly keepDays: number
    readonly now: Date
    readonly key: BackupKey | null
    readonly log: Log
  },
): Promise<Pruned> {
  const { keepDays, now, key, log } = options
  using _lock = lockPlace(place)
  const names = await listBackups(place)
  const before = now.getTime() - keepDays * DAY_MS
  const old = names.slice(0, -1).filter((name) => timeOfBackup(name).getTime() < before)
  for (const name of old) {
    // Under this name it is no backup any more, however far its removal gets.
    const unfinished = join(place, `${UNFINISHED_PREFIX}${name}`)
    await rename(join(place, name), unfinished)
    await rm(unfinished, { recursive: true, force: true })
  }
  await syncFolder(place)
  if (old.length === 0) return { backups: [], objects: 0 }
  return {
    backups: old,
    objects: await removeUnnamed(
      place,
      names.filter((name) => !old.includes(name)),
      key,
      log,
    ),
  }
}

/**
 * Removes the objects that no whole backup names: what one that failed has left.
 *
 * @returns how many; null: they were left.
 */
export async function removeUnnamedObjects(
  place: string,
  key: BackupKey | null,
  log: Log,
): Promise<number | null> {
  using _lock = lockPlace(place)
  return await removeUnnamed(place, await listBackups(place), key, log)
}

async function removeUnnamed(
  place: string,
  kept: readonly string[],
  key: BackupKey | null,
  log: Log,
): Promise<number | null> {
  const named = new Set<string>()
  try {
    for (const name of kept) {
      const folder = diskFolder(join(place, name))
      const manifest = await readManifest(folder, key)
      const ownKey = manifest.keyId === null ? null : key
      for await (const { object } of readFileList(folder, manifest, ownKey)) named.add(object)
    }
  } catch (error) {
    log.warn({ err: error, place }, 'backup.objects-kept')
    return null
  }
  const objects = await openObjectStore(join(place, OBJECTS_NAME), key)
  let count = 0
  for await (const object of objects.list()) {
    if (named.has(object)) continue
    await objects.remove(object)
    count++
  }
  return count
}
