/** All SQL of incidents: rows ↔ records. */
import type { Cause, Forecast, OutageState, RankedCause, SignalKind } from '../../engines/detect/types.ts'
import type { Statement, Store } from '../store/index.ts'
import type { Declared, RestorationStepView } from './declared.ts'
import type { IncidentView, UpdateView } from './views.ts'

/** An incident as it is kept. */
export interface IncidentRecord {
  readonly id: string
  readonly serviceId: string
  readonly outageId: string | null
  readonly state: OutageState
  /** What an operator set; the detector may go beyond it and not back. */
  readonly pinnedState: OutageState | null
  readonly operatorCause: Cause | null
  readonly startedAtMs: number
  readonly confirmedAtMs: number | null
  readonly resolvedAtMs: number | null
  readonly updatedAtMs: number
  readonly mergedInto: string | null
  readonly facts: IncidentFacts
}

/** What is only shown, never searched. */
export interface IncidentFacts {
  readonly title: string
  readonly isTitleByOperator: boolean
  readonly impact: IncidentView['impact']
  readonly causes: readonly RankedCause[]
  readonly confidence: number
  readonly contributions: Readonly<Partial<Record<SignalKind, number>>>
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly detectedAtMs: number
  readonly identifiedAtMs: number | null
  readonly recoveringAtMs: number | null
  readonly relapses: number
  readonly recovered: { readonly cells: number; readonly of: number }
  readonly forecast: Forecast | null
  readonly officialLagMs: number | null
  /** Missing: the service declares nothing of itself. */
  readonly declared?: Declared | null
  /** When it was last said, to the minute. */
  readonly declaredAtMs?: number | null
  readonly restoration?: readonly RestorationStepView[]
  /** Seen by another watch only: an operator here took it over to say something about it. Missing: seen here. */
  readonly isAdopted?: boolean
}

interface IncidentRow {
  readonly id: string
  readonly service_id: string
  readonly outage_id: string | null
  readonly state: OutageState
  readonly pinned_state: OutageState | null
  readonly operator_cause: Cause | null
  readonly started_at_ms: number
  readonly confirmed_at_ms: number | null
  readonly resolved_at_ms: number | null
  readonly updated_at_ms: number
  readonly merged_into: string | null
  readonly facts: string
}

const COLUMNS = `id, service_id, outage_id, state, pinned_state, operator_cause, started_at_ms, confirmed_at_ms,
  resolved_at_ms, updated_at_ms, merged_into, facts`

const toRecord = (row: IncidentRow): IncidentRecord => ({
  id: row.id,
  serviceId: row.service_id,
  outageId: row.outage_id,
  state: row.state,
  pinnedState: row.pinned_state,
  operatorCause: row.operator_cause,
  startedAtMs: row.started_at_ms,
  confirmedAtMs: row.confirmed_at_ms,
  resolvedAtMs: row.resolved_at_ms,
  updatedAtMs: row.updated_at_ms,
  mergedInto: row.merged_into,
  // Written by `writeIncident` only.
  facts: JSON.parse(row.facts) as IncidentFacts,
})

export function findIncident(store: Store, id: string): IncidentRecord | null {
  const row = store.get<IncidentRow>(`select ${COLUMNS} from incident where id = :id`, { id })
  return row ? toRecord(row) : null
}

export function findIncidentOfOutage(store: Store, outageId: string): IncidentRecord | null {
  const row = store.get<IncidentRow>(`select ${COLUMNS} from incident where outage_id = :outageId`, {
    outageId,
  })
  return row ? toRecord(row) : null
}

export function listIncidentRecords(
  store: Store,
  input: { readonly serviceId: string | null; readonly beforeMs: number; readonly limit: number },
): IncidentRecord[] {
  const { serviceId, beforeMs, limit } = input
  const rows =
    serviceId === null
      ? store.all<IncidentRow>(
          `select ${COLUMNS} from incident where started_at_ms < :beforeMs order by started_at_ms desc, id limit :limit`,
          { beforeMs, limit },
        )
      : store.all<IncidentRow>(
          `select ${COLUMNS} from incident where service_id = :serviceId and started_at_ms < :beforeMs
           order by started_at_ms desc, id limit :limit`,
          { serviceId, beforeMs, limit },
        )
  return rows.map(toRecord)
}

/** Open ones that tell of an outage of the detector's, of all services. */
export function listOpenOfOutages(store: Store): IncidentRecord[] {
  return store
    .all<IncidentRow>(
      `select ${COLUMNS} from incident where resolved_at_ms is null and merged_into is null and outage_id is not null
       order by started_at_ms, id`,
    )
    .map(toRecord)
}

/** When an operator last said something of it; null: never. */
export function lastOperatorWordMs(store: Store, incidentId: string): number | null {
  const row = store.get<{ at: number | null }>(
    `select max(at_ms) as at from incident_update where incident_id = :incidentId and author like 'operator:%'`,
    { incidentId },
  )
  return row?.at ?? null
}

/** Open ones, and those that ended after the instant; merged ones left out. Newest first. */
export function listCurrentRecords(store: Store, serviceId: string, endedAfterMs: number): IncidentRecord[] {
  return store
    .all<IncidentRow>(
      `select ${COLUMNS} from incident where service_id = :serviceId and merged_into is null
         and (resolved_at_ms is null or resolved_at_ms > :endedAfterMs)
       order by started_at_ms desc, id limit 500`,
      { serviceId, endedAfterMs },
    )
    .map(toRecord)
}

/**
 * Writes the record. With `seenAtMs` null it must be new; else it must still be as it was then, or the unit is undone.
 */
export function writeIncident(record: IncidentRecord, seenAtMs: number | null): Statement {
  const params = {
    id: record.id,
    serviceId: record.serviceId,
    outageId: record.outageId,
    state: record.state,
    pinnedState: record.pinnedState,
    operatorCause: record.operatorCause,
    startedAtMs: record.startedAtMs,
    confirmedAtMs: record.confirmedAtMs,
    resolvedAtMs: record.resolvedAtMs,
    updatedAtMs: record.updatedAtMs,
    mergedInto: record.mergedInto,
    facts: JSON.stringify(record.facts),
  }
  if (seenAtMs === null)
    return {
      sql: `insert into incident (${COLUMNS}) values (:id, :serviceId, :outageId, :state, :pinnedState, :operatorCause,
        :startedAtMs, :confirmedAtMs, :resolvedAtMs, :updatedAtMs, :mergedInto, :facts) on conflict do nothing`,
      params,
      mustChange: true,
    }
  const { serviceId: _, ...rest } = params
  return {
    sql: `update incident set outage_id = :outageId, state = :state, pinned_state = :pinnedState, operator_cause = :operatorCause,
        started_at_ms = :startedAtMs, confirmed_at_ms = :confirmedAtMs, resolved_at_ms = :resolvedAtMs,
        updated_at_ms = :updatedAtMs, merged_into = :mergedInto, facts = :facts
      where id = :id and updated_at_ms = :seenAtMs`,
    params: { ...rest, seenAtMs },
    mustChange: true,
  }
}

export function writeUpdate(incidentId: string, update: UpdateView): Statement {
  return {
    sql: `insert into incident_update (id, incident_id, at_ms, state, body, author, affected)
      values (:id, :incidentId, :atMs, :state, :body, :author, :affected)`,
    params: {
      id: update.id,
      incidentId,
      atMs: update.atMs,
      state: update.state,
      body: update.body,
      author: update.author,
      affected: JSON.stringify(update.affected),
    },
  }
}

/** What was said of an incident. */
export interface IncidentWords {
  /** Newest first. */
  readonly updates: readonly UpdateView[]
  readonly publicExplanation: IncidentView['publicExplanation']
}

interface UpdateRow {
  readonly incident_id: string
  readonly id: string
  readonly at_ms: number
  readonly state: OutageState
  readonly body: string
  readonly author: string
  readonly affected: string
}

const UPDATES_MAX = 500

/** Of each of these incidents, by two reads for all of them. */
export function readWords(store: Store, incidentIds: readonly string[]): (id: string) => IncidentWords {
  const ids = JSON.stringify(incidentIds)
  const updates = Map.groupBy(
    store.all<UpdateRow>(
      `select incident_id, id, at_ms, state, body, author, affected from incident_update
       where incident_id in (select value from json_each(:ids)) order by at_ms desc, rowid desc`,
      { ids },
    ),
    (row) => row.incident_id,
  )
  const explanations = new Map(
    store
      .all<{ id: string; body: string; at: number; author: string }>(
        `select incident_id as id, body, at_ms as at, author from incident_explanation
         where incident_id in (select value from json_each(:ids))`,
        { ids },
      )
      .map(({ id, ...explanation }) => [id, explanation]),
  )
  return (id) => ({
    updates: (updates.get(id) ?? []).slice(0, UPDATES_MAX).map(toUpdate),
    publicExplanation: explanations.get(id) ?? null,
  })
}

const toUpdate = (row: UpdateRow): UpdateView => ({
  id: row.id,
  state: row.state,
  body: row.body,
  atMs: row.at_ms,
  author: row.author,
  // Written by `writeUpdate` only.
  affected: JSON.parse(row.affected) as UpdateView['affected'],
})

export function writeExplanation(
  incidentId: string,
  explanation: NonNullable<IncidentView['publicExplanation']>,
): Statement {
  return {
    sql: `insert into incident_explanation (incident_id, body, at_ms, author) values (:incidentId, :body, :at, :author)
      on conflict (incident_id) do update set body = excluded.body, at_ms = excluded.at_ms, author = excluded.author`,
    params: { incidentId, ...explanation },
  }
}
