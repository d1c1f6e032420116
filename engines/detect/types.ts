/** What goes into the detector and what comes out of it. Times are milliseconds since 1970; every sample carries its own. */

/** The kinds of evidence that count as independent of each other. `word` is what the service says of itself. */
export const SIGNAL_KINDS = ['reports', 'probes', 'traffic', 'chatter', 'word'] as const
export type SignalKind = (typeof SIGNAL_KINDS)[number]

export const CAUSES = [
  'overload',
  'rollout',
  'edge',
  'dns',
  'network',
  'attack',
  'policy',
  'maintenance',
  'local',
  'unknown',
] as const
export type Cause = (typeof CAUSES)[number]

/** A service as far as detection has to know it. Ids are stable; an outage names them. */
export interface ServiceModel {
  readonly id: string
  readonly features: readonly FeatureModel[]
  /** Region ids; `world` alone when the service has none. */
  readonly regions: readonly string[]
  /** Services that share a provider with this one, or whose reporters are known to mix the two up. */
  readonly neighbours: readonly string[]
  /** Minutes east of UTC of the hours that people live by, per region; 0 where it is missing. */
  readonly utcOffsetMinutes?: Readonly<Record<string, number>>
}

export interface FeatureModel {
  readonly id: string
  /** Features that fail with this one's failure, for instance everything on `core`. */
  readonly dependsOn: readonly string[]
  /** `edge` features are served by caches (segments), `core` ones by the origin. It tells causes apart. */
  readonly tier: 'core' | 'edge'
}

interface At {
  readonly serviceId: string
  readonly atMs: number
}

/** People saying that it doesn't work, already de-duplicated. A null feature or region is one that nobody named. */
export interface ReportSample extends At {
  readonly kind: 'reports'
  readonly featureId: string | null
  readonly region: string | null
  /** The autonomous system that they come from; null when unknown. */
  readonly asn: number | null
  readonly count: number
  /** 0 to 1: what remains of the count once batches, sybils and floods are discounted. */
  readonly trust: number
  readonly clientVersion: string | null
}

export const PROBE_FAILURES = [
  'dns-no-answer',
  'dns-wrong-answer',
  'connect',
  // The host itself answered that nobody listens there: the way to it is intact.
  'refused',
  'tls',
  'tls-expired',
  'timeout',
  // The connection was made, and no answer came over it.
  'unanswered',
  'http-5xx',
  'http-4xx',
  'overloaded',
  'blocked-by-law',
  'block-page',
  'assertion',
  'undecodable',
  'store-listing-gone',
] as const
export type ProbeFailure = (typeof PROBE_FAILURES)[number]

/** One check from one place. */
export interface ProbeSample extends At {
  readonly kind: 'probes'
  readonly monitorId: string
  readonly featureIds: readonly string[]
  readonly vantageId: string
  /** The region that the vantage point stands for; null: it stands for the whole world. */
  readonly region: string | null
  readonly asn: number | null
  /** `blind`: the place had no connection of its own, so nothing was learnt. `error`: our own fault, the same. */
  readonly outcome: 'ok' | 'failed' | 'blind' | 'error'
  readonly failure: ProbeFailure | null
  /** Whole duration; null when nothing was measured. */
  readonly durationMs: number | null
  /** After how long the same monitor is due again. */
  readonly intervalMs: number
}

/** Requests and bytes of one interval, as the service's own counters say. Null: this interval is unknown, not 0. */
export interface TrafficSample extends At {
  readonly kind: 'traffic'
  readonly featureId: string
  readonly region: string
  readonly intervalMs: number
  readonly requests: number | null
  readonly errors: number | null
  readonly bytes: number | null
  /** 0 to 1: how many different sources sent them, relative to usual; null when it isn't counted. */
  readonly diversity: number | null
}

/** Mentions of "X is down" on open networks. */
export interface ChatterSample extends At {
  readonly kind: 'chatter'
  readonly intervalMs: number
  readonly count: number
}

/** What the service publishes of itself. A feed that can't be read sends no sample at all. */
export interface WordSample extends At {
  readonly kind: 'word'
  /** Null: the service as a whole. */
  readonly featureId: string | null
  readonly status: 'operational' | 'degraded' | 'partial' | 'major' | 'maintenance'
}

/** Something that was done to the service. It explains; it never detects. */
export interface MarkerSample extends At {
  readonly kind: 'marker'
  readonly what:
    | 'release'
    | 'configuration'
    | 'maintenance-start'
    | 'maintenance-end'
    | 'policy-close'
    | 'policy-open'
  /** Empty: all. */
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
}

/** Planned work that is under way. Empty: all features, all regions. */
export interface MaintenanceWindow {
  readonly serviceId: string
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
}

export type Sample = ReportSample | ProbeSample | TrafficSample | ChatterSample | WordSample | MarkerSample

export const OUTAGE_STATES = [
  'suspected',
  'confirmed',
  'identified',
  'mitigating',
  'recovering',
  'resolved',
] as const
export type OutageState = (typeof OUTAGE_STATES)[number]

/** One feature in one region. */
export interface CellView {
  readonly serviceId: string
  readonly featureId: string
  readonly region: string
  /** Probability that it is broken now; null while there is no evidence at all. */
  readonly posterior: number | null
  /** `unknown` when there is no evidence or all of it is blind; a lack of evidence never turns `down` into `up`. */
  readonly state: 'up' | 'suspected' | 'down' | 'recovering' | 'maintenance' | 'closed' | 'unknown'
  /** Log-odds that each kind adds (positive: broken); a kind that says nothing is missing. */
  readonly contributions: Readonly<Partial<Record<SignalKind, number>>>
  readonly sinceMs: number | null
  /** The detector was restarted, and no check has come in since: it is as it was then. Else missing. */
  readonly isUnchecked?: true
}

export interface RankedCause {
  readonly cause: Cause
  /** 0 to 1; all of an outage's causes sum to 1. */
  readonly probability: number
  /** Stable kebab-case names of the observations that speak for and against it; texts are made elsewhere. */
  readonly evidenceFor: readonly string[]
  readonly evidenceAgainst: readonly string[]
}

export interface Interval {
  readonly medianMs: number
  /** 5 % and 95 %. */
  readonly lowMs: number
  readonly highMs: number
}

/** How long something still lasts, and what that is known from. */
export interface Forecast extends Interval {
  /** Mostly from this service's own past outages, else from published figures of others. Missing: the latter. */
  readonly isOfOwnPast?: boolean
}

export interface Outage {
  /** Deterministic: service, and the onset of the first cell, in order. */
  readonly id: string
  readonly serviceId: string
  readonly state: OutageState
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly cells: readonly CellView[]
  /** Highest posterior among its cells. */
  readonly confidence: number
  readonly contributions: Readonly<Partial<Record<SignalKind, number>>>
  /** Most likely first. */
  readonly causes: readonly RankedCause[]
  /** When it began: points in time, not durations. */
  readonly onset: Interval
  readonly detectedAtMs: number
  readonly confirmedAtMs: number | null
  readonly recoveringSinceMs: number | null
  readonly resolvedAtMs: number | null
  /** Until when a return of the same cells reopens this outage. Null while it is not resolved. */
  readonly relapseWatchUntilMs: number | null
  readonly relapses: number
  /** How far the way back is: cells that are up again, of all that broke. */
  readonly recovered: { readonly cells: number; readonly of: number }
  /** When it will be over, from now; null where too little is known of its kind. */
  readonly remaining: Forecast | null
  /** The detector was restarted, and none of its cells was looked at since: it is as it was then. Else missing. */
  readonly isUnchecked?: true
  /** The detector was restarted, and nothing that came in since speaks against any of its cells. Else missing. */
  readonly isUnaccused?: true
}

/** Reports on this service that another one's outage explains: shown so, and no outage of its own. */
export interface Collateral {
  readonly serviceId: string
  readonly explainedBy: string
  readonly share: number
}

export type DetectorEvent =
  | {
      readonly kind: 'outage-opened' | 'outage-changed' | 'outage-resolved' | 'outage-relapsed'
      readonly atMs: number
      readonly outage: Outage
    }
  | { readonly kind: 'collateral'; readonly atMs: number; readonly collateral: Collateral }

/**
 * The detector. Deterministic: the same samples in the same order give the same events. Samples may come late by up to
 * `DetectorOptions.latenessMs`; older ones still teach the baselines, and open nothing.
 */
export interface Detector {
  /** Takes one sample in O(1). @throws {RangeError} for a service that it was not made for. */
  readonly observe: (sample: Sample) => void
  /**
   * Closes all 10 s bins before `nowMs` and says what changed. Time only moves forward. Call it at least once in 10 s: a
   * sample counts in the bin that is open when it is observed. After a gap of five minutes nothing is assumed about it.
   */
  readonly advance: (nowMs: number) => DetectorEvent[]
  /**
   * Says which windows of all services are under way, from the next bin that closes on: a level, so what isn't among them is
   * over. Until it is called, what the snapshot knew holds.
   */
  readonly setMaintenance: (windows: readonly MaintenanceWindow[]) => void
  readonly cells: (serviceId: string) => CellView[]
  /** Open ones, and resolved ones in relapse watch. */
  readonly outages: (serviceId?: string) => Outage[]
  readonly collaterals: () => Collateral[]
  /** JSON: everything needed to go on after a restart as if nothing had happened. */
  readonly snapshot: () => DetectorSnapshot
}

export interface DetectorOptions {
  /** @default 30_000 */
  readonly latenessMs?: number
  /**
   * When whoever feeds it was started anew: what is broken by the snapshot stays as it is until something newer comes in, and
   * causes are not reckoned from what is older. Missing: it goes on as if nothing had happened.
   */
  readonly restartedAtMs?: number
}

/** Opaque to its keeper, but JSON. A version that this code can't read is refused, and the detector starts anew. */
export interface DetectorSnapshot {
  readonly version: number
  readonly savedAtMs: number
  readonly state: unknown
}
