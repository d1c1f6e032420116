/** What was: uptime by day, response times, reports by minute. Derived from changes and spans, never counted up. */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { CellView } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import { isWorse } from './component-status.ts'
import type { ReportMinuteView, ResponseTimeView, UptimeDayView } from './views.ts'

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 90
const DEFAULT_SINCE_MS = DAY_MS

/** What a millisecond of each status costs, as Statuspage weighs them; maintenance is left out of the day. */
const DOWN_WEIGHT: Record<ComponentStatus, number> = {
  operational: 0,
  degraded_performance: 0,
  partial_outage: 0.3,
  major_outage: 1,
  under_maintenance: 0,
}

interface Change {
  readonly at_ms: number
  readonly status: ComponentStatus
  readonly state: CellView['state']
}

interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

/** For each feature `days` days, the oldest first; the last one is today, in UTC. */
export function uptimeDaysOf(
  ctx: WatchCtx,
  input: { readonly serviceId: string; readonly featureIds: readonly string[]; readonly days?: number },
): Map<string, UptimeDayView[]> {
  const { days = DEFAULT_DAYS } = input
  const nowMs = ctx.clock.now().getTime()
  const fromMs = Math.floor(nowMs / DAY_MS) * DAY_MS - (days - 1) * DAY_MS
  const spans = ctx.store
    .all<{ started_at_ms: number; seen_until_ms: number }>(
      'select started_at_ms, seen_until_ms from watch_span where seen_until_ms > :fromMs order by started_at_ms',
      { fromMs },
    )
    .map((row) => ({ fromMs: row.started_at_ms, untilMs: row.seen_until_ms }))
  return new Map(
    input.featureIds.map((featureId) => {
      const changes = listChanges(ctx, input.serviceId, featureId, fromMs)
      return [featureId, foldDays(changes, spans, fromMs, days)]
    }),
  )
}

function listChanges(ctx: WatchCtx, serviceId: string, featureId: string, fromMs: number): Change[] {
  return ctx.store.all<Change>(
    `select at_ms, status, state from component_change
     where service_id = :serviceId and feature_id = :featureId and at_ms >= coalesce(
       (select max(at_ms) from component_change
        where service_id = :serviceId and feature_id = :featureId and at_ms <= :fromMs), 0)
     order by at_ms`,
    { serviceId, featureId, fromMs },
  )
}

/** Pure: lays changes and spans over each other, day by day. */
export function foldDays(
  changes: readonly Change[],
  spans: readonly Span[],
  fromMs: number,
  days: number,
): UptimeDayView[] {
  const watchedMs = new Float64Array(days)
  const downMs = new Float64Array(days)
  const worst: (ComponentStatus | null)[] = Array.from({ length: days }, () => null)
  for (const [index, change] of changes.entries()) {
    if (change.state === 'unknown') continue
    const until = changes[index + 1]?.at_ms ?? Number.POSITIVE_INFINITY
    for (const span of spans) {
      const begin = Math.max(change.at_ms, span.fromMs, fromMs)
      const end = Math.min(until, span.untilMs, fromMs + days * DAY_MS)
      for (let at = begin; at < end;) {
        const day = Math.floor((at - fromMs) / DAY_MS)
        const next = Math.min(end, fromMs + (day + 1) * DAY_MS)
        if (change.status !== 'under_maintenance') {
          watchedMs[day]! += next - at
          downMs[day]! += (next - at) * DOWN_WEIGHT[change.status]
        }
        if (worst[day] === null || isWorse(change.status, worst[day]!)) worst[day] = change.status
        at = next
      }
    }
  }
  return Array.from({ length: days }, (_, day) => ({
    day: new Date(fromMs + day * DAY_MS).toISOString().slice(0, 10),
    upFraction: watchedMs[day]! > 0 ? 1 - downMs[day]! / watchedMs[day]! : null,
    watchedMs: watchedMs[day]!,
    worst: worst[day]!,
  }))
}

/** The last 24 hours by default, oldest first; five minutes without a measurement are missing. */
export function responseTimesOf(
  ctx: WatchCtx,
  input: { readonly serviceId: string; readonly featureIds: readonly string[]; readonly sinceMs?: number },
): Map<string, ResponseTimeView[]> {
  const sinceMs = input.sinceMs ?? ctx.clock.now().getTime() - DEFAULT_SINCE_MS
  return new Map(
    input.featureIds.map((featureId) => [
      featureId,
      ctx.store.all<ResponseTimeView>(
        `select at_ms as atMs, p50_ms as p50Ms, p95_ms as p95Ms, checks from response_bucket
         where service_id = :serviceId and feature_id = :featureId and at_ms >= :sinceMs and p50_ms is not null
         order by at_ms`,
        { serviceId: input.serviceId, featureId, sinceMs },
      ),
    ]),
  )
}

/** Minutes with at least one report, oldest first; the last 24 hours by default. */
export function reportMinutesOf(
  ctx: WatchCtx,
  input: { readonly serviceId: string; readonly featureId?: string; readonly sinceMs?: number },
): ReportMinuteView[] {
  const sinceMs = input.sinceMs ?? ctx.clock.now().getTime() - DEFAULT_SINCE_MS
  const { serviceId, featureId } = input
  const select = `select at_ms as atMs, sum(count) as count, sum(trusted) as trusted from report_minute
    where service_id = :serviceId and at_ms >= :sinceMs`
  return featureId === undefined
    ? ctx.store.all<ReportMinuteView>(`${select} group by at_ms order by at_ms`, { serviceId, sinceMs })
    : ctx.store.all<ReportMinuteView>(`${select} and feature_id = :featureId group by at_ms order by at_ms`, {
        serviceId,
        sinceMs,
        featureId,
      })
}
