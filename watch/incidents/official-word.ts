/** What the service says of itself beside what the watch saw, with the lag between the two. */
import type { WordSample } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'
import type { OfficialWordView } from './views.ts'

type Status = WordSample['status']

interface WordRow {
  readonly status: Status
  readonly since_ms: number
  readonly read_at_ms: number
}

/** Null: nothing is published, or it could never be read. */
export function officialWordOf(ctx: WatchCtx, serviceId: string): OfficialWordView | null {
  const row = lastWord(ctx, serviceId, '')
  if (!row) return null
  const lag = ctx.store.get<{ lag: number | null }>(
    `select json_extract(facts, '$.officialLagMs') as lag from incident
     where service_id = :serviceId and merged_into is null and confirmed_at_ms is not null
     order by started_at_ms desc limit 1`,
    { serviceId },
  )
  return {
    status: row.status,
    sinceMs: row.since_ms,
    readAtMs: row.read_at_ms,
    lagS: lag?.lag == null ? null : Math.round(lag.lag / 1_000),
  }
}

const lastWord = (ctx: WatchCtx, serviceId: string, featureId: string): WordRow | undefined =>
  ctx.store.get<WordRow>(
    `select status, since_ms, read_at_ms from official_word
     where service_id = :serviceId and feature_id = :featureId order by since_ms desc, id desc limit 1`,
    { serviceId, featureId },
  )

/** Keeps what was read: a new row for a change, else only that it was read again. */
export function wordStatement(ctx: WatchCtx, sample: WordSample): Statement {
  const { serviceId, status, atMs } = sample
  const featureId = sample.featureId ?? ''
  const last = lastWord(ctx, serviceId, featureId)
  if (last?.status === status)
    return {
      sql: `update official_word set read_at_ms = :atMs
        where service_id = :serviceId and feature_id = :featureId and since_ms = :sinceMs`,
      params: { serviceId, featureId, atMs, sinceMs: last.since_ms },
    }
  return {
    sql: `insert into official_word (service_id, feature_id, status, since_ms, read_at_ms)
      values (:serviceId, :featureId, :status, :atMs, :atMs)`,
    params: { serviceId, featureId, status, atMs },
  }
}

/** When the service first admitted trouble at or after this instant; null: it has not. */
export function admittedAtMs(ctx: WatchCtx, serviceId: string, sinceMs: number): number | null {
  const row = ctx.store.get<{ at: number }>(
    `select min(since_ms) as at from official_word
     where service_id = :serviceId and since_ms >= :sinceMs and status not in ('operational', 'maintenance')`,
    { serviceId, sinceMs },
  )
  return row?.at ?? null
}
