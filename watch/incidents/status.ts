/** What pages and feeds read: a service's status, its incidents and maintenances, as views. */
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { componentId } from '../app/ids.ts'
import { indicatorOf } from './component-status.ts'
import { listMaintenancesNear } from './maintenance-records.ts'
import { officialWordOf } from './official-word.ts'
import { toOwns, toView, withUnwritten, type OwnIncident } from './record-view.ts'
import { findIncident, listCurrentRecords, listIncidentRecords, type IncidentRecord } from './records.ts'
import type { ListIncidentsInput } from './verbs.ts'
import type { ComponentView, IncidentView, RegionStateView, StatusView } from './views.ts'

const SHOWN_AFTER_END_MS = 14 * 24 * 3_600_000
const LIST_MAX = 500
const LIST_DEFAULT = 50
const OPEN_REACH_MS = 24 * 3_600_000

/**
 * One service, now.
 *
 * @throws {WatchError} not-found
 */
export function statusOf(ctx: WatchCtx, serviceId: string): StatusView {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  const components = listComponents(ctx, serviceId)
  const nowMs = ctx.clock.now().getTime()
  const declared = ctx.live.declared(serviceId, nowMs)
  return {
    service: {
      id: entry.id,
      name: entry.name,
      url: entry.url,
      description: entry.description,
      timeZone: entry.timeZone,
    },
    asOfMs: ctx.live.asOfMs(serviceId),
    isBlind: ctx.live.isBlind(serviceId),
    ...indicatorOf(components),
    components,
    incidents: ctx.others.overlayList(
      ctx,
      ownsOf(ctx, serviceId, listCurrentRecords(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS)),
      { serviceId, endedAfterMs: nowMs - SHOWN_AFTER_END_MS, beforeMs: Number.MAX_SAFE_INTEGER },
    ),
    maintenances: listMaintenancesNear(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS),
    officialWord: officialWordOf(ctx, serviceId),
    ...(declared && { declared }),
    collaterals: ctx.live.collaterals(serviceId).map(({ explainedBy, share }) => ({ explainedBy, share })),
    peers: ctx.others.viewsOf(ctx, serviceId, components),
  }
}

function listComponents(ctx: WatchCtx, serviceId: string): ComponentView[] {
  const entry = ctx.catalog.find(serviceId)!
  const now = ctx.live.components(serviceId)
  const nowMs = ctx.clock.now().getTime()
  const told = ctx.live.declared(serviceId, nowMs)
  const unchecked = ctx.live.unchecked(serviceId)
  const regionName = new Map(entry.regions.map(({ id, name }) => [id, name]))
  const regionsOf = new Map<string, RegionStateView[]>()
  for (const cell of ctx.live.cells(serviceId)) {
    const list = regionsOf.get(cell.featureId) ?? []
    list.push({
      id: cell.region,
      name: regionName.get(cell.region) ?? cell.region,
      state: cell.state,
      posterior: cell.posterior,
      contributions: cell.contributions,
    })
    regionsOf.set(cell.featureId, list)
  }
  return entry.features.map((feature, index) => {
    const component = now.get(feature.id)
    const declared = told?.features.get(feature.id)
    return {
      id: componentId(serviceId, feature.id),
      slug: feature.id,
      name: feature.name,
      description: feature.description,
      group: feature.group,
      essential: feature.essential,
      position: index + 1,
      status: component?.status ?? 'operational',
      state: component?.state ?? 'unknown',
      regions: regionsOf.get(feature.id) ?? [],
      ...(declared && { declared }),
      ...(unchecked?.featureIds.has(feature.id) &&
        component &&
        component.status !== 'operational' && { uncheckedSinceMs: unchecked.sinceMs }),
      changedAtMs: component?.changedAtMs ?? null,
      createdAtMs: component?.createdAtMs ?? nowMs,
    }
  })
}

/** Newest first, with those that only other watches know; merged ones are among them and say so. */
export const listIncidents = (ctx: WatchCtx, input: ListIncidentsInput): IncidentView[] =>
  listJoined(ctx, input).slice(0, Math.min(input.limit ?? LIST_DEFAULT, LIST_MAX))

/** The same, and so many of each: what only others know takes the place of none that this watch saw. */
export function listIncidentsOfBoth(ctx: WatchCtx, input: ListIncidentsInput): IncidentView[] {
  let left = Math.min(input.limit ?? LIST_DEFAULT, LIST_MAX)
  return listJoined(ctx, input).filter(
    ({ witnesses }) =>
      witnesses === undefined ||
      witnesses.some(({ isSelf, isAdopted }) => isSelf && !isAdopted) ||
      left-- > 0,
  )
}

function listJoined(ctx: WatchCtx, input: ListIncidentsInput): IncidentView[] {
  const { serviceId, beforeMs = Number.MAX_SAFE_INTEGER, limit = LIST_DEFAULT } = input
  const most = Math.min(limit, LIST_MAX)
  const own = ownsOf(ctx, serviceId, listIncidentRecords(ctx.store, { serviceId, beforeMs, limit: most }))
  const endedAfterMs = own.length < most ? 0 : own.at(-1)!.record.startedAtMs
  return ctx.others.overlayList(ctx, own, { serviceId, endedAfterMs, beforeMs })
}

/** Not over yet, as far as any watch sees it; merged ones left out. Cheap while nothing is open: it is asked each second. */
export function listOpenIncidents(ctx: WatchCtx, serviceId: string): IncidentView[] {
  const isAnyOpen =
    ctx.others.hasOpenWords(ctx, serviceId) ||
    ctx.live.unwritten(serviceId).length > 0 ||
    listCurrentRecords(ctx.store, serviceId, Number.MAX_SAFE_INTEGER).length > 0
  if (!isAnyOpen) return []
  // Whoever ended one of several that tell of it a while ago may have ended all of it.
  const endedAfterMs = ctx.clock.now().getTime() - OPEN_REACH_MS
  return ctx.others
    .overlayList(ctx, ownsOf(ctx, serviceId, listCurrentRecords(ctx.store, serviceId, endedAfterMs)), {
      serviceId,
      endedAfterMs,
      beforeMs: Number.MAX_SAFE_INTEGER,
    })
    .filter(({ resolvedAtMs, mergedInto }) => resolvedAtMs === null && mergedInto === null)
}

/** By the id that this watch or another one gives it. Null when there is none. */
export function incidentById(ctx: WatchCtx, id: string): IncidentView | null {
  return ctx.others.overlayOne(ctx, id, {
    find: (ownId) => {
      const unwritten = ctx.live.findUnwritten(ownId)
      if (unwritten) return unwritten
      const record = findIncident(ctx.store, ownId)
      return record && withUnchecked(ctx, { record, view: toView(ctx, record) })
    },
    near: (serviceId, fromMs, untilMs) =>
      ownsOf(
        ctx,
        serviceId,
        listIncidentRecords(ctx.store, { serviceId, beforeMs: untilMs, limit: LIST_MAX }).filter(
          ({ resolvedAtMs }) => resolvedAtMs === null || resolvedAtMs >= fromMs,
        ),
      ),
  })
}

/** Records of one service (null: of all) as they are by now. */
const ownsOf = (ctx: WatchCtx, serviceId: string | null, records: readonly IncidentRecord[]) =>
  withUnwritten(
    toOwns(ctx, records),
    (serviceId === null ? ctx.catalog.services().map(({ id }) => id) : [serviceId]).flatMap((id) =>
      ctx.live.unwritten(id),
    ),
  ).map((own) => withUnchecked(ctx, own))

/** Says of what is open and was not looked at since a restart until when it was. */
function withUnchecked(ctx: WatchCtx, own: OwnIncident): OwnIncident {
  const { resolvedAtMs, serviceId, facts } = own.record
  const unchecked = resolvedAtMs === null ? ctx.live.unchecked(serviceId) : null
  if (!unchecked || !facts.featureIds.every((id) => unchecked.featureIds.has(id))) return own
  return { ...own, view: { ...own.view, uncheckedSinceMs: unchecked.sinceMs } }
}
