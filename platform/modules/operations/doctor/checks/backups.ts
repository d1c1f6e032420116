/** Backups: how old the last one is, whether it was proven, and what would take it away together with the instance. */
import { readBackupRecords } from '../../../../app/backup-records.ts'
import type { Check, Finding } from '../doctor.ts'
import { readConfiguredKey } from '../../../backups/index.ts'
import { advice, fine, inWords, problem } from './finding.ts'

const ABOUT = 'Backups'
const DAY_MS = 86_400_000
/** A nightly one that was made is never older; a proof goes with each. */
const STALE_MS = 2 * DAY_MS

export const checkBackups: Check = async ({ config, now }) => {
  const records = await readBackupRecords(config.dataDir)
  const { lastBackup, lastBackupFailure, lastPush, lastPushFailure, lastProof, lastProofFailure } = records
  const findings: Finding[] = []
  const keyTrouble = await readConfiguredKey(config).then(
    () => null,
    (error: unknown) => (error as Error).message,
  )
  if (keyTrouble)
    findings.push(problem(ABOUT, keyTrouble, 'Without its key no backup is made, and none can be restored.'))
  if (lastBackupFailure)
    findings.push(
      problem(
        ABOUT,
        `The backup at ${lastBackupFailure.at} failed: ${lastBackupFailure.detail}`,
        'Mend that, then make one by hand: upbeat backup',
      ),
    )
  if (!config.backups.isNightly)
    findings.push(
      advice(ABOUT, 'None is made by itself (BACKUP=off).', 'Set BACKUP=on, or see to it elsewhere.'),
    )
  if (!lastBackup) {
    const isComing = config.backups.isNightly && !lastBackupFailure
    findings.push(
      isComing
        ? advice(ABOUT, 'There is none yet.', 'The first one is made this night. Now: upbeat backup')
        : problem(ABOUT, 'There is none.', 'Make one: upbeat backup'),
    )
    return findings
  }
  const ageMs = now().getTime() - new Date(lastBackup.snapshotAt).getTime()
  const what = `The last one shows ${lastBackup.snapshotAt}: ${lastBackup.fileCount} files, ${inWords(lastBackup.totalBytes)}, in ${lastBackup.folder}.`
  findings.push(
    ageMs > STALE_MS
      ? problem(
          ABOUT,
          `${what} That is ${(ageMs / DAY_MS).toFixed(1)} days old.`,
          'See why in the log of the worker.',
        )
      : fine(ABOUT, what),
  )
  if (lastPushFailure)
    findings.push(
      problem(
        ABOUT,
        `Putting one into the bucket failed at ${lastPushFailure.at}: ${lastPushFailure.detail}`,
        'Mend that, then try by hand: upbeat backup --to s3://…',
      ),
    )
  if (lastPush)
    findings.push(fine(ABOUT, `The last one elsewhere is ${lastPush.folder}, since ${lastPush.at}.`))
  if (lastBackup.isSameDisk && !lastPush)
    findings.push(
      advice(
        ABOUT,
        'It lies on the same disk as the instance: a lost disk takes both.',
        'Name a folder on another disk or machine by BACKUP_DIR, or a bucket by BACKUP_TO.',
      ),
    )
  findings.push(...judgeProof(lastProof, lastProofFailure, now()))
  return findings
}

function judgeProof(
  lastProof: Awaited<ReturnType<typeof readBackupRecords>>['lastProof'],
  failure: Awaited<ReturnType<typeof readBackupRecords>>['lastProofFailure'],
  now: Date,
): Finding[] {
  if (failure)
    return [
      problem(
        ABOUT,
        `Restoring on trial failed at ${failure.at}: ${failure.detail}`,
        'Try again: upbeat restore DIR --verify',
      ),
    ]
  if (!lastProof)
    return [
      advice(
        ABOUT,
        'It has never been proven that one can be restored.',
        'Prove it: upbeat restore DIR --verify',
      ),
    ]
  const isStale = now.getTime() - new Date(lastProof.at).getTime() > STALE_MS
  const what = `A restore was last proven at ${lastProof.at} (${lastProof.rows} rows, ${lastProof.files} of ${lastProof.filesTotal} files read back).`
  return [isStale ? advice(ABOUT, what, 'Prove a newer one: upbeat restore DIR --verify') : fine(ABOUT, what)]
}
