/**
 * What the watch knows, as pages, feeds and messages show it. Times are milliseconds since 1970; what is unknown is
 * null, never 0.
 */
import type { StatusIndicator, ComponentStatus } from '../../contract/watch.ts'
import type { Impact } from './component-status.ts'
import type { Declared, DeclaredView, RestorationStepView } from './declared.ts'
import type {
  Cause,
  CellView,
  Forecast,
  OutageState,
  RankedCause,
  SignalKind,
} from '../../engines/detect/types.ts'

/** One service, now. */
export interface StatusView {
  readonly service: ServiceView
  /** When evidence last came in; null: none yet. */
  readonly asOfMs: number | null
  /** The watch itself has no connection: nothing here is newer than `asOfMs`. */
  readonly isBlind: boolean
  readonly indicator: StatusIndicator
  /** Statuspage's words: "All Systems Operational", "Partial System Outage", … */
  readonly description: string
  /** In the order of the catalogue. */
  readonly components: readonly ComponentView[]
  /** Open ones and those of the last 14 days, newest first. */
  readonly incidents: readonly IncidentView[]
  /** Under way, to come, and those of the last 14 days, by their beginning. */
  readonly maintenances: readonly MaintenanceView[]
  /** What the service says of itself; null: nothing is published, or it could not be read. */
  readonly officialWord: OfficialWordView | null
  /** How the service says that it works, feature by feature; missing: it doesn't say, or not lately. */
  readonly declared?: DeclaredView
  /** Reports here that another service's outage explains. */
  readonly collaterals: readonly { readonly explainedBy: string; readonly share: number }[]
  /** Other watches that look at the same service; missing: there is none. */
  readonly peers?: readonly PeerView[]
}

/** What another watch says of the service. */
export interface PeerView {
  /** What it calls itself; null: it was never reached. */
  readonly watch: string | null
  /** Where people read it; null: it doesn't say. */
  readonly url: string | null
  readonly isSilent: boolean
  /** Null: never. */
  readonly heardAtMs: number | null
  /** What it last said of this service; null: nothing. */
  readonly word: {
    readonly asOfMs: number | null
    readonly isBlind: boolean
    readonly indicator: StatusIndicator
    readonly description: string
  } | null
  /** Slugs of features that one of the two sees fail and the other sees work. */
  readonly disagreesOn: readonly string[]
}

export interface ServiceView {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly description: string
  readonly timeZone: string
}

/** A feature of the service. */
export interface ComponentView {
  /** 12 lower-case letters and digits, the same for ever for this service and feature. */
  readonly id: string
  /** The feature's id in the catalogue. */
  readonly slug: string
  readonly name: string
  readonly description: string
  readonly group: string | null
  /** What people come for, as a word before “works”, if this is a part of it. */
  readonly essential: string | null
  /** From 1, in the order of the catalogue. */
  readonly position: number
  /** In Statuspage's words; what is unknown or only suspected keeps the last one that was known. */
  readonly status: ComponentStatus
  /** The worst of its regions. */
  readonly state: CellView['state']
  readonly regions: readonly RegionStateView[]
  /** How it works by the service's own word; missing: as usual, or nobody says. */
  readonly declared?: Declared
  /** When `status` last changed; null: never since it was first watched. */
  readonly changedAtMs: number | null
  readonly createdAtMs: number
  /** It did not work, and this watch has not looked since it was started anew: until when it had. Else missing. */
  readonly uncheckedSinceMs?: number
}

export interface RegionStateView {
  readonly id: string
  readonly name: string
  readonly state: CellView['state']
  readonly posterior: number | null
  readonly contributions: CellView['contributions']
}

export interface IncidentView {
  /** 12 lower-case letters and digits. */
  readonly id: string
  readonly serviceId: string
  /** The detector's; null for one that an operator opened. */
  readonly outageId: string | null
  readonly title: string
  readonly state: OutageState
  readonly impact: Impact
  /** Most likely first. */
  readonly causes: readonly RankedCause[]
  /** The operator's where there is one, else the most likely if that is more likely than not, else `unknown`. */
  readonly cause: Cause
  readonly isCauseByOperator: boolean
  /** How the service itself says that the worst of these features works, and why; missing: it says nothing of it. */
  readonly declared?: Declared | null
  /** The service's steps on the way back from it, oldest first; missing: it tells none. */
  readonly restoration?: readonly RestorationStepView[]
  /** 0 to 1. */
  readonly confidence: number
  readonly contributions: Readonly<Partial<Record<SignalKind, number>>>
  /** Slugs. */
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly startedAtMs: number
  readonly detectedAtMs: number
  readonly confirmedAtMs: number | null
  readonly identifiedAtMs: number | null
  readonly recoveringAtMs: number | null
  readonly resolvedAtMs: number | null
  readonly relapses: number
  readonly recovered: { readonly cells: number; readonly of: number }
  /** How long it will last from `updatedAtMs` on; null where too little is known of its kind. */
  readonly forecast: Forecast | null
  readonly updatedAtMs: number
  /** Newest first. */
  readonly updates: readonly UpdateView[]
  readonly publicExplanation: {
    readonly body: string
    readonly at: number
    readonly author: string
  } | null
  /** When it needs a public explanation by; null: it needs none (suspected only). */
  readonly explanationDueAtMs: number | null
  /** The incident that it was merged into. */
  readonly mergedInto: string | null
  /** How long the service took to say so itself, from the onset; null: it has not (yet), or has no such page. */
  readonly officialLagMs: number | null
  /** The disk has not taken yet how it is by now: true, else missing. */
  readonly isUnwritten?: true
  /** This watch has not looked at any of it since it was started anew: until when it had. Else missing. */
  readonly uncheckedSinceMs?: number
  /** Which watches tell of it and what each says, by their onset; missing: only this one does. */
  readonly witnesses?: readonly WitnessView[]
}

/** One watch's word on an incident. */
export interface WitnessView {
  readonly watch: string
  readonly isSelf: boolean
  /** It saw nothing itself: its operator took the incident over from another watch. */
  readonly isAdopted: boolean
  /** The id that it gives it. */
  readonly incidentId: string
  readonly state: OutageState
  readonly isConfirmed: boolean
  readonly startedAtMs: number
  /** Null: it isn't over as far as this watch knows. */
  readonly overAtMs: number | null
  /** It went silent before it was over, and another watch saw the end. */
  readonly isClosedByOthers: boolean
  /** When it last said something new of it. */
  readonly saidAtMs: number
  readonly isSilent: boolean
  /** When anything was last heard of it; null: it is this watch, or never spoke to us. */
  readonly heardAtMs: number | null
}

export interface UpdateView {
  /** 12 lower-case letters and digits. */
  readonly id: string
  readonly state: OutageState
  readonly body: string
  readonly atMs: number
  /** `watch`, or `operator:NAME`. */
  readonly author: string
  /** The watch that said it; missing: this one. */
  readonly watch?: string
  /** The watch and the id of the incident whose words it continues (`wordsOf`); missing: only this watch tells of it. */
  readonly of?: string
  readonly affected: readonly {
    /** A component's id. */
    readonly code: string
    readonly name: string
    readonly oldStatus: ComponentStatus
    readonly newStatus: ComponentStatus
  }[]
}

export type MaintenanceStatus = 'scheduled' | 'in_progress' | 'verifying' | 'completed'

export interface MaintenanceView {
  /** 12 lower-case letters and digits. */
  readonly id: string
  readonly serviceId: string
  readonly title: string
  readonly body: string
  readonly status: MaintenanceStatus
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly scheduledForMs: number
  readonly scheduledUntilMs: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly completedAtMs: number | null
  /** Newest first. */
  readonly updates: readonly {
    readonly id: string
    readonly status: MaintenanceStatus
    readonly body: string
    readonly atMs: number
    readonly author: string
  }[]
}

export interface OfficialWordView {
  readonly status: 'operational' | 'degraded' | 'partial' | 'major' | 'maintenance'
  readonly sinceMs: number
  readonly readAtMs: number
  /** Of the open outage, or of the last one it acknowledged, in seconds from the onset. */
  readonly lagS: number | null
}

/** One day of one component. */
export interface UptimeDayView {
  /** YYYY-MM-DD in UTC. */
  readonly day: string
  /** 0 to 1, maintenance left out; null: not watched that day. */
  readonly upFraction: number | null
  /** How much of it was watched, maintenance left out. */
  readonly watchedMs: number
  readonly worst: ComponentStatus | null
}

/** Five minutes of one component's probes. */
export interface ResponseTimeView {
  readonly atMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly checks: number
}

/** Reports of one minute, as counted and after discounts. */
export interface ReportMinuteView {
  readonly atMs: number
  readonly count: number
  /** What batches, sybils and floods leave of it. */
  readonly trusted: number
}

/** What changed, as `onChange` tells it. */
export type WatchChange =
  | { readonly kind: 'status'; readonly serviceId: string }
  | {
      readonly kind: 'incident'
      readonly serviceId: string
      readonly incident: IncidentView
      /** The update that this change appended; null: only figures moved. */
      readonly update: UpdateView | null
    }
  | { readonly kind: 'maintenance'; readonly serviceId: string; readonly maintenance: MaintenanceView }
  | { readonly kind: 'catalog' }
