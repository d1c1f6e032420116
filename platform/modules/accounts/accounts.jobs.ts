/** What accounts have done after the answer, and beside all answers. */
import type { Ctx } from '../../app/context.ts'
import { startUpkeep } from '../../app/upkeep.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import * as queries from './accounts.queries.ts'
import { deleteOutdated } from './sign-in/sign-in.queries.ts'
import { DEVICE_MAX_AGE_S } from './sign-in/known-devices.ts'
import { REVOCATIONS_KEPT_MS, writeRevocations } from './sessions/revocations.ts'

export interface NewSignIn {
  /** Of this sign-in: telling it twice tells it once. */
  readonly id: string
  readonly accountId: string
  readonly device: string
  readonly address: string
}

/** Somebody signed in from where the account was never signed in: modules/notifications tells its owner. */
export const newSignInQueue: Queue<NewSignIn> = { name: 'new-sign-in', retryLimit: 10 }

/** Where an account was signed in from is forgotten so long after the last time. */
export const PLACES_KEPT_MS = 180 * 24 * 3_600_000
const DAY_MS = 24 * 3_600_000
const PRUNE_INTERVAL_MS = 3_600_000
/** What is on disk is never older than this when the database goes. */
const REVOCATIONS_INTERVAL_MS = 5_000

/** @returns how many were forgotten. */
export const forgetOldPlaces = (ctx: Ctx): Promise<number> =>
  queries.deletePlaces(ctx.db, new Date(ctx.clock.now().getTime() - PLACES_KEPT_MS))

/** An assertion of a session is good for less; @returns how many were forgotten. */
export const forgetOldRevocations = (ctx: Ctx): Promise<number> =>
  queries.deleteRevocations(ctx.db, new Date(ctx.clock.now().getTime() - REVOCATIONS_KEPT_MS))

/** Of what guards sign-ins. */
function forgetOutdated(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now()
  const ago = (ms: number) => new Date(now.getTime() - ms)
  return deleteOutdated(ctx.db, { now, dayAgo: ago(DAY_MS), longAgo: ago(DEVICE_MAX_AGE_S * 1_000) })
}

/** Runs until disposal, which waits for what is under way. */
export function startAccountJobs(ctx: Ctx): AsyncDisposable {
  const jobs = new AsyncDisposableStack()
  jobs.use(
    startUpkeep(ctx, {
      intervalMs: PRUNE_INTERVAL_MS,
      async work() {
        await forgetOldPlaces(ctx)
        await forgetOldRevocations(ctx)
        await forgetOutdated(ctx)
      },
      failure: 'accounts.prune-failed',
    }),
  )
  jobs.use(
    startUpkeep(ctx, {
      intervalMs: REVOCATIONS_INTERVAL_MS,
      work: () => writeRevocations(ctx),
      failure: 'accounts.revocations-not-written',
    }),
  )
  return jobs
}
