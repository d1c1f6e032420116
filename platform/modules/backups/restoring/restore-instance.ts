/**
 * Restores a backup for good, into an empty place: a data folder without an instance, and a database without tables.
 *
 * The files come first, and the database last, in one transaction; until then a mark in the data folder keeps the instance
 * from being started, and lets a restore that was cut off begin anew.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../../../kit/log.ts'
import type { Config } from '../../../app/config.ts'
import { AppError } from '../../../app/errors.ts'
import { clearRestoreMark, readRestoreMark, setRestoreMark } from '../../../app/restore-mark.ts'
import { isEmptyDatabase } from '../../../infra/db/dump/index.ts'
import { startPostgres } from '../../../infra/postgres/index.ts'
import { isOccupied } from '../kept/backup-place.ts'
import type { OpenBackup } from '../kept/read-backup.ts'
import { WATCH_NAME } from '../making/watch-copies.ts'
import { restoreDatabase, type RestoredDatabase } from './restore-database.ts'
import { placesOf, restoreFiles, type RestoredFiles } from './restore-files.ts'

/** What an instance has in its data folder, and a restore makes. */
const RESTORED = [
  'blobs',
  'staging',
  'secrets.json',
  'demo.state',
  'demo-passwords.json',
  'journal',
  WATCH_NAME,
]

export interface RestoreProgress {
  readonly phase: 'files' | 'tables'
  readonly done: number
  readonly total: number
}

export interface RestoredInstance {
  readonly database: RestoredDatabase
  readonly files: RestoredFiles
  readonly durationMs: number
}

/**
 * Restores into the configuration's data folder and database.
 *
 * The caller holds the data folder's lock. Repeating a restore that was cut off begins it anew.
 *
 * @throws {AppError} backup-place-unfit when there is anything that would be overwritten.
 */
export async function restoreInstance(
  source: { readonly config: Config; readonly log: Log },
  backup: OpenBackup,
  input: { readonly signal: AbortSignal; readonly onProgress?: (progress: RestoreProgress) => void },
): Promise<RestoredInstance> {
  const { config, log } = source
  const { signal, onProgress } = input
  const startedMs = performance.now()
  await mkdir(config.dataDir, { recursive: true })
  await clearPlace(config)
  await setRestoreMark(config.dataDir, backup.folder)

  const total = backup.manifest.files.count
  const files = await restoreFiles(backup, {
    places: placesOf(config),
    signal,
    onFile: (done) => onProgress?.({ phase: 'files', done, total }),
  })
  await using postgres = config.database.url
    ? null
    : await startPostgres({ dataDir: join(config.dataDir, 'postgres'), log })
  const url = config.database.url ?? postgres!.url
  if (!(await isEmptyDatabase(url)) && config.database.url)
    throw new AppError('backup-place-unfit', {
      detail: `The database ${new URL(url).pathname.slice(1)} at ${new URL(url).host} has tables already.`,
      next: 'Make an empty database for it, and name that one by DATABASE_URL.',
    })
  const database = await restoreDatabase(backup, {
    url,
    signal,
    onError: (error) => log.warn({ err: error }, 'restore.connection'),
    onTable: (done, tables) => onProgress?.({ phase: 'tables', done, total: tables }),
  })
  await clearRestoreMark(config.dataDir)
  return { database, files, durationMs: performance.now() - startedMs }
}

/** Makes the place empty if a restore left it unfinished. @throws {AppError} when it is not empty otherwise */
async function clearPlace({ dataDir, paths, database }: Config): Promise<void> {
  const places = [...RESTORED.map((name) => join(dataDir, name)), paths.blobs, paths.staging]
  const cluster = join(dataDir, 'postgres', 'cluster')
  if ((await readRestoreMark(dataDir)) !== null) {
    for (const path of places) await rm(path, { recursive: true, force: true })
    if (database.url === null) await rm(join(dataDir, 'postgres'), { recursive: true, force: true })
    return
  }
  for (const path of [...places, ...(database.url === null ? [cluster] : [])])
    if (await isOccupied(path))
      throw new AppError('backup-place-unfit', {
        detail: `${path} is there already. A restore overwrites nothing.`,
        next: 'Name an empty folder by --data DIR. To give the present one up, move it away first.',
      })
}
