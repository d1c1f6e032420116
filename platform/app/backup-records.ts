/**
 * What is known of backups and proofs, in one small file of the data folder: it has to be readable when the database is
 * not.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../../kit/files/durable-file.ts'

const At = z.iso.datetime()

const LastBackup = z.object({
  folder: z.string(),
  /** The moment that it shows. */
  snapshotAt: At,
  endedAt: At,
  durationMs: z.number(),
  /** Of its tables and files; what it shares with other backups is counted in each. */
  totalBytes: z.number(),
  newBytes: z.number(),
  fileCount: z.number(),
  isEncrypted: z.boolean(),
  /** Whether it lies on the disk of the instance itself. */
  isSameDisk: z.boolean(),
})
const LastProof = z.object({
  at: At,
  backup: z.string(),
  snapshotAt: At,
  durationMs: z.number(),
  tables: z.number(),
  rows: z.number(),
  files: z.number(),
  filesTotal: z.number(),
  /** Null: there was no video. */
  playedVideoId: z.string().nullable(),
})
const LastPush = z.object({
  at: At,
  /** The backup's name. */
  name: z.string(),
  /** Where it lies now. */
  folder: z.string(),
  /** Contents of files that were not there. */
  newCount: z.number(),
})
const Failure = z.object({ at: At, code: z.string(), detail: z.string() })

export const BackupRecords = z.object({
  lastBackup: LastBackup.nullable().default(null),
  lastBackupFailure: Failure.nullable().default(null),
  /** Into the place in a bucket. */
  lastPush: LastPush.nullable().default(null),
  lastPushFailure: Failure.nullable().default(null),
  lastProof: LastProof.nullable().default(null),
  lastProofFailure: Failure.nullable().default(null),
})
export type BackupRecords = z.infer<typeof BackupRecords>

const NONE: BackupRecords = BackupRecords.parse({})
const pathOf = (dataDir: string) => join(dataDir, 'backups.json')

/** What was written last; nothing is known where nothing was, or where it can't be read. */
export async function readBackupRecords(dataDir: string): Promise<BackupRecords> {
  const text = await readFile(pathOf(dataDir), 'utf8').catch(() => '{}')
  try {
    return BackupRecords.catch(NONE).parse(JSON.parse(text))
  } catch {
    return NONE
  }
}

/** Writes down what is new. */
export async function recordBackups(dataDir: string, changes: Partial<BackupRecords>): Promise<void> {
  const records = { ...(await readBackupRecords(dataDir)), ...changes }
  await writeWhole(pathOf(dataDir), `${JSON.stringify(records, null, 2)}\n`)
}
