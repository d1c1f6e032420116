/** What a backup says of itself: `manifest.json`, which appears last, so that a backup that has one is whole. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AnswerTooLongError, readBounded } from '../../../../kit/http/read-bounded.ts'
import { AppError } from '../../../app/errors.ts'
import type { BackupFolder } from './backup-folder.ts'
import type { BackupKey } from './key-file.ts'

export const MANIFEST_NAME = 'manifest.json'
/** 2: with journals, and the files of the watch. */
export const MANIFEST_FORMAT = 2
/** Some hundred times what one of every table and of every migration takes. */
const MANIFEST_MAX_BYTES = 16 * 1024 * 1024

const Count = z.int().min(0)
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const StoredPart = z.object({
  /** Relative to the backup's folder, and in it. */
  file: z.string().regex(/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/),
  /** As it lies there: sealed, where the backup is. */
  storedBytes: Count,
  storedSha256: Sha256,
})

const Table = StoredPart.extend({
  schema: z.string(),
  name: z.string(),
  columns: z.array(z.string()),
  where: z.string().nullable(),
  rows: Count,
  sizeBytes: Count,
  /** Of the rows in PostgreSQL's text format. */
  sha256: Sha256,
})

export const Manifest = z.object({
  format: z.int(),
  id: z.string(),
  /** Which instance: the id of its folder of blobs. */
  storeId: z.string(),
  startedAt: z.iso.datetime(),
  /** The moment that the backup shows. */
  snapshotAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  upbeatVersion: z.string(),
  postgresVersion: z.string(),
  /** The migrations that its schema has had. */
  migrations: z.array(z.string()),
  /** Null: it lies there as it is. */
  keyId: z.string().nullable(),
  tables: z.array(Table),
  sequences: z.array(z.object({ schema: z.string(), name: z.string(), lastValue: z.string() })),
  skippedTables: z.array(z.object({ schema: z.string(), name: z.string(), why: z.string() })),
  /** What could not be kept, and why: the rest is whole without it. */
  leftOut: z.array(z.object({ what: z.string(), why: z.string() })).default([]),
  files: StoredPart.extend({
    count: Count,
    totalBytes: Count,
    /** Of these, what no earlier backup in the same place had. */
    newCount: Count,
    newBytes: Count,
    /** Whether a file shares its place on the disk with the instance's own (hard links): a lost disk takes both. */
    areLinked: z.boolean(),
  }),
})
export type Manifest = z.infer<typeof Manifest>
export type BackedUpTable = z.infer<typeof Table>

/** One line of the list of files. */
export const BackedUpFile = z.object({
  place: z.enum(['blobs', 'staging', 'instance', 'journal', 'watch']),
  name: z.string().regex(/^[a-zA-Z0-9][\w.-]*(\/[a-zA-Z0-9][\w.-]*)*$/),
  sizeBytes: Count,
  modifiedMs: z.number(),
  sha256: Sha256,
  /** Under which name it lies among the objects. */
  object: Sha256,
})
export type BackedUpFile = z.infer<typeof BackedUpFile>

/** The manifest as it is written; under a key, nobody without the key can change it unnoticed. */
export function renderManifest(manifest: Manifest, key: BackupKey | null): string {
  const text = JSON.stringify(manifest, null, 2)
  return `${text}\n${key ? `${macOf(text, key)}\n` : ''}`
}

const macOf = (text: string, key: BackupKey) =>
  createHmac('sha256', key.bytes).update('upbeat backup manifest\0').update(text).digest('hex')

/**
 * Reads the manifest of one backup.
 *
 * @throws {AppError} backup-damaged; backup-newer; backup-key-unusable when it needs a key that was not given.
 */
export async function readManifest(source: BackupFolder, key: BackupKey | null): Promise<Manifest> {
  const { address: folder } = source
  const text = await readText(source)
  const end = text.lastIndexOf('\n}')
  const body = text.slice(0, end + 2)
  const damaged = (detail: string, cause?: unknown) => new AppError('backup-damaged', { detail, cause })
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (cause) {
    throw damaged(`${folder}: its manifest can't be read.`, cause)
  }
  const { format } = z.object({ format: z.int() }).catch({ format: 0 }).parse(parsed)
  if (format > MANIFEST_FORMAT)
    throw new AppError('backup-newer', {
      detail: `${folder} is in format ${format}; this Upbeat reads ${MANIFEST_FORMAT}.`,
    })
  const manifest = Manifest.safeParse(parsed)
  if (!manifest.success) throw damaged(`${folder}: its manifest does not say what it has to.`, manifest.error)
  const { keyId } = manifest.data
  if (keyId === null) return manifest.data
  if (!key)
    throw new AppError('backup-key-unusable', {
      detail: `${folder} is encrypted: give its key by --key FILE.`,
    })
  if (key.id !== keyId)
    throw new AppError('backup-key-unusable', {
      detail: `${folder} was encrypted by the key ${keyId}, not by ${key.id}.`,
    })
  const given = Buffer.from(text.slice(end + 2).trim())
  const expected = Buffer.from(macOf(body, key))
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw damaged(`${folder}: its manifest was changed after it was written.`)
  return manifest.data
}

/** Nothing of it is authentic before all of it is there: whoever may write there must not fill the memory. */
async function readText(source: BackupFolder): Promise<string> {
  try {
    return (await readBounded(source.read(MANIFEST_NAME), MANIFEST_MAX_BYTES)).toString()
  } catch (cause) {
    if (!(cause instanceof AnswerTooLongError)) throw cause
    throw new AppError('backup-damaged', {
      detail: `${source.address}: its manifest is longer than ${MANIFEST_MAX_BYTES} bytes.`,
      cause,
    })
  }
}

export const BACKUP_NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/

/** The name of a backup that begins now; names sort by time. */
export const backupNameAt = (at: Date): string => `${at.toISOString().slice(0, 19).replaceAll(':', '-')}Z`

/** When a backup of this name began. */
export const timeOfBackup = (name: string): Date =>
  new Date(name.replace(/T(\d\d)-(\d\d)-(\d\d)Z$/, 'T$1:$2:$3Z'))

/** The names of the whole backups in a place, the oldest first. */
export async function listBackups(place: string): Promise<string[]> {
  const names = await readdir(place).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  const whole = await Promise.all(
    names
      .filter((name) => BACKUP_NAME.test(name))
      .map(async (name) => ((await readdir(join(place, name))).includes(MANIFEST_NAME) ? name : null)),
  )
  return whole.filter((name) => name !== null).sort()
}
