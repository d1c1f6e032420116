/** The replica of this machine's region: how far it is behind, looked at once a second, and a pool to read it by. */
import { startRepeating } from '../../../kit/repeat.ts'
import type { Ctx } from '../../app/context.ts'
import { behindOf, isCurrent, openDatabase, openReplica } from '../../infra/db/index.ts'

const LOOK_MS = 1_000
const POOL_SIZE = 5

export interface RegionReplica extends AsyncDisposable {
  /** Null: unknown, as while it does not answer. */
  readonly behindS: number | null
  /** The process's own, but that its queries go to the replica, which refuses every change. */
  readonly ctx: Ctx
}

/** Begins to look; disposal ends it. */
export function openRegionReplica(ctx: Ctx, url: string): RegionReplica {
  const probe = openReplica(url)
  const database = openDatabase({
    ...{ url, poolSize: POOL_SIZE, applicationName: 'upbeat-region-reads' },
    onError: (error) => ctx.log.debug({ err: error }, 'regions.replica-connection'),
  })
  let currentAtMs: number | null = null
  let behindS: number | null = null
  const looking = startRepeating({
    intervalMs: LOOK_MS,
    async work() {
      const told = await probe.ask()
      // A link that is cut without a word looks like a sender with nothing to say, for half a minute.
      const sample = { ...told, isStreaming: told.isStreaming && ctx.databaseGuard.isUp }
      const nowMs = ctx.clock.monotonicMs()
      if (isCurrent(sample)) currentAtMs = nowMs
      behindS = behindOf(sample, currentAtMs === null ? null : (nowMs - currentAtMs) / 1_000)
    },
    onError(error) {
      behindS = null
      ctx.log.debug({ err: error }, 'regions.replica-unknown')
    },
  })
  return {
    get behindS() {
      return behindS
    },
    ctx: { ...ctx, db: database.db, pool: database.pool },
    async [Symbol.asyncDispose]() {
      await looking[Symbol.asyncDispose]()
      await probe[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
