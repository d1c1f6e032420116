/** SQL of pages, of who was told, and of roles; reads overrides. */
import type { IncidentRole } from '../configuration/index.ts'
import type { Statement, Store } from '../store/index.ts'
import type { Escalating, PageState } from './escalation.ts'
import type { Override } from './rota.ts'

export interface PageRecord extends Escalating {
  readonly id: string
  readonly serviceId: string
  /** `incident/ID` or `blind/SERVICE`. */
  readonly subject: string
  /** From 1: an outage that comes back is paged anew. */
  readonly turn: number
  readonly relapses: number
  readonly openedAtMs: number
  readonly acknowledgedAtMs: number | null
  /** As the audit log names them. */
  readonly acknowledgedBy: string | null
  readonly overAtMs: number | null
  readonly isGapTold: boolean
}

/** Somebody was told of a page. */
export interface Told {
  readonly pageId: string
  readonly step: number
  readonly personId: string
  readonly name: string
  readonly via: string
  readonly atMs: number
  readonly channels: readonly ToldChannel[]
}

export interface ToldChannel {
  readonly channel: string
  /** Their receiver in the outbox. */
  readonly subscriptionId: string
}

interface PageRow {
  readonly id: string
  readonly service_id: string
  readonly subject: string
  readonly turn: number
  readonly relapses: number
  readonly opened_at_ms: number
  readonly state: PageState
  readonly steps_taken: number
  readonly due_at_ms: number
  readonly acknowledged_at_ms: number | null
  readonly acknowledged_by: string | null
  readonly over_at_ms: number | null
  readonly is_gap_told: number
}

const COLUMNS = `id, service_id, subject, turn, relapses, opened_at_ms, state, steps_taken, due_at_ms,
  acknowledged_at_ms, acknowledged_by, over_at_ms, is_gap_told`

const toRecord = (row: PageRow): PageRecord => ({
  id: row.id,
  serviceId: row.service_id,
  subject: row.subject,
  turn: row.turn,
  relapses: row.relapses,
  openedAtMs: row.opened_at_ms,
  state: row.state,
  stepsTaken: row.steps_taken,
  dueAtMs: row.due_at_ms,
  acknowledgedAtMs: row.acknowledged_at_ms,
  acknowledgedBy: row.acknowledged_by,
  overAtMs: row.over_at_ms,
  isGapTold: row.is_gap_told === 1,
})

export const subjectOfIncident = (incidentId: string): string => `incident/${incidentId}`
export const subjectOfBlindness = (serviceId: string): string => `blind/${serviceId}`

/** Null: the page is about the watch itself. */
export const incidentIdOf = ({ subject }: Pick<PageRecord, 'subject'>): string | null =>
  subject.startsWith('incident/') ? subject.slice('incident/'.length) : null

export function findPage(store: Store, id: string): PageRecord | null {
  const row = store.get<PageRow>(`select ${COLUMNS} from page where id = :id`, { id })
  return row ? toRecord(row) : null
}

export function findLastPage(store: Store, subject: string): PageRecord | null {
  const row = store.get<PageRow>(
    `select ${COLUMNS} from page where subject = :subject order by turn desc limit 1`,
    { subject },
  )
  return row ? toRecord(row) : null
}

/** Of these subjects, the newest first. */
export const listPagesOf = (store: Store, subjects: readonly string[]): PageRecord[] =>
  store
    .all<PageRow>(
      `select ${COLUMNS} from page where subject in (select value from json_each(:subjects))
       order by opened_at_ms desc, turn desc limit 100`,
      { subjects: JSON.stringify(subjects) },
    )
    .map(toRecord)

/** Those that are not over. */
export const listCurrentPages = (store: Store): PageRecord[] =>
  store
    .all<PageRow>(`select ${COLUMNS} from page where state <> 'over' order by opened_at_ms, id limit 1000`)
    .map(toRecord)

/** Newest first. */
export const listPages = (store: Store, limit: number): PageRecord[] =>
  store
    .all<PageRow>(`select ${COLUMNS} from page order by opened_at_ms desc, id limit :limit`, { limit })
    .map(toRecord)

/** The unit is undone when the turn was taken by somebody else. */
export const insertPage = (page: PageRecord): Statement => ({
  sql: `insert into page (${COLUMNS}) values (:id, :serviceId, :subject, :turn, :relapses, :openedAtMs, :state,
    :stepsTaken, :dueAtMs, :acknowledgedAtMs, :acknowledgedBy, :overAtMs, 0) on conflict do nothing`,
  params: {
    id: page.id,
    serviceId: page.serviceId,
    subject: page.subject,
    turn: page.turn,
    relapses: page.relapses,
    openedAtMs: page.openedAtMs,
    state: page.state,
    stepsTaken: page.stepsTaken,
    dueAtMs: page.dueAtMs,
    acknowledgedAtMs: page.acknowledgedAtMs,
    acknowledgedBy: page.acknowledgedBy,
    overAtMs: page.overAtMs,
  },
  mustChange: true,
})

/** Undone with its unit when an answer or another step came between: nobody is told of what was answered. */
export const writePage = (after: PageRecord, seen: PageRecord): Statement => ({
  sql: `update page set state = :state, steps_taken = :stepsTaken, due_at_ms = :dueAtMs, over_at_ms = :overAtMs,
      acknowledged_at_ms = :acknowledgedAtMs, acknowledged_by = :acknowledgedBy, is_gap_told = :isGapTold
    where id = :id and state = :seenState and steps_taken = :seenSteps`,
  params: {
    id: after.id,
    state: after.state,
    stepsTaken: after.stepsTaken,
    dueAtMs: after.dueAtMs,
    overAtMs: after.overAtMs,
    acknowledgedAtMs: after.acknowledgedAtMs,
    acknowledgedBy: after.acknowledgedBy,
    isGapTold: after.isGapTold ? 1 : 0,
    seenState: seen.state,
    seenSteps: seen.stepsTaken,
  },
  mustChange: true,
})

export const insertTold = (told: Told): Statement => ({
  sql: `insert into page_told (page_id, step, person_id, name, via, at_ms, channels)
    values (:pageId, :step, :personId, :name, :via, :atMs, :channels)
    on conflict (page_id, step, person_id) do update set at_ms = excluded.at_ms, channels = excluded.channels`,
  params: { ...told, channels: JSON.stringify(told.channels) },
})

/** The first first. */
export const listTold = (store: Store, pageId: string): Told[] =>
  store
    .all<Omit<Told, 'channels'> & { channels: string }>(
      `select page_id as pageId, step, person_id as personId, name, via, at_ms as atMs, channels from page_told
       where page_id = :pageId order by at_ms, step, person_id`,
      { pageId },
    )
    // Written by `insertTold` only.
    .map((row) => ({ ...row, channels: JSON.parse(row.channels) as ToldChannel[] }))

/** How a message fared: `waiting`, `sent` or `given-up`; null: its receiver is gone, or it was more than a week ago. */
export const findDelivery = (
  store: Store,
  noticeId: string,
  subscriptionId: string,
): { readonly state: string; readonly error: string | null } | null =>
  store.get<{ state: string; error: string | null }>(
    `select state, last_error as error from message
     where notice_id = :noticeId and subscription_id = :subscriptionId`,
    { noticeId, subscriptionId },
  ) ?? null

/** By when they were made; those that are over since before the instant are left out. */
export const listOverrides = (store: Store, serviceId: string, endedAfterMs: number): Override[] =>
  store.all<Override>(
    `select id, rota_id as rotaId, person_id as personId, from_ms as fromMs, until_ms as untilMs from rota_override
     where service_id = :serviceId and until_ms > :endedAfterMs order by made_at_ms, rowid`,
    { serviceId, endedAfterMs },
  )

export interface HeldRole {
  readonly role: IncidentRole
  /** `person:ID` of the service's file, or `operator:NAME`. */
  readonly person: string
  readonly sinceMs: number
}

export const listRoles = (store: Store, incidentId: string): HeldRole[] =>
  store.all<HeldRole>(
    'select role, person, since_ms as sinceMs from incident_role where incident_id = :incidentId order by role',
    { incidentId },
  )

export const writeRole = (incidentId: string, { role, person, sinceMs }: HeldRole): Statement => ({
  sql: `insert into incident_role (incident_id, role, person, since_ms) values (:incidentId, :role, :person, :sinceMs)
    on conflict (incident_id, role) do update set person = excluded.person, since_ms = excluded.since_ms`,
  params: { incidentId, role, person, sinceMs },
})

/** Whoever answers first leads, until somebody else is named. */
export const writeRoleIfFree = (incidentId: string, held: HeldRole): Statement => ({
  ...writeRole(incidentId, held),
  // An incident that came and went while the disk took nothing has none.
  sql: `insert into incident_role (incident_id, role, person, since_ms)
    select :incidentId, :role, :person, :sinceMs where exists (select 1 from incident where id = :incidentId)
    on conflict do nothing`,
})
