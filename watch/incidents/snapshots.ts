/** The detector's memory on disk, and what has to be told again to one that was opened from it. */
import type { DetectorSnapshot, MarkerSample, ReportSample } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'

/** A marker says something that holds for a day at most, as far as it holds. */
const MARKERS_AGAIN_MS = 24 * 3_600_000

/** Undefined when there is none, or none that can be read. */
export function readSnapshot(ctx: WatchCtx): DetectorSnapshot | undefined {
  const row = ctx.store.get<{ body: string }>('select body from detector_snapshot')
  if (!row) return undefined
  try {
    // Its maker checks the version; anything else in it is the detector's own.
    return JSON.parse(row.body) as DetectorSnapshot
  } catch (error) {
    ctx.log.warn({ err: error }, 'detector.snapshot-unreadable')
    return undefined
  }
}

/** Until when the watch was there before this start; null: it never was. */
export const lastSeenMs = (ctx: WatchCtx): number | null =>
  ctx.store.get<{ at: number | null }>('select max(seen_until_ms) as at from watch_span')?.at ??
  ctx.store.get<{ at: number }>('select saved_at_ms as at from detector_snapshot')?.at ??
  null

export const snapshotStatement = (snapshot: DetectorSnapshot): Statement => ({
  sql: `insert into detector_snapshot (id, saved_at_ms, body) values (1, :savedAtMs, :body)
    on conflict (id) do update set saved_at_ms = excluded.saved_at_ms, body = excluded.body`,
  params: { savedAtMs: Math.round(snapshot.savedAtMs), body: JSON.stringify(snapshot) },
})

/** Reports that were acknowledged after the snapshot was taken: none is forgotten by a crash. */
export function reportsSince(ctx: WatchCtx): ReportSample[] {
  const row = ctx.store.get<{ at: number }>('select saved_at_ms as at from detector_snapshot')
  return ctx.store
    .all<{
      service_id: string
      at_ms: number
      feature_id: string | null
      region: string | null
      asn: number | null
      trust: number
      client_version: string | null
    }>(
      `select service_id, at_ms, feature_id, region, asn, trust, client_version from report
       where at_ms > :since order by at_ms limit 200000`,
      { since: row?.at ?? 0 },
    )
    .map((report) => ({
      kind: 'reports',
      serviceId: report.service_id,
      atMs: report.at_ms,
      featureId: report.feature_id,
      region: report.region,
      asn: report.asn,
      count: 1,
      trust: report.trust,
      clientVersion: report.client_version,
    }))
}

/** Markers of the last day, the oldest first: the detector knows those that it has heard before. */
export function markersSince(ctx: WatchCtx): MarkerSample[] {
  return ctx.store
    .all<{
      service_id: string
      at_ms: number
      what: MarkerSample['what']
      feature_ids: string
      regions: string
    }>(
      `select service_id, at_ms, what, feature_ids, regions from marker
       where at_ms > :sinceMs order by at_ms, rowid limit 10000`,
      { sinceMs: ctx.clock.now().getTime() - MARKERS_AGAIN_MS },
    )
    .map((marker) => ({
      kind: 'marker',
      serviceId: marker.service_id,
      atMs: marker.at_ms,
      what: marker.what,
      // Written by `takeMarker` only.
      featureIds: JSON.parse(marker.feature_ids) as string[],
      regions: JSON.parse(marker.regions) as string[],
    }))
}
