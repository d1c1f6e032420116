/** How long what is kept. */
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from './types.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const EVERY_MS = 10 * 60_000
/** Deleted at once: the writer is not kept busy for long. */
const CHUNK = 5_000
const COUNTS_MS = 400 * DAY_MS
/** What was told, and what could not be for so long: after a week it is no news any more. */
const TOLD_MS = 7 * DAY_MS

/** What becomes of a table's rows. */
export type Retention =
  /** Deleted once `column` is older; a table whose rows are found by that column without reading all of them. */
  | { readonly kind: 'age'; readonly column: string; readonly forMs: number }
  /** Deleted by a statement of its own, again and again until it changes nothing. */
  | { readonly kind: 'own'; readonly statement: (nowMs: number) => Statement }
  /** Goes with the row that it belongs to, by a foreign key or in the same unit. */
  | { readonly kind: 'with'; readonly table: string }
  | { readonly kind: 'for-good'; readonly why: string }

/** Every table of the file, in the order in which they are swept. */
export const RETENTION: Readonly<Record<string, Retention>> = {
  // Reports one by one carry what a person wrote: two days, then only counts.
  report: { kind: 'age', column: 'at_ms', forMs: 2 * DAY_MS },
  report_minute: { kind: 'age', column: 'at_ms', forMs: COUNTS_MS },
  response_bucket: { kind: 'age', column: 'at_ms', forMs: 8 * DAY_MS },
  probe_event: { kind: 'age', column: 'at_ms', forMs: 90 * DAY_MS },
  traffic_slot: { kind: 'age', column: 'at_ms', forMs: COUNTS_MS },
  marker: { kind: 'age', column: 'at_ms', forMs: COUNTS_MS },
  official_word: { kind: 'age', column: 'read_at_ms', forMs: COUNTS_MS },
  watch_span: { kind: 'age', column: 'seen_until_ms', forMs: COUNTS_MS },
  taken_nonce: { kind: 'age', column: 'at_ms', forMs: HOUR_MS },
  component_change: {
    kind: 'own',
    // The last change of a component stays, however old: it says how the component is.
    statement: (nowMs) => ({
      sql: `delete from component_change where at_ms < :beforeMs and exists (
          select 1 from component_change as later where later.service_id = component_change.service_id
            and later.feature_id = component_change.feature_id and later.at_ms > component_change.at_ms
            and later.at_ms < :beforeMs)`,
      params: { beforeMs: nowMs - COUNTS_MS },
    }),
  },
  message: {
    kind: 'own',
    statement: (nowMs) => ({
      sql: `delete from message where rowid in (
          select m.rowid from notice n join message m on m.notice_id = n.id where n.at_ms < :beforeMs limit ${CHUNK})`,
      params: { beforeMs: nowMs - TOLD_MS },
    }),
  },
  notice: { kind: 'age', column: 'at_ms', forMs: TOLD_MS },
  // A thread goes on where its last post is known.
  post: { kind: 'age', column: 'at_ms', forMs: 90 * DAY_MS },
  subscription: {
    kind: 'own',
    // Addresses of people who never asked to be here, and room that others may need. The others end it themselves.
    statement: (nowMs) => ({
      sql: 'delete from subscription where confirmed_at_ms is null and created_at_ms < :beforeMs',
      params: { beforeMs: nowMs - 2 * DAY_MS },
    }),
  },
  kept: {
    kind: 'own',
    // The salt of a day whose reports are gone, and links that have run out. What else is kept is replaced by who keeps it.
    statement: (nowMs) => ({
      sql: `delete from kept where (substr(name, 1, 12) = 'report-salt-' and at_ms < :saltBeforeMs)
          or (substr(name, 1, 11) = 'invitation-' and json_extract(value, '$.untilMs') < :nowMs)`,
      params: { saltBeforeMs: nowMs - 2 * DAY_MS, nowMs },
    }),
  },
  incident: { kind: 'for-good', why: 'the history of the service' },
  incident_update: { kind: 'with', table: 'incident' },
  incident_explanation: { kind: 'with', table: 'incident' },
  maintenance: { kind: 'for-good', why: 'the history of the service' },
  maintenance_update: { kind: 'with', table: 'maintenance' },
  follow_up: { kind: 'with', table: 'incident' },
  incident_role: { kind: 'with', table: 'incident' },
  page: { kind: 'for-good', why: 'who was called, and what they answered, belongs to the incident' },
  page_told: { kind: 'with', table: 'page' },
  rota_override: {
    kind: 'own',
    statement: (nowMs) => ({
      sql: 'delete from rota_override where until_ms < :beforeMs',
      params: { beforeMs: nowMs - COUNTS_MS },
    }),
  },
  on_call_device: { kind: 'with', table: 'subscription' },
  operator: { kind: 'for-good', why: 'the audit log names them' },
  peer: { kind: 'for-good', why: 'at most eight rows (peers/admission.ts)' },
  peer_statement: {
    kind: 'for-good',
    why: 'the history as other watches saw it, up to a number (peers/admission.ts)',
  },
  peer_closing: { kind: 'with', table: 'peer_statement' },
  peer_log: { kind: 'with', table: 'peer_statement' },
  audit: { kind: 'for-good', why: 'who did what must stay known' },
  detector_snapshot: { kind: 'for-good', why: 'one row, replaced by the next' },
  migration: { kind: 'for-good', why: 'which changes of the schema the file has seen' },
}

/** Deletes now and then what is older. */
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
  const withoutRowids = new Map(
    ctx.store
      .all<{ name: string; wr: number }>("select name, wr from pragma_table_list where schema = 'main'")
      .map(({ name, wr }) => [name, wr === 1]),
  )
  for (const [table, retention] of Object.entries(RETENTION)) {
    const isRowless = withoutRowids.get(table)
    if (isRowless === undefined || signal?.aborted) continue
    if (retention.kind === 'age')
      await sweepByAge(ctx, { table, ...retention, nowMs, hasRowids: !isRowless }, signal)
    else if (retention.kind === 'own') {
      const statement = retention.statement(nowMs)
      while (!signal?.aborted && (await ctx.store.write([statement]))[0]! > 0);
    }
  }
}

interface SweepInput {
  readonly table: string
  readonly column: string
  readonly forMs: number
  readonly nowMs: number
  readonly hasRowids: boolean
}

async function sweepByAge(ctx: WatchCtx, input: SweepInput, signal?: AbortSignal): Promise<void> {
  const { table, column, forMs, nowMs, hasRowids } = input
  const beforeMs = nowMs - forMs
  while (!signal?.aborted) {
    const { oldest } = ctx.store.get<{ oldest: number | null }>(
      `select min(${column}) as oldest from ${table}`,
    )!
    if (oldest === null || oldest >= beforeMs) return
    const [deleted] = await ctx.store.write([
      hasRowids
        ? {
            sql: `delete from ${table} where rowid in (select rowid from ${table} where ${column} < :beforeMs limit ${CHUNK})`,
            params: { beforeMs },
          }
        : {
            // Without rowids there is no limit: a slice of time instead.
            sql: `delete from ${table} where ${column} < :untilMs`,
            params: { untilMs: Math.min(beforeMs, oldest + HOUR_MS) },
          },
    ])
    if (deleted === 0) return
  }
}
