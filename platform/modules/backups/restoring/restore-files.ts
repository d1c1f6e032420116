/** The files of a backup, put where they were: each checked against its hash while it is written, and synced. */
import { join } from 'node:path'
import { syncFolder, writeWhole } from '../../../../kit/files/durable-file.ts'
import { eachInParallel } from '../../../../kit/bounded/parallel.ts'
import type { Config } from '../../../app/config.ts'
import { AppError } from '../../../app/errors.ts'
import type { BackedUpFile } from '../kept/backup-manifest.ts'
import type { OpenBackup } from '../kept/read-backup.ts'
import { INSTANCE_FILES } from '../making/back-up-files.ts'
import { WATCH_NAME } from '../making/watch-copies.ts'

/** Each file waits for the disk, and a disk takes what waits for it together. */
const CONCURRENCY = 16
/** As infra/blobs makes them: nginx may serve them from the folder, into which nobody else may look. */
const BLOB_MODE = 0o644
const PRIVATE_MODE = 0o600

export interface RestorePlaces {
  readonly blobs: string
  readonly staging: string
  readonly instance: string
  readonly journal: string
  readonly watch: string
}

/** Where a data folder has each of them. */
export const placesOf = ({ dataDir, paths }: Pick<Config, 'dataDir' | 'paths'>): RestorePlaces => ({
  blobs: paths.blobs,
  staging: paths.staging,
  instance: dataDir,
  journal: paths.journal,
  watch: join(dataDir, WATCH_NAME),
})

export interface RestoredFiles {
  readonly count: number
  readonly bytes: number
}

/**
 * Writes the files; those that are there are replaced.
 *
 * @param options.isWanted which ones. @default all
 * @throws {AppError} backup-damaged.
 */
export async function restoreFiles(
  backup: OpenBackup,
  options: {
    readonly places: RestorePlaces
    readonly isWanted?: (file: BackedUpFile) => boolean
    readonly signal: AbortSignal
    readonly onFile?: (done: number, bytes: number) => void
  },
): Promise<RestoredFiles> {
  const { places, isWanted = () => true, signal, onFile } = options
  const folders = new Set<string>()
  let [count, bytes] = [0, 0]
  await eachInParallel(backup.listFiles(), { concurrency: CONCURRENCY, signal }, async (file) => {
    if (!isWanted(file)) return
    // Whatever else were put into the data folder would be in force at the next start.
    if (file.place === 'instance' && !INSTANCE_FILES.includes(file.name))
      throw new AppError('backup-damaged', {
        detail: `${backup.folder} holds ${file.name} for the data folder, which no backup has.`,
      })
    const path = join(places[file.place], ...file.name.split('/'))
    const mode = file.place === 'blobs' ? BLOB_MODE : PRIVATE_MODE
    await writeWhole(path, backup.objects.read(file), { mode })
    folders.add(join(path, '..'))
    bytes += file.sizeBytes
    onFile?.(++count, bytes)
  })
  for (const folder of folders) await syncFolder(folder)
  return { count, bytes }
}

/** Reads files back and checks them, without writing them anywhere. @throws {AppError} backup-damaged */
export async function checkFiles(
  backup: OpenBackup,
  options: {
    readonly isWanted?: (file: BackedUpFile) => boolean
    readonly signal: AbortSignal
    readonly onFile?: (done: number, bytes: number) => void
  },
): Promise<RestoredFiles> {
  const { isWanted = () => true, signal, onFile } = options
  let [count, bytes] = [0, 0]
  await eachInParallel(backup.listFiles(), { concurrency: CONCURRENCY, signal }, async (file) => {
    if (!isWanted(file)) return
    for await (const piece of backup.objects.read(file)) bytes += piece.byteLength
    onFile?.(++count, bytes)
  })
  return { count, bytes }
}
