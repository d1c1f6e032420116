/** What a role tells its supervisor of itself, and the orders that it gets from there. */
import type { Ctx } from '../app/context.ts'
import { restorationOf, type Orders } from '../app/steward/index.ts'
import type { RoleReport } from '../app/vitals.ts'
import type { OrdersMessage } from '../supervisor/protocol.ts'

/** Everything at once; asks nobody. */
export function reportOf(ctx: Ctx): RoleReport {
  const { causes, dependencies, eventLoopP99Ms, memoryShare, pressureLevel } = ctx.steward.report()
  return {
    ...ctx.vitals.report(),
    eventLoopP99Ms,
    heapShare: memoryShare,
    pressureLevel,
    service: ctx.steward.state,
    causes,
    restoration: restorationOf(ctx),
    dependencies,
    database: {
      isUp: ctx.databaseGuard.isUp,
      since: ctx.vitals.databaseSince,
      pingMs: ctx.databaseGuard.latencyMs,
      connections: ctx.pool.totalCount,
      connectionsMax: ctx.config.database.poolSize,
      waiting: ctx.pool.waitingCount,
    },
    standby: standbyOf(ctx),
    journal: journalOf(ctx),
    jobs: ctx.vitals.jobs,
  }
}

/** As old as the oldest of what it needs. */
function standbyOf({ standby }: Ctx): RoleReport['standby'] {
  const { listsAsOfMs, mediaAsOfMs, cardCount } = standby.figures
  if (listsAsOfMs === null || mediaAsOfMs === null) return { asOf: null, videos: null }
  return { asOf: new Date(Math.min(listsAsOfMs, mediaAsOfMs)).toISOString(), videos: cardCount }
}

function journalOf({ journal }: Ctx): RoleReport['journal'] {
  if (journal === null) return null
  const { isWritable, sizeBytes, oldestAgeMs } = journal
  return { isWritable, pending: journal.pending(), sizeBytes, oldestAgeMs }
}

/** As the steward takes them: dates, and features by name. */
export const toOrders = ({ level, features, maintenance, takenBack = null }: OrdersMessage): Orders => ({
  level: level && {
    level: level.level as NonNullable<Orders['level']>['level'],
    reason: level.reason,
    sinceAt: new Date(level.since),
    untilAt: new Date(level.untilAt),
  },
  features: Object.fromEntries(
    features.map(({ feature, reason, untilAt }) => [feature, { reason, untilAt: new Date(untilAt) }]),
  ),
  maintenance,
  takenBack,
})
