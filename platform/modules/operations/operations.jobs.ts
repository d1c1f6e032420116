/** What the worker does for operations by itself: counting jobs. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import * as queries from './operations.queries.ts'

/** For the operator's page; a backlog of 100,000 jobs is counted in some ten milliseconds. */
const COUNT_INTERVAL_MS = 5_000

/** Runs until disposal. */
export const startOperationsJobs = (ctx: Ctx): AsyncDisposable =>
  startUpkeep(ctx, {
    intervalMs: COUNT_INTERVAL_MS,
    async work() {
      const queues = await queries.countJobs(ctx.db)
      ctx.vitals.setJobs({ asOf: ctx.clock.now().toISOString(), queues })
    },
    failure: 'operations.jobs-not-counted',
  })
