/** What pages and feeds read: a service's status, its incidents and maintenances, as views. */
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { componentId } from '../app/ids.ts'
import { namedCause } from './apply-outage.ts'
import { indicatorOf } from './component-status.ts'
import { listMaintenancesNear } from './maintenance-records.ts'
import { officialWordOf } from './official-word.ts'
import {
  findExplanation,
  findIncident,
  listCurrentRecords,
  listIncidentRecords,
  listUpdates,
  type IncidentRecord,
} from './records.ts'
import type { ListIncidentsInput } from './verbs.ts'
import type { ComponentView, IncidentView, RegionStateView, StatusView } from './views.ts'

const SHOWN_AFTER_END_MS = 14 * 24 * 3_600_000
/** Every confirmed outage gets a public explanation within this time of its end. */
const EXPLANATION_DUE_MS = 72 * 3_600_000
const LIST_MAX = 500

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
    ...indicatorOf(components.map(({ status }) => status)),
    components,
    incidents: listCurrentRecords(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS).map((record) =>
      toView(ctx, record),
    ),
    maintenances: listMaintenancesNear(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS),
    officialWord: officialWordOf(ctx, serviceId),
    collaterals: ctx.live.collaterals(serviceId).map(({ explainedBy, share }) => ({ explainedBy, share })),
  }
}

function listComponents(ctx: WatchCtx, serviceId: string): ComponentView[] {
  const entry = ctx.catalog.find(serviceId)!
  const now = ctx.live.components(serviceId)
  const nowMs = ctx.clock.now().getTime()
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
    return {
      id: componentId(serviceId, feature.id),
      slug: feature.id,
      name: feature.name,
      description: feature.description,
      group: feature.group,
      position: index + 1,
      status: component?.status ?? 'operational',
      state: component?.state ?? 'unknown',
      regions: regionsOf.get(feature.id) ?? [],
      changedAtMs: component?.changedAtMs ?? null,
      createdAtMs: component?.createdAtMs ?? nowMs,
    }
  })
}

/** Newest first; merged ones are among them and say so. */
export function listIncidents(ctx: WatchCtx, input: ListIncidentsInput): IncidentView[] {
  const { serviceId, beforeMs = Number.MAX_SAFE_INTEGER, limit = 50 } = input
  return listIncidentRecords(ctx.store, { serviceId, beforeMs, limit: Math.min(limit, LIST_MAX) }).map(
    (record) => toView(ctx, record),
  )
}

/** Null when there is none. */
export function incidentById(ctx: WatchCtx, id: string): IncidentView | null {
  const record = findIncident(ctx.store, id)
  return record && toView(ctx, record)
}

/** The record with its updates and its explanation, as people see it. */
export function toView(ctx: WatchCtx, record: IncidentRecord): IncidentView {
  const { isTitleByOperator: _, ...facts } = record.facts
  return {
    ...facts,
    id: record.id,
    serviceId: record.serviceId,
    outageId: record.outageId,
    state: record.state,
    cause: namedCause(record) ?? 'unknown',
    isCauseByOperator: record.operatorCause !== null,
    startedAtMs: record.startedAtMs,
    confirmedAtMs: record.confirmedAtMs,
    resolvedAtMs: record.resolvedAtMs,
    updatedAtMs: record.updatedAtMs,
    updates: listUpdates(ctx.store, record.id),
    publicExplanation: findExplanation(ctx.store, record.id),
    explanationDueAtMs:
      record.confirmedAtMs !== null && record.resolvedAtMs !== null
        ? record.resolvedAtMs + EXPLANATION_DUE_MS
        : null,
    mergedInto: record.mergedInto,
  }
}
