/**
 * The folder in which one instance keeps its backups: `objects/` with the contents of files, a folder for each backup with
 * its tables, its list of files and its manifest, and a word to whoever finds it.
 */
import { lstat, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../../../../kit/files/durable-file.ts'
import { takeFileLock } from '../../../../kit/files/file-lock.ts'
import { AppError } from '../../../app/errors.ts'
import { listBackups, MANIFEST_NAME } from './backup-manifest.ts'

export const PLACE_NAME = 'place.json'
const LOCK_NAME = '.lock'
export const OBJECTS_NAME = 'objects'
export const UNFINISHED_PREFIX = '.unfinished-'

export const PlaceFile = z.object({ format: z.literal(1), storeId: z.string() })

export const PLACE_README = `Backups of an Upbeat instance.

  objects/      the contents of files, each under the SHA-256 of what is in it
  20…Z/         one backup each: manifest.json, the tables (COPY … text format), and files.jsonl, which says
                which object is which file

Check one:     upbeat restore THIS_FOLDER --verify
Restore one:   upbeat restore THIS_FOLDER --into-empty --data NEW_FOLDER

Don't remove anything from objects/ by hand: several backups share it.
`

/** @throws {AppError} backup-place-unfit when it can't be made */
export async function makePlace(place: string): Promise<void> {
  await mkdir(place, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('backup-place-unfit', { detail: `${place} can't be made (${cause.code}).`, cause })
  })
}

/**
 * Makes the place this instance's. Call it under the lock.
 *
 * @throws {AppError} backup-place-unfit when it holds something else, or another instance's backups.
 */
export async function claimPlace(place: string, storeId: string): Promise<void> {
  const known = await readPlaceFile(place)
  if (known === null) {
    const inside = (await readdir(place)).filter(
      (name) => name !== 'lost+found' && !name.startsWith(LOCK_NAME),
    )
    if (inside.length > 0)
      throw new AppError('backup-place-unfit', {
        detail: `${place} holds something that is no backup (${inside.slice(0, 3).join(', ')}).`,
      })
    await writeWhole(join(place, 'README.txt'), PLACE_README)
    await writeWhole(join(place, PLACE_NAME), `${JSON.stringify({ format: 1, storeId })}\n`)
    return
  }
  if (known !== storeId)
    throw new AppError('backup-place-unfit', {
      detail: `${place} keeps the backups of another instance (${known}).`,
    })
}

async function readPlaceFile(place: string): Promise<string | null> {
  try {
    return PlaceFile.parse(JSON.parse(await readFile(join(place, PLACE_NAME), 'utf8'))).storeId
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new AppError('backup-place-unfit', { detail: `${join(place, PLACE_NAME)} can't be read.`, cause })
  }
}

/** @throws {AppError} backup-under-way when another process works in this place */
export function lockPlace(place: string): Disposable {
  const lock = takeFileLock(join(place, LOCK_NAME))
  if (!lock) throw new AppError('backup-under-way', { detail: `Another backup is being made in ${place}.` })
  return lock
}

/** Removes what backups left that were cut off. Call it under the lock. */
export async function removeUnfinished(place: string): Promise<void> {
  for (const name of await readdir(place))
    if (name.startsWith(UNFINISHED_PREFIX)) await rm(join(place, name), { recursive: true, force: true })
  for (const name of await readdir(join(place, OBJECTS_NAME)).catch(() => []))
    if (name.endsWith('.tmp')) await rm(join(place, OBJECTS_NAME, name), { force: true })
}

export interface FoundBackup {
  readonly place: string
  readonly folder: string
  readonly name: string
}

/**
 * Finds the backup that a person means: a place (its newest backup) or one backup's folder.
 *
 * @throws {AppError} backup-place-unfit when there is none.
 */
export async function findBackup(path: string): Promise<FoundBackup> {
  const folder = resolve(path)
  const isBackup = await stat(join(folder, MANIFEST_NAME)).then(
    () => true,
    () => false,
  )
  if (isBackup) return { place: resolve(folder, '..'), folder, name: folder.split('/').at(-1)! }
  const name = (await listBackups(folder)).at(-1)
  if (name === undefined)
    throw new AppError('backup-place-unfit', { detail: `There is no whole backup in ${folder}.` })
  return { place: folder, folder: join(folder, name), name }
}

/** Whether two paths lie on the same file system. */
export async function isSameDisk(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b)])
  return first.dev === second.dev
}

/** Whether there is something under the path: a folder with anything in it, or a file. */
export async function isOccupied(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => null)
  if (!found) return false
  return found.isDirectory() ? (await readdir(path)).length > 0 : true
}
