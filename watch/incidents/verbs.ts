/** What operators and programs may ask of incidents, as inputs of the verbs in `index.ts`. */
import type { Cause, OutageState } from '../../engines/detect/types.ts'
import type { Actor } from '../app/actor.ts'
import type { MaintenanceStatus } from './views.ts'

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
