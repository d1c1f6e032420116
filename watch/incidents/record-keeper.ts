/** What is written down beside the incidents: that the watch was there, the detector's memory, and when a service admitted it. */
import type { DetectorSnapshot } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import { isRace, type Statement } from '../store/index.ts'
import { admittedAtMs } from './official-word.ts'
import { listCurrentRecords, writeIncident } from './records.ts'
import { runAll } from './run-all.ts'
import { snapshotStatement } from './snapshots.ts'

export interface RecordKeeper {
  /** Writes what is due. */
  keep(nowMs: number): Promise<void>
  /** Writes the detector's memory at once. */
  keepSnapshot(): Promise<void>
}

const SNAPSHOT_EVERY_MS = 30_000
const SPAN_EVERY_MS = 15_000

/** Begins a span of being there. */
export function createRecordKeeper(ctx: WatchCtx, snapshot: () => DetectorSnapshot): RecordKeeper {
  const startedAtMs = ctx.clock.now().getTime()
  let spanDueMs = startedAtMs
  let snapshotDueMs = startedAtMs + SNAPSHOT_EVERY_MS

  async function keepSpan(nowMs: number): Promise<void> {
    if (nowMs < spanDueMs) return
    await ctx.store.write([spanStatement(startedAtMs, nowMs)])
    spanDueMs = nowMs + SPAN_EVERY_MS
    await noteOfficialLags(ctx)
  }

  async function keepSnapshot(): Promise<void> {
    // It is large, so one that the disk refused waits for its next turn as well.
    snapshotDueMs = ctx.clock.now().getTime() + SNAPSHOT_EVERY_MS
    await ctx.store.write([snapshotStatement(snapshot())])
  }

  return {
    keep: (nowMs) =>
      runAll([
        () => keepSpan(nowMs),
        async () => {
          if (nowMs >= snapshotDueMs) await keepSnapshot()
        },
      ]),
    keepSnapshot,
  }
}

const spanStatement = (startedAtMs: number, nowMs: number): Statement => ({
  sql: `insert into watch_span (id, started_at_ms, seen_until_ms) values (:id, :id, :nowMs)
    on conflict (id) do update set seen_until_ms = excluded.seen_until_ms`,
  params: { id: startedAtMs, nowMs },
})

/** How long the service took to admit what the watch had found. */
async function noteOfficialLags(ctx: WatchCtx): Promise<void> {
  for (const entry of ctx.catalog.services()) {
    if (!entry.word) continue
    for (const record of listCurrentRecords(ctx.store, entry.id, Number.MAX_SAFE_INTEGER)) {
      if (record.facts.officialLagMs !== null || record.confirmedAtMs === null) continue
      const admitted = admittedAtMs(ctx, entry.id, record.startedAtMs)
      if (admitted === null) continue
      const facts = { ...record.facts, officialLagMs: admitted - record.startedAtMs }
      const after = { ...record, facts, updatedAtMs: record.updatedAtMs + 1 }
      await ctx.store.write([writeIncident(after, record.updatedAtMs)]).catch((error: unknown) => {
        if (!isRace(error)) throw error
      })
    }
  }
}
