/** `upbeat restore`: on trial (`--verify`), or for good into an empty place (`--into-empty`). */
import type { Config } from '../platform/app/config.ts'
import { systemClock } from '../kit/clock.ts'
import {
  openBackupAt,
  readConfiguredKey,
  readKeyFile,
  recordedProof,
  restoreInstance,
} from '../platform/modules/backups/index.ts'
import { takeDataDir } from '../platform/supervisor/data-dir.ts'
import { commandLog, findDatabaseUrl } from './instance.ts'
import { onInterrupt } from './interrupt.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { createProgress, secondsInWords, sizeInWords } from './progress.ts'
import { settingsOf } from './settings.ts'
import { instantInWords } from './times.ts'

export async function restore(given: Arguments): Promise<number> {
  const [path] = given.operands
  if (path === undefined || given.operands.length > 1)
    throw new UsageError('Which backup, or which folder of backups?')
  if (given.isVerify === given.isIntoEmpty) throw new UsageError('Either --verify or --into-empty.')
  const config = settingsOf(given)
  const key = await readKeyOf(given, config)
  const backup = await openBackupAt(config, path, key)
  return given.isVerify ? verify(config, backup) : restoreForGood(config, backup)
}

/** `--key none` is for a backup that was made without one, on an instance that has one now. */
async function readKeyOf({ keyFile }: Arguments, config: Config) {
  if (keyFile === 'none') return null
  return keyFile === undefined ? readConfiguredKey(config) : readKeyFile(keyFile)
}

type Backup = Awaited<ReturnType<typeof openBackupAt>>

async function verify(config: Config, backup: Backup): Promise<number> {
  const signal = onInterrupt()
  const progress = createProgress()
  const proof = await recordedProof({ config, clock: systemClock, log: commandLog() }, backup, {
    serverUrl: await findDatabaseUrl(config),
    signal,
    onProgress: ({ phase, done, total }) =>
      progress.show(`${phase}: ${done}${total === null ? '' : ` of ${total}`}`),
  }).finally(() => progress.end())
  console.log(
    `✓ ${backup.folder} can be restored (${secondsInWords(proof.durationMs)}): as of ${instantInWords(backup.manifest.snapshotAt, new Date())}`,
  )
  console.log(
    `  ${proof.tables} tables with ${proof.rows} rows, equal to what was dumped${describeMigrated(proof.migrated)}`,
  )
  console.log(`  ${proof.files} files with ${sizeInWords(proof.bytes)}, each equal to its SHA-256`)
  console.log(
    proof.played
      ? `  the video ${proof.played.videoId} plays: ${proof.played.segments} segments, ${proof.played.videoFrames} pictures decoded`
      : '  no video was there to be played',
  )
  return 0
}

const describeMigrated = (migrated: readonly string[]): string =>
  migrated.length > 0 ? `; brought up to date by ${migrated.join(', ')}` : ''

async function restoreForGood(config: Config, backup: Backup): Promise<number> {
  const signal = onInterrupt()
  using _lock = await takeDataDir(config.dataDir)
  const progress = createProgress()
  const { database, files, durationMs } = await restoreInstance({ config, log: commandLog() }, backup, {
    signal,
    onProgress: ({ phase, done, total }) => progress.show(`${phase}: ${done} of ${total}`),
  }).finally(() => progress.end())
  console.log(
    `✓ ${config.dataDir} holds the instance as of ${instantInWords(backup.manifest.snapshotAt, new Date())} (${secondsInWords(durationMs)})`,
  )
  console.log(`  ${database.tables} tables with ${database.rows} rows${describeMigrated(database.migrated)}`)
  console.log(`  ${files.count} files with ${sizeInWords(files.bytes)}`)
  if (database.leftOut.length > 0)
    console.log(`  Left out, for this version keeps them otherwise: ${database.leftOut.join(', ')}`)
  console.log(`  Start it: ./up --data ${config.dataDir}`)
  return 0
}
