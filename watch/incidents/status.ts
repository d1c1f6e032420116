/** What pages and feeds read: a service's status, its incidents and maintenances, as views. */
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { componentId } from '../app/ids.ts'
import { overlayList, overlayOne } from '../peers/overlay.ts'
import type { OwnIncident } from '../peers/own-statements.ts'
import { peersOf } from '../peers/peer-views.ts'
import { namedCause } from './apply-outage.ts'
import { indicatorOf } from './component-status.ts'
import { explanationDueAtMs } from './explanation-due.ts'
import { listMaintenancesNear } from './maintenance-records.ts'
import { officialWordOf } from './official-word.ts'
import {
  findIncident,
  listCurrentRecords,
  listIncidentRecords,
  readWords,
  type IncidentRecord,
  type IncidentWords,
} from './records.ts'
import type { ListIncidentsInput } from './verbs.ts'
import type { ComponentView, IncidentView, RegionStateView, StatusView } from './views.ts'

const SHOWN_AFTER_END_MS = 14 * 24 * 3_600_000
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
    incidents: overlayList(
      ctx,
      toOwns(ctx, listCurrentRecords(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS)),
      { serviceId, endedAfterMs: nowMs - SHOWN_AFTER_END_MS, beforeMs: Number.MAX_SAFE_INTEGER },
    ),
    maintenances: listMaintenancesNear(ctx.store, serviceId, nowMs - SHOWN_AFTER_END_MS),
    officialWord: officialWordOf(ctx, serviceId),
    collaterals: ctx.live.collaterals(serviceId).map(({ explainedBy, share }) => ({ explainedBy, share })),
    peers: peersOf(ctx, serviceId, components),
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

/** Newest first, with those that only other watches know; merged ones are among them and say so. */
export function listIncidents(ctx: WatchCtx, input: ListIncidentsInput): IncidentView[] {
  const { serviceId, beforeMs = Number.MAX_SAFE_INTEGER, limit = 50 } = input
  const most = Math.min(limit, LIST_MAX)
  const own = toOwns(ctx, listIncidentRecords(ctx.store, { serviceId, beforeMs, limit: most }))
  if (input.isOwnOnly) return own.map(({ view }) => view)
  const endedAfterMs = own.length < most ? 0 : own.at(-1)!.record.startedAtMs
  return overlayList(ctx, own, { serviceId, endedAfterMs, beforeMs }).slice(0, most)
}

/** By the id that this watch or another one gives it. Null when there is none. */
export function incidentById(ctx: WatchCtx, id: string): IncidentView | null {
  return overlayOne(ctx, id, {
    find: (ownId) => {
      const record = findIncident(ctx.store, ownId)
      return record && { record, view: toView(ctx, record) }
    },
    near: (serviceId, fromMs, untilMs) =>
      toOwns(
        ctx,
        listIncidentRecords(ctx.store, { serviceId, beforeMs: untilMs, limit: LIST_MAX }).filter(
          ({ resolvedAtMs }) => resolvedAtMs === null || resolvedAtMs >= fromMs,
        ),
      ),
  })
}

function toOwns(ctx: WatchCtx, records: readonly IncidentRecord[]): OwnIncident[] {
  const wordsOf = readWords(
    ctx.store,
    records.map(({ id }) => id),
  )
  return records.map((record) => ({ record, view: withWords(record, wordsOf(record.id)) }))
}

/** The record with its updates and its explanation, as people see it. */
export const toView = (ctx: WatchCtx, record: IncidentRecord): IncidentView =>
  withWords(record, readWords(ctx.store, [record.id])(record.id))

function withWords(record: IncidentRecord, words: IncidentWords): IncidentView {
  const { isTitleByOperator: _, isAdopted: _adopted, ...facts } = record.facts
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
    ...words,
    explanationDueAtMs: explanationDueAtMs(record),
    mergedInto: record.mergedInto,
  }
}
