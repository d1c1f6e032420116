/** What the worker does for backups by itself: each night's, and deletions that a backup had held. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { makeUpForDeletions } from '../../infra/blobs/index.ts'
import { readBackupRecords } from '../../app/backup-records.ts'
import * as queries from './backups.queries.ts'
import { isBackupDue, lastBackupBegin, pushWhenDue, runNightlyBackup } from './scheduled-backups.ts'

const LOOK_INTERVAL_MS = 60_000

/** Runs until disposal, which cancels a backup that is under way. */
export function startBackupJobs(ctx: Ctx): AsyncDisposable {
  return startUpkeep(ctx, {
    intervalMs: LOOK_INTERVAL_MS,
    async work(signal) {
      await makeUpForDeletions(ctx.db, ctx.blobs)
      if (!ctx.config.backups.isNightly) return
      // What can't be proven here may still be kept elsewhere.
      const outcomes = [
        await settled((await isDue(ctx)) ? runNightlyBackup(ctx, signal) : null),
        await settled(pushWhenDue(ctx, signal)),
      ]
      for (const failure of outcomes) if (failure) throw failure.error
    },
    // Backups say by themselves what went wrong with them.
    failure: 'backups.round-failed',
  })
}

const settled = (work: Promise<void> | null): Promise<{ readonly error: unknown } | null> =>
  Promise.resolve(work).then(
    () => null,
    (error: unknown) => ({ error }),
  )

async function isDue(ctx: Ctx): Promise<boolean> {
  const now = ctx.clock.now()
  const { lastBackupFailure } = await readBackupRecords(ctx.config.dataDir)
  return isBackupDue({
    now,
    at: ctx.config.backups.at,
    since: await lastBackupBegin(ctx.config, await queries.findBirth(ctx.db), now),
    failedAt: lastBackupFailure && new Date(lastBackupFailure.at),
  })
}
