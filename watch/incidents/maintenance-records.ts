/** All SQL of maintenance windows. */
import type { Statement, Store } from '../store/index.ts'
import type { MaintenanceStatus, MaintenanceView } from './views.ts'

interface MaintenanceRow {
  readonly id: string
  readonly service_id: string
  readonly title: string
  readonly body: string
  readonly status: MaintenanceStatus
  readonly feature_ids: string
  readonly regions: string
  readonly scheduled_for_ms: number
  readonly scheduled_until_ms: number
  readonly created_at_ms: number
  readonly updated_at_ms: number
  readonly completed_at_ms: number | null
}

export type MaintenanceUpdate = MaintenanceView['updates'][number]

const COLUMNS = `id, service_id, title, body, status, feature_ids, regions, scheduled_for_ms, scheduled_until_ms,
  created_at_ms, updated_at_ms, completed_at_ms`

const UPDATES_MAX = 200

/** By one more read for all of them. */
function toViews(store: Store, rows: readonly MaintenanceRow[]): MaintenanceView[] {
  const updates = Map.groupBy(
    store.all<MaintenanceUpdate & { maintenanceId: string }>(
      `select maintenance_id as maintenanceId, id, status, body, at_ms as atMs, author from maintenance_update
       where maintenance_id in (select value from json_each(:ids)) order by at_ms desc, rowid desc`,
      { ids: JSON.stringify(rows.map(({ id }) => id)) },
    ),
    ({ maintenanceId }) => maintenanceId,
  )
  return rows.map((row) => ({
    id: row.id,
    serviceId: row.service_id,
    title: row.title,
    body: row.body,
    status: row.status,
    featureIds: JSON.parse(row.feature_ids) as string[],
    regions: JSON.parse(row.regions) as string[],
    scheduledForMs: row.scheduled_for_ms,
    scheduledUntilMs: row.scheduled_until_ms,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    completedAtMs: row.completed_at_ms,
    updates: (updates.get(row.id) ?? [])
      .slice(0, UPDATES_MAX)
      .map(({ maintenanceId: _, ...update }) => update),
  }))
}

export function findMaintenance(store: Store, id: string): MaintenanceView | null {
  const row = store.get<MaintenanceRow>(`select ${COLUMNS} from maintenance where id = :id`, { id })
  return row ? toViews(store, [row])[0]! : null
}

/** Under way, to come, and ended after the instant, by their beginning. */
export function listMaintenancesNear(
  store: Store,
  serviceId: string,
  endedAfterMs: number,
): MaintenanceView[] {
  const rows = store.all<MaintenanceRow>(
    `select ${COLUMNS} from maintenance where service_id = :serviceId
         and (completed_at_ms is null or completed_at_ms > :endedAfterMs)
       order by scheduled_for_ms, id limit 200`,
    { serviceId, endedAfterMs },
  )
  return toViews(store, rows)
}

/** The latest first. */
export function listAllMaintenances(store: Store, serviceId: string, limit: number): MaintenanceView[] {
  const rows = store.all<MaintenanceRow>(
    `select ${COLUMNS} from maintenance where service_id = :serviceId order by scheduled_for_ms desc, id limit :limit`,
    { serviceId, limit },
  )
  return toViews(store, rows)
}

/** Those of all services that are not completed. */
export function listOpenMaintenances(store: Store): MaintenanceView[] {
  const rows = store.all<MaintenanceRow>(
    `select ${COLUMNS} from maintenance where completed_at_ms is null order by scheduled_for_ms, id limit 1000`,
  )
  return toViews(store, rows)
}

/** Those whose id begins like this and that were announced after the instant. */
export const countMaintenances = (
  store: Store,
  input: { readonly prefix: string; readonly sinceMs: number },
): number =>
  store.get<{ count: number }>(
    `select count(*) as count from maintenance
     where created_at_ms > :sinceMs and substr(id, 1, length(:prefix)) = :prefix`,
    { ...input },
  )!.count

export function insertMaintenance(view: Omit<MaintenanceView, 'updates'>): Statement {
  return {
    sql: `insert into maintenance (${COLUMNS}) values (:id, :serviceId, :title, :body, :status, :featureIds, :regions,
      :scheduledForMs, :scheduledUntilMs, :createdAtMs, :updatedAtMs, :completedAtMs)`,
    params: {
      ...view,
      featureIds: JSON.stringify(view.featureIds),
      regions: JSON.stringify(view.regions),
    },
  }
}

/** Undone with its unit when somebody else changed the status meanwhile. */
export function changeMaintenance(input: {
  readonly id: string
  readonly seenStatus: MaintenanceStatus
  readonly status: MaintenanceStatus
  readonly atMs: number
}): Statement {
  return {
    sql: `update maintenance set status = :status, updated_at_ms = :atMs,
        completed_at_ms = case when :status = 'completed' then :atMs else null end
      where id = :id and status = :seenStatus`,
    params: { ...input },
    mustChange: true,
  }
}

export function insertMaintenanceUpdate(maintenanceId: string, update: MaintenanceUpdate): Statement {
  return {
    sql: `insert into maintenance_update (id, maintenance_id, at_ms, status, body, author)
      values (:id, :maintenanceId, :atMs, :status, :body, :author)`,
    params: { maintenanceId, ...update },
  }
}
