/**
 * Keeps each component's status as cells change, and the record of changes that uptime is derived from. What is shown never
 * waits for the disk; what the disk refused stays to be written, with the time at which it happened.
 */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { CellView, ProbeSample } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import type { Statement } from '../store/index.ts'
import { statusOfCells, worstState } from './component-status.ts'
import { isNoticed, type Declared } from './declared.ts'
import type { ComponentNow, LiveBoard } from './live-status.ts'

export interface ComponentBook {
  /** Judges all components of a service anew. Answers what those that changed were before; null: none did. */
  judge(entry: ServiceEntry, nowMs: number): Map<string, ComponentStatus> | null
  /** Writes the changes that are not on the disk yet. @throws {WatchError} storage-unavailable; nothing is lost by it. */
  write(): Promise<void>
  statuses(serviceId: string): ReadonlyMap<string, ComponentStatus>
  /** Answers whether the watch is blind for the service: its latest checks all say so. */
  noteProbe(sample: ProbeSample): boolean
}

/** So many checks in a row without sight, and it is said aloud. */
const BLIND_AFTER = 3
/** Changes that wait for the disk; beyond this the oldest are given up. */
const UNWRITTEN_MAX = 100_000

/** Begins with what the store knows. */
export function createComponentBook(ctx: WatchCtx, board: LiveBoard): ComponentBook {
  for (const row of ctx.store.all<LastRow>(LAST_CHANGES)) {
    board.service(row.service_id).components.set(row.feature_id, {
      status: row.status,
      state: row.state,
      changedAtMs: row.at_ms,
      createdAtMs: row.first_at_ms,
    })
  }
  const unseeing = new Map<string, number>()
  let unwritten: Statement[] = []
  return {
    judge(entry, nowMs) {
      const live = board.service(entry.id)
      const byFeature = Map.groupBy(live.cells, ({ featureId }) => featureId)
      const changed = new Map<string, ComponentStatus>()
      const told = board.declared(entry.id, nowMs)
      for (const { id } of entry.features) {
        const before = live.components.get(id)
        if (before && live.unchecked?.featureIds.has(id)) continue
        const seen = judgeOne(byFeature.get(id) ?? [], before, nowMs)
        const after = withDeclared(seen, told?.features.get(id), before, nowMs)
        if (before && before.status === after.status && before.state === after.state) continue
        changed.set(id, before?.status ?? after.status)
        live.components.set(id, after)
        const isSeen = after.state !== 'unknown'
        const wasSeen = before !== undefined && before.state !== 'unknown'
        if (before?.status !== after.status || isSeen !== wasSeen) {
          if (before || isSeen) unwritten.push(changeStatement(entry.id, id, after, nowMs))
        }
      }
      return changed.size > 0 ? changed : null
    },
    async write() {
      if (unwritten.length === 0) return
      const writing = unwritten
      unwritten = []
      try {
        await ctx.store.write(writing)
      } catch (error) {
        unwritten = [...writing, ...unwritten].slice(-UNWRITTEN_MAX)
        throw error
      }
    },
    statuses: (serviceId) =>
      new Map([...board.service(serviceId).components].map(([id, { status }]) => [id, status])),
    noteProbe({ serviceId, outcome }) {
      const count = outcome === 'blind' ? (unseeing.get(serviceId) ?? 0) + 1 : 0
      unseeing.set(serviceId, count)
      return count >= BLIND_AFTER
    },
  }
}

function judgeOne(cells: readonly CellView[], before: ComponentNow | undefined, nowMs: number): ComponentNow {
  const states = cells.map(({ state }) => state)
  const status = statusOfCells(states, before?.status ?? 'operational')
  const isNew = before === undefined
  return {
    status,
    state: worstState(states),
    changedAtMs: !isNew && before.status !== status ? nowMs : (before?.changedAtMs ?? null),
    createdAtMs: before?.createdAtMs ?? nowMs,
  }
}

/** What works, and by the service's own word not as usual, is no outage: it is less than people know. */
function withDeclared(
  seen: ComponentNow,
  declared: Declared | undefined,
  before: ComponentNow | undefined,
  nowMs: number,
): ComponentNow {
  if (!declared || !isNoticed(declared) || seen.state !== 'up' || seen.status !== 'operational') return seen
  const status = 'degraded_performance'
  return { ...seen, status, changedAtMs: before?.status === status ? before.changedAtMs : nowMs }
}

interface LastRow {
  readonly service_id: string
  readonly feature_id: string
  readonly at_ms: number
  readonly first_at_ms: number
  readonly status: ComponentStatus
  readonly state: CellView['state']
}

// SQLite takes the bare columns from the row that has the maximum (sqlite.org/lang_select.html#bareagg).
const LAST_CHANGES = `select service_id, feature_id, status, state, max(at_ms) as at_ms,
    (select min(at_ms) from component_change as first
     where first.service_id = component_change.service_id and first.feature_id = component_change.feature_id)
      as first_at_ms
  from component_change group by service_id, feature_id`

const changeStatement = (
  serviceId: string,
  featureId: string,
  { status, state }: ComponentNow,
  atMs: number,
): Statement => ({
  sql: `insert into component_change (service_id, feature_id, at_ms, status, state)
    values (:serviceId, :featureId, :atMs, :status, :state)
    on conflict do update set status = excluded.status, state = excluded.state`,
  params: { serviceId, featureId, atMs, status, state },
})
