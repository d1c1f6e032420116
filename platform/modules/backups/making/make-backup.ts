/**
 * Makes a backup: the tables of one snapshot, and every file that they may name.
 *
 * Deletions are held from before the snapshot until the last file is copied, and files are never changed in their place;
 * so what the snapshot names is there to be copied, however long that takes. The manifest comes last, when everything else
 * has reached the disk.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeSynced } from '../../../../kit/files/durable-file.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { holdJournalCopies } from '../../../app/journal/index.ts'
import { AlreadyHeldError, holdDeletions, type Hold } from '../../../infra/blobs/index.ts'
import { isDatabaseUnavailable } from '../../../infra/db/index.ts'
import { createRowsDigest, openDump, type Dump, type DumpedTable } from '../../../infra/db/dump/index.ts'
import { JOB_TABLES } from '../../../infra/jobs/index.ts'
import { markBlobStore } from '../../transcoding/index.ts'
import { backUpFiles } from './back-up-files.ts'
import {
  backupNameAt,
  MANIFEST_FORMAT,
  MANIFEST_NAME,
  renderManifest,
  type Manifest,
} from '../kept/backup-manifest.ts'
import {
  isSameDisk,
  claimPlace,
  lockPlace,
  makePlace,
  OBJECTS_NAME,
  removeUnfinished,
  UNFINISHED_PREFIX,
} from '../kept/backup-place.ts'
import type { BackupKey } from '../kept/key-file.ts'
import { openObjectStore } from '../kept/object-store.ts'
import { sealedParts } from '../kept/sealed-parts.ts'
import { stageSnapshot } from './staged-files.ts'
import { copyWatchFiles, WATCH_NAME } from './watch-copies.ts'

/** What is backed up. */
export type BackupSource = Pick<Ctx, 'config' | 'db' | 'blobs' | 'clock' | 'log' | 'newId'>

export interface BackupProgress {
  readonly phase: 'tables' | 'files'
  readonly done: number
  /** Null: not known yet. */
  readonly total: number | null
  readonly bytes: number
}

export interface BackupInput {
  /** The folder that keeps this instance's backups; made when missing. */
  readonly place: string
  readonly key: BackupKey | null
  readonly signal: AbortSignal
  readonly onProgress?: (progress: BackupProgress) => void
}

export interface MadeBackup {
  readonly folder: string
  readonly manifest: Manifest
  readonly durationMs: number
  readonly isSameDisk: boolean
}

const UNDEFINED_TABLE = '42P01'

/**
 * Makes one backup. Cancelled, or failed, it leaves nothing but objects, which the next one makes use of.
 *
 * @throws {AppError} backup-place-unfit, backup-under-way, backup-no-database, backup-no-room.
 */
export async function makeBackup(source: BackupSource, input: BackupInput): Promise<MadeBackup> {
  try {
    return await makeWith(source, input)
  } catch (cause) {
    if (!isDatabaseUnavailable(cause) || isMissingFile(cause)) throw cause
    const { journal } = source.config.paths
    throw new AppError('backup-no-database', {
      detail:
        `The database does not answer (${(cause as Error).message}), and nothing was backed up. ` +
        `What people do meanwhile is kept in ${journal}, on this disk alone.`,
      cause,
    })
  }
}

/** A socket that is not there is the database's. */
function isMissingFile(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'ENOENT' && syscall !== 'connect'
}

async function makeWith(source: BackupSource, input: BackupInput): Promise<MadeBackup> {
  const { config, clock } = source
  const startedMs = clock.monotonicMs()
  const storeId = await markBlobStore(source).catch((cause: { code?: string }) => {
    if (cause.code !== UNDEFINED_TABLE) throw cause
    throw new AppError('backup-place-unfit', {
      detail: `${config.dataDir} holds no instance that was ever started, so there is nothing to keep.`,
      next: 'Name the data folder of the instance by --data.',
      cause,
    })
  })
  await makePlace(input.place)
  using _lock = lockPlace(input.place)
  await claimPlace(input.place, storeId)
  await removeUnfinished(input.place)
  const startedAt = clock.now()
  const name = backupNameAt(startedAt)
  const unfinished = join(input.place, `${UNFINISHED_PREFIX}${name}`)
  await mkdir(unfinished, { mode: 0o700 })
  try {
    await using hold = await takeHold(source)
    const signal = AbortSignal.any([input.signal, hold.signal])
    const body = await writeParts(source, { ...input, signal, unfinished })
    const manifest: Manifest = {
      format: MANIFEST_FORMAT,
      id: name,
      storeId,
      startedAt: startedAt.toISOString(),
      endedAt: clock.now().toISOString(),
      upbeatVersion: await readOwnVersion(),
      keyId: input.key?.id ?? null,
      ...body,
    }
    await writeSynced(join(unfinished, MANIFEST_NAME), renderManifest(manifest, input.key))
    await syncFolder(unfinished)
    signal.throwIfAborted()
    const folder = join(input.place, name)
    await rename(unfinished, folder)
    await syncFolder(input.place)
    return {
      folder,
      manifest,
      durationMs: clock.monotonicMs() - startedMs,
      isSameDisk: await isSameDisk(input.place, config.dataDir),
    }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
}

async function takeHold({ db }: BackupSource): Promise<Hold> {
  try {
    return await holdDeletions(db, randomUUID())
  } catch (cause) {
    if (!(cause instanceof AlreadyHeldError)) throw cause
    throw new AppError('backup-under-way', { cause })
  }
}

type Body = Pick<
  Manifest,
  | 'snapshotAt'
  | 'postgresVersion'
  | 'migrations'
  | 'tables'
  | 'sequences'
  | 'skippedTables'
  | 'leftOut'
  | 'files'
>

async function writeParts(
  source: BackupSource,
  input: BackupInput & { readonly unfinished: string },
): Promise<Body> {
  const { config, log } = source
  const { signal } = input
  const objects = await openObjectStore(join(input.place, OBJECTS_NAME), input.key)
  // Before the snapshot and after it: what is whole in between has a name in one of them.
  await using staged = await stageSnapshot(config.paths.staging)
  await staged.look()
  await using journals = await holdJournalCopies(config.paths.journal)
  const snapshot = await writeTables(input, config.database.url!, async () => {
    await staged.look()
    await journals.take()
  })
  await using watch = await copyWatchFiles(join(config.dataDir, WATCH_NAME), config.paths.staging)
  for (const one of watch.leftOut) log.warn(one, 'backup.left-out')
  const files = await backUpFiles(source, {
    ...input,
    objects,
    folders: [
      { place: 'staging', path: staged.folder },
      { place: 'journal', path: journals.folder },
      { place: 'journal', path: config.paths.journalAside, prefix: 'aside/' },
      { place: 'watch', path: watch.folder },
    ],
    reserveBytes: config.uploads.reserveBytes,
    mayLink: input.key === null && (await isSameDisk(input.place, config.paths.blobs)),
  })
  signal.throwIfAborted()
  await objects.sync()
  return { ...snapshot, leftOut: [...watch.leftOut], files }
}

/** Copies the tables; the snapshot is given back as soon as they are. */
async function writeTables(
  input: BackupInput & { readonly unfinished: string },
  url: string,
  onSnapshot: () => Promise<void>,
): Promise<Omit<Body, 'files' | 'leftOut'>> {
  const { signal, onProgress } = input
  await using dump = await openDump({ url, extra: JOB_TABLES, signal })
  await onSnapshot()
  await mkdir(join(input.unfinished, 'tables'), { mode: 0o700 })
  const tables: Manifest['tables'] = []
  let bytes = 0
  for (const table of dump.tables) {
    onProgress?.({ phase: 'tables', done: tables.length, total: dump.tables.length, bytes })
    signal.throwIfAborted()
    const written = await writeTable(input, dump, table)
    bytes += written.sizeBytes
    tables.push(written)
  }
  await syncFolder(join(input.unfinished, 'tables'))
  onProgress?.({ phase: 'tables', done: tables.length, total: tables.length, bytes })
  return {
    snapshotAt: dump.takenAt.toISOString(),
    postgresVersion: dump.serverVersion,
    migrations: [...dump.migrations],
    tables,
    sequences: [...dump.sequences],
    skippedTables: [...dump.skipped],
  }
}

async function writeTable(
  { unfinished, key }: BackupInput & { readonly unfinished: string },
  dump: Dump,
  table: DumpedTable,
): Promise<Manifest['tables'][number]> {
  const digest = createRowsDigest()
  const file = `tables/${table.schema}.${table.name}.copy${key ? '.sealed' : ''}`
  const stored = await sealedParts(key).write(
    join(unfinished, file),
    file,
    watched(dump.copyOut(table), digest.update),
  )
  const { rows, sha256, sizeBytes } = digest.finish()
  return { ...table, columns: [...table.columns], file, ...stored, rows, sha256, sizeBytes }
}

async function* watched(
  source: AsyncIterable<Uint8Array>,
  look: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    look(piece)
    yield piece
  }
}

async function readOwnVersion(): Promise<string> {
  const path = join(import.meta.dirname, '..', '..', '..', '..', 'package.json')
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}
