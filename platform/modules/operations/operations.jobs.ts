/** What the worker does for operations by itself: each night's backup, deletions that a backup had held, and counting jobs. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import { makeUpForDeletions } from '../../infra/blobs/index.ts'
import { readBackupRecords } from '../../app/backup-records.ts'
import * as queries from './operations.queries.ts'
import { isBackupDue, lastBackupBegin, pushWhenDue, runNightlyBackup } from './scheduled-backups.ts'

const LOOK_INTERVAL_MS = 60_000

/** For the operator's page; a backlog of 100,000 jobs is counted in some ten milliseconds. */
const COUNT_INTERVAL_MS = 5_000

/** Runs until disposal, which cancels a backup that is under way. */
export function startOperationsJobs(ctx: Ctx): AsyncDisposable {
  const stack = new AsyncDisposableStack()
  stack.use(startBackups(ctx))
  stack.use(startCounting(ctx))
  return stack
}

const startCounting = (ctx: Ctx): AsyncDisposable =>
  startUpkeep(ctx, {
    intervalMs: COUNT_INTERVAL_MS,
    async work() {
      const queues = await queries.countJobs(ctx.db)
      ctx.vitals.setJobs({ asOf: ctx.clock.now().toISOString(), queues })
    },
    failure: 'operations.jobs-not-counted',
  })

function startBackups(ctx: Ctx): AsyncDisposable {
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
    failure: 'operations.round-failed',
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
