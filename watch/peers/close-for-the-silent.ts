/** Calls over what a silent watch can't: where our own evidence has shown for a while that all of it works. */
import type { WatchCtx } from '../app/context.ts'
import type { Origin } from './own-statements.ts'
import { listClosings, listPeers, listStatements, writeClosingSql } from './records.ts'
import { readHearing } from './silence.ts'
import type { IncidentStatement } from './statement.ts'
import { endOf, knownOf } from './merge.ts'

/** How long everything has to work before the word of one that can't speak any more is taken back. */
export const WORKS_FOR_MS = 2 * 60_000

export interface Closer {
  /** Looks once. Answers how many were called over. */
  round(): Promise<number>
}

/** Begins with nothing observed: after a start the time counts anew. */
export function closeForTheSilent(ctx: WatchCtx, self: Origin): Closer {
  const worksSinceMs = new Map<string, number>()
  return {
    async round() {
      const nowMs = ctx.clock.now().getTime()
      const hearing = readHearing(ctx)
      const epochs = new Map(listPeers(ctx.store).map(({ id, epoch }) => [id, epoch]))
      // A watch that lost its data speaks again, and not of what it said before.
      const open = listOpen(ctx, self).filter(
        ({ origin, epoch }) => hearing(origin).isSilent || epochs.get(origin) !== epoch,
      )
      const keys = new Set(open.map(keyOf))
      for (const key of worksSinceMs.keys()) if (!keys.has(key)) worksSinceMs.delete(key)
      let count = 0
      for (const statement of open) {
        const key = keyOf(statement)
        if (!works(ctx, statement)) {
          worksSinceMs.delete(key)
          continue
        }
        const sinceMs = worksSinceMs.get(key) ?? nowMs
        worksSinceMs.set(key, sinceMs)
        if (nowMs - sinceMs < WORKS_FOR_MS) continue
        const { origin, incidentId, version } = statement
        const closing = { origin, incidentId, by: self.origin, ofVersion: version }
        await ctx.store.write([writeClosingSql({ ...closing, atMs: Math.max(sinceMs, version) })])
        ctx.live.tell({ kind: 'status', serviceId: statement.serviceId })
        ctx.log.info({ peer: origin, incidentId }, 'peers.called-over')
        count += 1
      }
      return count
    },
  }
}

const keyOf = ({ origin, incidentId, version }: IncidentStatement): string =>
  `${origin} ${incidentId} ${version}`

/** What others say is not over, and nobody has called over. What a person there holds open only a person ends. */
function listOpen(ctx: WatchCtx, self: Origin): IncidentStatement[] {
  const open = listStatements(ctx.store, {
    serviceId: null,
    endedAfterMs: Number.MAX_SAFE_INTEGER,
    beforeMs: Number.MAX_SAFE_INTEGER,
  }).filter(
    ({ origin, epoch, mergedInto, human }) =>
      mergedInto === null &&
      !(origin === self.origin && epoch === self.epoch) &&
      (human.state === null || human.state.value === 'resolved'),
  )
  const known = knownOf([], listClosings(ctx.store, open))
  return open.filter((statement) => endOf(known, statement) === null)
}

/** Every feature in every region that it names is seen to work, by evidence of our own. */
function works(ctx: WatchCtx, { serviceId, featureIds, regions }: IncidentStatement): boolean {
  const cells = ctx.live
    .cells(serviceId)
    .filter(
      ({ featureId, region }) =>
        (featureIds.length === 0 || featureIds.includes(featureId)) &&
        (regions.length === 0 || regions.includes(region)),
    )
  const seen = new Set(cells.map(({ featureId }) => featureId))
  return (
    cells.length > 0 && featureIds.every((id) => seen.has(id)) && cells.every(({ state }) => state === 'up')
  )
}
