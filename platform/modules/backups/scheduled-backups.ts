/**
 * The backup of each night: when it is due, and what belongs to it: making it, proving that it can be restored, taking old
 * ones away, and saying what went wrong.
 */
import { AppError } from '../../app/errors.ts'
import type { Ctx } from '../../app/context.ts'
import { isOutOfSpace } from '../../infra/ffmpeg/index.ts'
import type { Config } from '../../app/config.ts'
import { readBackupRecords, recordBackups, type BackupRecords } from '../../app/backup-records.ts'
import { listBackups } from './kept/backup-manifest.ts'
import { openFarPlace } from './kept/far-place.ts'
import { readKeyFile, type BackupKey } from './kept/key-file.ts'
import { makeBackup, type BackupInput, type BackupSource, type MadeBackup } from './making/make-backup.ts'
import { proveRestore, type Proof, type ProofInput } from './restoring/prove-restore.ts'
import { pruneBackups, removeUnnamedObjects } from './kept/prune-backups.ts'
import { pruneFarBackups, pushBackup, type PushedBackup, type PushInput } from './kept/push-backup.ts'
import { openBackup, type OpenBackup } from './kept/read-backup.ts'

const RETRY_AFTER_MS = 3_600_000
const DAY_MS = 86_400_000
/** In how many nights every file of a backup has been read back once. */
export const NIGHTS_TO_READ_ALL = 7

/** The last moment at or before `now` when the clock of this machine showed this time of day. */
export function lastMomentAt(now: Date, at: { readonly hour: number; readonly minute: number }): Date {
  const moment = new Date(now)
  moment.setHours(at.hour, at.minute, 0, 0)
  if (moment > now) moment.setDate(moment.getDate() - 1)
  return moment
}

/**
 * Whether a backup should be made now: one for each time of day that has passed since the last one began, also when nobody
 * was there at that very moment. After a failure, an hour passes first.
 *
 * @param since when the last backup was made; where there is none, when the instance was.
 */
export function isBackupDue(input: {
  readonly now: Date
  readonly at: { readonly hour: number; readonly minute: number }
  readonly since: Date
  readonly failedAt: Date | null
}): boolean {
  const { now, at, since, failedAt } = input
  if (failedAt && failedAt > since && now.getTime() - failedAt.getTime() < RETRY_AFTER_MS) return false
  return lastMomentAt(now, at) > since
}

/** The key by the configuration; null: backups are not encrypted. @throws {AppError} backup-key-unusable */
export const readConfiguredKey = async ({ backups }: Config): Promise<BackupKey | null> =>
  backups.keyFile === null ? null : readKeyFile(backups.keyFile)

/** Makes a backup and writes down how it went. @throws what makeBackup throws */
export async function makeRecordedBackup(source: BackupSource, input: BackupInput): Promise<MadeBackup> {
  const { config, clock, log } = source
  try {
    const made = await makeBackup(source, input)
    const { manifest } = made
    await recordBackups(config.dataDir, {
      lastBackup: {
        folder: made.folder,
        snapshotAt: manifest.snapshotAt,
        endedAt: manifest.endedAt,
        durationMs: made.durationMs,
        totalBytes: manifest.files.totalBytes + manifest.tables.reduce((sum, it) => sum + it.sizeBytes, 0),
        newBytes: manifest.files.newBytes,
        fileCount: manifest.files.count,
        isEncrypted: manifest.keyId !== null,
        isSameDisk: made.isSameDisk,
      },
      lastBackupFailure: null,
    })
    log.info({ folder: made.folder, durationMs: made.durationMs, files: manifest.files.count }, 'backup.made')
    return made
  } catch (error) {
    if (!input.signal.aborted) {
      await recordBackups(config.dataDir, { lastBackupFailure: describe(error, clock.now()) })
      log.error({ err: error, place: input.place }, 'backup.failed')
    }
    throw error
  }
}

/** Proves a restore and writes down how it went. @throws what proveRestore throws */
export async function recordedProof(
  source: Pick<BackupSource, 'config' | 'clock' | 'log'>,
  backup: OpenBackup,
  input: ProofInput,
): Promise<Proof> {
  const { config, clock, log } = source
  try {
    const proof = await proveRestore(source, backup, input)
    await recordBackups(config.dataDir, {
      lastProof: {
        at: clock.now().toISOString(),
        backup: backup.folder,
        snapshotAt: backup.manifest.snapshotAt,
        durationMs: proof.durationMs,
        tables: proof.tables,
        rows: proof.rows,
        files: proof.files,
        filesTotal: proof.filesTotal,
        playedVideoId: proof.played?.videoId ?? null,
      },
      lastProofFailure: null,
    })
    log.info({ backup: backup.folder, durationMs: proof.durationMs }, 'restore.proven')
    return proof
  } catch (error) {
    if (!input.signal.aborted) {
      await recordBackups(config.dataDir, { lastProofFailure: describe(error, clock.now()) })
      log.error({ err: error, backup: backup.folder }, 'restore.not-proven')
    }
    throw error
  }
}

/** Puts a backup into a bucket and writes down how it went. @throws what pushBackup throws */
export async function recordedPush(
  source: Pick<BackupSource, 'config' | 'clock' | 'log'>,
  input: Omit<PushInput, 'far'> & { readonly to: string },
): Promise<PushedBackup> {
  const { config, clock, log } = source
  try {
    const pushed = await pushBackup({ ...input, far: openFarPlace(config, input.to) })
    const at = clock.now().toISOString()
    await recordBackups(config.dataDir, { lastPush: { at, ...pushed }, lastPushFailure: null })
    log.info(pushed, 'backup.pushed')
    return pushed
  } catch (error) {
    if (!input.signal.aborted) {
      await recordBackups(config.dataDir, { lastPushFailure: describe(error, clock.now()) })
      log.error({ err: error, to: input.to }, 'backup.not-pushed')
    }
    throw error
  }
}

/** Whether the newest backup is still to be put into the bucket. After a failure, an hour passes first. */
export function isPushDue({
  config,
  now,
  newest,
  records,
}: {
  readonly config: Pick<Config, 'backups'>
  readonly now: Date
  /** The name of the newest backup; null: there is none. */
  readonly newest: string | null
  readonly records: Pick<BackupRecords, 'lastPush' | 'lastPushFailure'>
}): boolean {
  const { lastPush, lastPushFailure } = records
  if (config.backups.to === null || newest === null) return false
  if (lastPushFailure && now.getTime() - Date.parse(lastPushFailure.at) < RETRY_AFTER_MS) return false
  return lastPush?.folder !== `${config.backups.to.replace(/\/$/, '')}/${newest}`
}

/** Puts the newest backup into the bucket, if it is not there, and takes old ones away there. @throws as recordedPush */
export async function pushWhenDue(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const { config, clock, log } = ctx
  const { place, to, keepDays } = config.backups
  const newest = (await listBackups(place)).at(-1) ?? null
  const records = await readBackupRecords(config.dataDir)
  if (!isPushDue({ config, now: clock.now(), newest, records })) return
  const key = await readConfiguredKey(config)
  await recordedPush(ctx, { path: place, to: to!, key, signal })
  const pruned = await pruneFarBackups(openFarPlace(config, to!), { keepDays, now: clock.now(), key, log })
  if (pruned.length > 0) log.info({ backups: pruned }, 'backup.pruned-far')
}

const describe = (error: unknown, at: Date): NonNullable<BackupRecords['lastBackupFailure']> => ({
  at: at.toISOString(),
  code: error instanceof AppError ? error.code : 'unexpected',
  detail: (error as Error).message,
})

/** When the last backup of this instance was begun that came to its end; else when the instance was made. */
export async function lastBackupBegin(config: Config, birth: Date | null, now: Date): Promise<Date> {
  const { lastBackup } = await readBackupRecords(config.dataDir)
  return lastBackup ? new Date(lastBackup.snapshotAt) : (birth ?? now)
}

/** Everything that belongs to one night. @throws when the backup could not be made or proven; both are written down */
export async function runNightlyBackup(ctx: Ctx, signal: AbortSignal): Promise<void> {
  const { place, keepDays } = ctx.config.backups
  const key = await readConfiguredKey(ctx.config).catch(async (error: unknown) => {
    await recordBackups(ctx.config.dataDir, { lastBackupFailure: describe(error, ctx.clock.now()) })
    ctx.log.error({ err: error }, 'backup.failed')
    throw error
  })
  try {
    await makeRecordedBackup(ctx, { place, key, signal })
  } catch (error) {
    const isFull = isOutOfSpace(error) || (error instanceof AppError && error.code === 'backup-no-room')
    if (isFull) await removeUnnamedObjects(place, key, ctx.log)
    throw error
  }
  const pruned = await pruneBackups(place, { keepDays, now: ctx.clock.now(), key, log: ctx.log })
  if (pruned.backups.length > 0) ctx.log.info(pruned, 'backup.pruned')
  await recordedProof(ctx, await openBackup(place, key), {
    serverUrl: ctx.config.database.url,
    turn: {
      index: Math.floor(ctx.clock.now().getTime() / DAY_MS) % NIGHTS_TO_READ_ALL,
      of: NIGHTS_TO_READ_ALL,
    },
    signal,
  })
}
