/** The queues of transcoding: `first-playable` has slots of its own in role ingest, `improve` runs in role worker. */
import type { Ctx } from '../../app/context.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import * as queries from './transcoding.queries.ts'

export interface TranscodeJob {
  readonly videoId: string
  readonly accountId: string
}

/** Retries are for what is not the source's fault: the source's own faults end a job at once. */
const common = { retryLimit: 10, retryDelayS: 1, heartbeatS: 10, isUniqueByKey: true }

export const lanes = {
  'first-playable': { ...common, name: 'first-playable', expireS: 1800 },
  improve: { ...common, name: 'improve', expireS: 7200 },
} as const satisfies Record<string, Queue<TranscodeJob>>

export type Lane = keyof typeof lanes

/**
 * Asks for work on a video, when the transaction commits. Idempotent while it waits.
 *
 * The more of an account's videos are unfinished, the later the next one comes: an account's first is never behind
 * another's twentieth.
 */
export async function askFor(
  ctx: Ctx,
  db: Db | Tx,
  lane: Lane,
  { videoId, accountId }: TranscodeJob,
  startAfterS?: number,
): Promise<void> {
  const lacks = lane === 'improve' ? 'anything' : 'everything'
  const ahead = await queries.countUnfinishedBefore(db, { videoId, accountId, lacks })
  const options = { key: videoId, group: accountId, priority: -ahead }
  const job = { videoId, accountId }
  await ctx.jobs.enqueue(db, lanes[lane] as Queue<TranscodeJob>, job, {
    ...options,
    ...(startAfterS !== undefined && { startAfterS }),
  })
}
