/** Views for pages and answers: made at most once a second per service, however many ask. */
import type { WatchCtx } from '../app/context.ts'
import {
  responseTimesOf,
  statusOf,
  uptimeDaysOf,
  type ResponseTimeView,
  type StatusView,
  type UptimeDayView,
} from '../incidents/index.ts'
import type { ComponentData } from './component-block.ts'

const VIEW_MAX_AGE_MS = 1_000
/** Days and five minutes change slowly. */
const DATA_MAX_AGE_MS = 60_000
const DATA_MAX_KEYS = 200

export interface ViewCache {
  /** @throws {WatchError} not-found */
  status(serviceId: string): StatusView
  /** Days and response times of these components. */
  data(serviceId: string, slugs: readonly string[]): ComponentData
}

/** Makes the cache; a change that was told empties it, so that a page never shows less than a message that went out. */
export function createViewCache(ctx: WatchCtx): ViewCache & Disposable {
  const views = new Map<string, { readonly view: StatusView; readonly atMs: number }>()
  const data = new Map<string, { readonly data: ComponentData; readonly atMs: number }>()
  const listening = ctx.live.onChange((change) => {
    if (change.kind === 'catalog') {
      views.clear()
      data.clear()
    } else views.delete(change.serviceId)
  })
  return {
    status(serviceId) {
      const nowMs = ctx.clock.monotonicMs()
      const known = views.get(serviceId)
      if (known && nowMs - known.atMs < VIEW_MAX_AGE_MS) return known.view
      const view = statusOf(ctx, serviceId)
      views.set(serviceId, { view, atMs: nowMs })
      return view
    },
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
