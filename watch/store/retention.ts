/** How long what is kept. */
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from './types.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const EVERY_MS = 10 * 60_000
/** Deleted at once: the writer is not kept busy for long. */
const CHUNK = 5_000

/** Table, the column of its time, and for how long. Incidents, their updates, maintenance and the audit log stay. */
const KEPT_MS: readonly (readonly [table: string, column: string, forMs: number])[] = [
  // Reports one by one carry what a person wrote: two days, then only counts.
  ['report', 'at_ms', 2 * DAY_MS],
  ['report_minute', 'at_ms', 400 * DAY_MS],
  ['response_bucket', 'at_ms', 8 * DAY_MS],
  ['probe_event', 'at_ms', 90 * DAY_MS],
  ['marker', 'at_ms', 400 * DAY_MS],
  ['official_word', 'read_at_ms', 400 * DAY_MS],
  ['watch_span', 'seen_until_ms', 400 * DAY_MS],
  ['taken_nonce', 'at_ms', HOUR_MS],
]

/** A subscription that nobody confirms. */
const UNCONFIRMED_MS = 2 * DAY_MS

/** Deletes now and then what is older. The last change of a component stays, however old. */
export function startRetention(ctx: WatchCtx): AsyncDisposable {
  return startRepeating({
    intervalMs: EVERY_MS,
    work: (signal) => sweep(ctx, signal),
    onError: (error) => ctx.log.warn({ err: error }, 'store.sweep-failed'),
  })
}

/** One round. */
export async function sweep(ctx: WatchCtx, signal?: AbortSignal): Promise<void> {
  const nowMs = ctx.clock.now().getTime()
  for (const [table, column, forMs] of KEPT_MS) {
    for (;;) {
      const { oldest } = ctx.store.get<{ oldest: number | null }>(
        `select min(${column}) as oldest from ${table}`,
      )!
      if (oldest === null || oldest >= nowMs - forMs || signal?.aborted) break
      const [deleted] = await ctx.store.write([chunkStatement(table, column, nowMs - forMs, oldest)])
      if (deleted === 0) break
    }
  }
  await ctx.store.write([
    {
      // Addresses of people who never asked to be here, and room that others may need.
      sql: 'delete from subscription where confirmed_at_ms is null and created_at_ms < :beforeMs',
      params: { beforeMs: nowMs - UNCONFIRMED_MS },
    },
    {
      sql: `delete from component_change where at_ms < :beforeMs and exists (
          select 1 from component_change as later where later.service_id = component_change.service_id
            and later.feature_id = component_change.feature_id and later.at_ms > component_change.at_ms
            and later.at_ms < :beforeMs)`,
      params: { beforeMs: nowMs - 400 * DAY_MS },
    },
  ])
}

/** Tables with a rowid by chunks, those without by a slice of time. */
function chunkStatement(table: string, column: string, beforeMs: number, oldest: number): Statement {
  const hasRowid =
    table === 'probe_event' || table === 'official_word' || table === 'watch_span' || table === 'marker'
  return hasRowid
    ? {
        sql: `delete from ${table} where rowid in (select rowid from ${table} where ${column} < :beforeMs limit ${CHUNK})`,
        params: { beforeMs },
      }
    : {
        sql: `delete from ${table} where ${column} < :untilMs`,
        params: { untilMs: Math.min(beforeMs, oldest + HOUR_MS) },
      }
}
