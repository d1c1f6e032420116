/** Views for pages and answers: made at most once a second per service, however many ask. */
import type { WatchCtx } from '../app/context.ts'
import {
  listIncidents,
  listMaintenances,
  responseTimesOf,
  statusOf,
  uptimeDaysOf,
  type IncidentView,
  type MaintenanceView,
  type ResponseTimeView,
  type StatusView,
  type UptimeDayView,
} from '../incidents/index.ts'
import type { ComponentData } from './component-block.ts'

const VIEW_MAX_AGE_MS = 1_000
/** Days and five minutes change slowly. */
const DATA_MAX_AGE_MS = 60_000
const DATA_MAX_KEYS = 200
/** More than Statuspage gives, so that 50 are left once suspicions and merged ones are taken out. */
const INCIDENTS_KEPT = 150

export interface ViewCache {
  /** @throws {WatchError} not-found */
  status(serviceId: string): StatusView
  /** The newest, open or over, suspicions and merged ones among them; as many as feeds and Statuspage's lists need. */
  incidents(serviceId: string): readonly IncidentView[]
  /** The latest first. */
  maintenances(serviceId: string): readonly MaintenanceView[]
  /** Days and response times of these components. */
  data(serviceId: string, slugs: readonly string[]): ComponentData
}

/** Makes the cache; a change that was told empties it, so that a page never shows less than a message that went out. */
export function createViewCache(ctx: WatchCtx): ViewCache & Disposable {
  const views = createRecent(ctx, (serviceId) => statusOf(ctx, serviceId))
  const incidents = createRecent(ctx, (serviceId) => listIncidents(ctx, { serviceId, limit: INCIDENTS_KEPT }))
  const maintenances = createRecent(ctx, (serviceId) => listMaintenances(ctx, { serviceId }))
  const all = [views, incidents, maintenances]
  const data = new Map<string, { readonly data: ComponentData; readonly atMs: number }>()
  const listening = ctx.live.onChange((change) => {
    if (change.kind === 'catalog') {
      for (const recent of all) recent.clear()
      data.clear()
    } else for (const recent of all) recent.forget(change.serviceId)
  })
  return {
    status: views.get,
    incidents: incidents.get,
    maintenances: maintenances.get,
    data(serviceId, slugs) {
      const nowMs = ctx.clock.monotonicMs()
      const key = `${serviceId} ${slugs.join(' ')}`
      const known = data.get(key)
      if (known && nowMs - known.atMs < DATA_MAX_AGE_MS) return known.data
      const fresh = readData(ctx, serviceId, slugs)
      data.delete(key)
      data.set(key, { data: fresh, atMs: nowMs })
      const oldest = data.size > DATA_MAX_KEYS ? data.keys().next().value : undefined
      if (oldest !== undefined) data.delete(oldest)
      return fresh
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  }
}

/** What `make` made of a service, for a second. */
function createRecent<T>(ctx: WatchCtx, make: (serviceId: string) => T) {
  const made = new Map<string, { readonly value: T; readonly atMs: number }>()
  return {
    get(serviceId: string): T {
      const nowMs = ctx.clock.monotonicMs()
      const known = made.get(serviceId)
      if (known && nowMs - known.atMs < VIEW_MAX_AGE_MS) return known.value
      // Only services of the catalogue are kept: others make nothing, or throw.
      const value = make(serviceId)
      if (ctx.catalog.find(serviceId)) made.set(serviceId, { value, atMs: nowMs })
      return value
    },
    forget: (serviceId: string) => void made.delete(serviceId),
    clear: () => made.clear(),
  }
}

function readData(ctx: WatchCtx, serviceId: string, slugs: readonly string[]): ComponentData {
  if (slugs.length === 0)
    return {
      uptime: new Map<string, UptimeDayView[]>(),
      responseTimes: new Map<string, ResponseTimeView[]>(),
    }
  return {
    uptime: uptimeDaysOf(ctx, { serviceId, featureIds: slugs }),
    responseTimes: responseTimesOf(ctx, { serviceId, featureIds: slugs }),
  }
}
