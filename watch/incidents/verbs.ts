/** What operators and programs may ask of incidents, as inputs of the verbs in `index.ts`. */
import type { Cause, OutageState } from '../../engines/detect/types.ts'
import type { Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'
import type {
  IncidentView,
  MaintenanceStatus,
  MaintenanceView,
  ReportMinuteView,
  ResponseTimeView,
  StatusView,
  UptimeDayView,
} from './views.ts'

interface By {
  readonly actor: Actor
}

export interface ListIncidentsInput {
  /** Null: of all services. */
  readonly serviceId: string | null
  /** Only those that began before this instant. */
  readonly beforeMs?: number
  /** @default 50 */
  readonly limit?: number
  /** Without what other watches say. @default false */
  readonly isOwnOnly?: boolean
}

/** One tap: a suspected outage is one. */
export interface ConfirmOutageInput extends By {
  readonly incidentId: string
}

export interface CorrectCauseInput extends By {
  readonly incidentId: string
  /** Null: back to what the detector says. */
  readonly cause: Cause | null
}

export interface PostUpdateInput extends By {
  readonly incidentId: string
  /** Left out: the state stays. `resolved` closes it. */
  readonly state?: OutageState
  /** Plain text. */
  readonly body: string
}

export interface MergeIncidentsInput extends By {
  /** The one that stays. */
  readonly intoId: string
  readonly incidentIds: readonly string[]
}

/** An incident that no signal shows (yet). */
export interface OpenIncidentInput extends By {
  readonly serviceId: string
  readonly title: string
  readonly body: string
  readonly featureIds: readonly string[]
  /** Empty: all. */
  readonly regions: readonly string[]
  readonly impact: 'minor' | 'major' | 'critical'
}

export interface ScheduleMaintenanceInput extends By {
  readonly serviceId: string
  readonly title: string
  readonly body: string
  /** Empty: all. */
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly scheduledForMs: number
  readonly scheduledUntilMs: number
}

export interface UpdateMaintenanceInput extends By {
  readonly maintenanceId: string
  readonly status: MaintenanceStatus
  readonly body: string
}

/** The public explanation that every confirmed outage gets. */
export interface ExplainIncidentInput extends By {
  readonly incidentId: string
  readonly body: string
}

/** A line of the audit log. */
export interface AuditEntry {
  readonly id: string
  readonly atMs: number
  /** `watch`, `operator:NAME` or `key:ID`. */
  readonly actor: string
  /** A verb's name, kebab-case. */
  readonly action: string
  /** What it was done to: an incident's, maintenance's or service's id. */
  readonly subject: string
  readonly facts: Readonly<Record<string, string | number | boolean | null>>
}

/** The verbs of `index.ts`. Each write answers once it is on the disk, appends a line to the audit log with it, and tells `ctx.live`. */
export interface IncidentVerbs {
  /** @throws {WatchError} not-found */
  statusOf(ctx: WatchCtx, serviceId: string): StatusView
  /** Newest first. */
  listIncidents(ctx: WatchCtx, input: ListIncidentsInput): IncidentView[]
  /** Null when there is none. */
  incidentById(ctx: WatchCtx, id: string): IncidentView | null
  /** All of a service, the latest first. */
  listMaintenances(
    ctx: WatchCtx,
    input: { readonly serviceId: string; readonly limit?: number },
  ): MaintenanceView[]
  maintenanceById(ctx: WatchCtx, id: string): MaintenanceView | null
  /** For these components only: a page of a large service asks for what it shows. Newest last; each has `days` days. */
  uptimeDaysOf(
    ctx: WatchCtx,
    input: { readonly serviceId: string; readonly featureIds: readonly string[]; readonly days?: number },
  ): Map<string, UptimeDayView[]>
  /** The last 24 hours by default, oldest first; five minutes without a measurement are missing. */
  responseTimesOf(
    ctx: WatchCtx,
    input: { readonly serviceId: string; readonly featureIds: readonly string[]; readonly sinceMs?: number },
  ): Map<string, ResponseTimeView[]>
  reportMinutesOf(
    ctx: WatchCtx,
    input: { readonly serviceId: string; readonly featureId?: string; readonly sinceMs?: number },
  ): ReportMinuteView[]
  listAudit(ctx: WatchCtx, input: { readonly beforeMs?: number; readonly limit?: number }): AuditEntry[]
  /** A statement that appends to the audit log, to be written in one unit with what it is about. */
  auditStatement(
    ctx: WatchCtx,
    entry: {
      readonly actor: Actor
      readonly action: string
      readonly subject: string
      readonly facts?: AuditEntry['facts']
    },
  ): Statement
  confirmOutage(ctx: WatchCtx, input: ConfirmOutageInput): Promise<IncidentView>
  correctCause(ctx: WatchCtx, input: CorrectCauseInput): Promise<IncidentView>
  postUpdate(ctx: WatchCtx, input: PostUpdateInput): Promise<IncidentView>
  mergeIncidents(ctx: WatchCtx, input: MergeIncidentsInput): Promise<IncidentView>
  openIncident(ctx: WatchCtx, input: OpenIncidentInput): Promise<IncidentView>
  explainIncident(ctx: WatchCtx, input: ExplainIncidentInput): Promise<IncidentView>
  scheduleMaintenance(ctx: WatchCtx, input: ScheduleMaintenanceInput): Promise<MaintenanceView>
  updateMaintenance(ctx: WatchCtx, input: UpdateMaintenanceInput): Promise<MaintenanceView>
}
