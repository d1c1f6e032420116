/** Keeps requests by slots of five minutes, for features whose file says how many one person makes; and reads what an outage cost. */
import type { Sample } from '../../engines/detect/types.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import type { IncidentView } from '../incidents/index.ts'
import type { Statement } from '../store/index.ts'
import { impactOf, SLOT_MS, type Impact, type Slot } from './impact.ts'

const WRITE_EVERY_MS = 10_000
const HISTORY_MS = 28 * 86_400_000 + SLOT_MS

export interface TrafficBook extends AsyncDisposable {
  /** Counts the sample if it is traffic that matters here. */
  note(sample: Sample): void
  /** Writes what was gathered. */
  flush(): Promise<void>
}

type Counts = Slot & { readonly serviceId: string }

/** Begins with what is on the disk; what a crash loses is what was not written yet: ten seconds, or since the disk refuses. */
export function openTrafficBook(ctx: WatchCtx): TrafficBook {
  let gathered = new Map<string, Counts>()

  function gather(counts: Counts): void {
    const { serviceId, featureId, region, atMs } = counts
    const key = `${serviceId} ${featureId} ${region} ${atMs}`
    const before = gathered.get(key)
    gathered.set(key, {
      ...counts,
      requests: (before?.requests ?? 0) + counts.requests,
      errors: (before?.errors ?? 0) + counts.errors,
    })
  }

  async function flush(): Promise<void> {
    if (gathered.size === 0) return
    const counts = [...gathered.values()]
    gathered = new Map()
    try {
      await ctx.store.write(counts.map(addStatement))
    } catch (error) {
      counts.forEach(gather)
      throw error
    }
  }

  const writing = startRepeating({
    intervalMs: WRITE_EVERY_MS,
    work: flush,
    onError: (error) => ctx.log.warn({ err: error }, 'impact.traffic-not-kept'),
  })
  return {
    flush,
    note(sample) {
      if (sample.kind !== 'traffic' || sample.requests === null) return
      const feature = ctx.catalog.find(sample.serviceId)?.features.find(({ id }) => id === sample.featureId)
      if (!feature?.requestsPerPersonMinute) return
      const { serviceId, featureId, region, requests, errors } = sample
      // A count is of the time before it.
      const atMs = Math.floor((sample.atMs - 1) / SLOT_MS) * SLOT_MS
      const counted = { requests: Math.round(requests), errors: Math.round(errors ?? 0) }
      gather({ serviceId, featureId, region, atMs, ...counted })
    },
    async [Symbol.asyncDispose]() {
      await writing[Symbol.asyncDispose]()
      await flush().catch((error: unknown) => ctx.log.warn({ err: error }, 'impact.traffic-not-kept'))
    },
  }
}

const addStatement = ({ ...slot }: Counts): Statement => ({
  sql: `insert into traffic_slot (service_id, feature_id, region, at_ms, requests, errors)
    values (:serviceId, :featureId, :region, :atMs, :requests, :errors)
    on conflict do update set requests = requests + excluded.requests, errors = errors + excluded.errors`,
  params: slot,
})

/** What the incident cost so far, or in all. */
export function readImpact(ctx: WatchCtx, incident: IncidentView): Impact {
  const entry = ctx.catalog.find(incident.serviceId)
  const features = entry?.features ?? []
  const featureIds = incident.featureIds.length > 0 ? incident.featureIds : features.map(({ id }) => id)
  const regions = incident.regions.length > 0 ? incident.regions : (entry?.regions ?? []).map(({ id }) => id)
  const fromMs = incident.startedAtMs
  const untilMs = incident.resolvedAtMs ?? ctx.clock.now().getTime()
  return impactOf({
    fromMs,
    untilMs,
    featureIds,
    regions,
    slots: featureIds.flatMap((featureId) =>
      listSlots(ctx, incident.serviceId, featureId, fromMs - HISTORY_MS, untilMs),
    ),
    requestsPerPersonMinute: new Map(
      features.flatMap(({ id, requestsPerPersonMinute }) =>
        requestsPerPersonMinute === null ? [] : [[id, requestsPerPersonMinute] as const],
      ),
    ),
    reports: listReports(ctx, incident.serviceId, { fromMs, untilMs, featureIds, regions }),
    reportWindowMs: (entry?.reports.windowMinutes ?? 30) * 60_000,
  })
}

const listSlots = (
  ctx: WatchCtx,
  serviceId: string,
  featureId: string,
  fromMs: number,
  untilMs: number,
): Slot[] =>
  ctx.store.all<Slot>(
    `select feature_id as featureId, region, at_ms as atMs, requests, errors from traffic_slot
     where service_id = :serviceId and feature_id = :featureId and at_ms >= :fromMs and at_ms < :untilMs`,
    { serviceId, featureId, fromMs, untilMs },
  )

/** Of the features and regions that were hit; a report that names no region may be from any of them. */
function listReports(
  ctx: WatchCtx,
  serviceId: string,
  scope: {
    readonly fromMs: number
    readonly untilMs: number
    readonly featureIds: readonly string[]
    readonly regions: readonly string[]
  },
): { readonly atMs: number; readonly trusted: number }[] {
  const { fromMs, untilMs, featureIds, regions } = scope
  return ctx.store.all(
    `select at_ms as atMs, sum(trusted) as trusted from report_minute
     where service_id = :serviceId and at_ms >= :fromMs and at_ms < :untilMs
       and feature_id in (select value from json_each(:features))
       and (region = '' or region in (select value from json_each(:regions)))
     group by at_ms order by at_ms`,
    {
      serviceId,
      fromMs: Math.floor(fromMs / 60_000) * 60_000,
      untilMs,
      features: JSON.stringify(featureIds),
      regions: JSON.stringify(regions),
    },
  )
}
