/** What the watch takes from outside and what it says: shapes that its pages, agents, embeds and the platform's app share. */
import { z } from 'zod'
import { Instant } from './common.ts'
import { FeatureMode, Level, LevelOrder, Reason } from './state.ts'

/** A component's state on the status surface, in Statuspage's words; what is unknown keeps its last confirmed state. */
export const ComponentStatus = z.enum([
  'operational',
  'degraded_performance',
  'partial_outage',
  'major_outage',
  'under_maintenance',
])
export type ComponentStatus = z.infer<typeof ComponentStatus>

export const StatusIndicator = z.enum(['none', 'minor', 'major', 'critical', 'maintenance'])
export type StatusIndicator = z.infer<typeof StatusIndicator>

export const Cause = z.enum([
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
])
export type Cause = z.infer<typeof Cause>

/** How the service itself says that something works, why and until when. */
export const DeclaredState = z.object({
  mode: FeatureMode,
  reason: Reason.nullable(),
  /** Its operator's words. */
  note: z.string().nullable(),
  since: Instant,
  until: Instant.nullable(),
})
export type DeclaredState = z.infer<typeof DeclaredState>

/** `GET /api/v1/services/:service/status.json`: what an app or a site shows as a banner. Small, cacheable, CORS open. */
export const WatchStatus = z.object({
  service: z.object({ id: z.string(), name: z.string(), statusUrl: z.string() }),
  /** When the watch last looked; a reader shows its age once it exceeds two minutes. */
  asOf: Instant,
  indicator: StatusIndicator,
  description: z.string(),
  /** The watch itself has no connection: nothing here is newer than `asOf`. */
  isBlind: z.boolean(),
  features: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      status: ComponentStatus,
      /** `unknown` when there is no evidence; it is never shown as a fault or as health. */
      state: z.enum(['up', 'suspected', 'down', 'recovering', 'maintenance', 'closed', 'unknown']),
      regions: z.array(z.object({ id: z.string(), state: z.string() })),
      /** Missing: as usual, or the service doesn't say. */
      declared: DeclaredState.optional(),
    }),
  ),
  /** The level that the service declares of itself, and its operator's order; missing: it doesn't say, or not lately. */
  declared: z.object({ level: Level, since: Instant, order: LevelOrder.nullable() }).optional(),
  incidents: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      state: z.enum(['suspected', 'confirmed', 'identified', 'mitigating', 'recovering', 'resolved']),
      cause: Cause,
      causeProbability: z.number(),
      /** What the service itself says of the worst of its features; missing: nothing. */
      declared: DeclaredState.optional(),
      features: z.array(z.string()),
      regions: z.array(z.string()),
      startedAt: Instant,
      expectedEndAt: Instant.nullable(),
      /** What a person can do meanwhile, in one sentence. */
      advice: z.string(),
      url: z.string(),
      /** Which watches tell of it, and what each says; missing: only this one does. */
      seenBy: z
        .array(
          z.object({
            watch: z.string(),
            isSelf: z.boolean(),
            state: z.enum(['suspected', 'confirmed', 'identified', 'mitigating', 'recovering', 'resolved']),
          }),
        )
        .optional(),
    }),
  ),
  /** Other watches that look at the same service, and what each last said; missing: there is none. */
  peers: z
    .array(
      z.object({
        /** Null: it was never reached. */
        watch: z.string().nullable(),
        url: z.string().nullable(),
        isSilent: z.boolean(),
        /** Null: it is heard, or never was. */
        silentSince: Instant.nullable(),
        /** What it last said of the service; null: nothing. */
        indicator: StatusIndicator.nullable(),
        description: z.string().nullable(),
        isBlind: z.boolean().nullable(),
        /** Features that one of the two sees fail and the other sees work. */
        disagreesOn: z.array(z.string()),
      }),
    )
    .optional(),
  maintenances: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      features: z.array(z.string()),
      startsAt: Instant,
      endsAt: Instant,
      url: z.string(),
    }),
  ),
})
export type WatchStatus = z.infer<typeof WatchStatus>

/** `POST /api/v1/services/:service/reports`. */
export const ReportInput = z.object({
  /** Null: "all of it". */
  feature: z.string().max(64).nullable(),
  /** The person's own choice; else it is found from the address. */
  region: z.string().max(64).nullable().default(null),
  device: z.enum(['phone', 'tablet', 'desktop', 'tv', 'other']).nullable().default(null),
  clientVersion: z.string().max(64).nullable().default(null),
  /** A verdict of "is it down, or is it me?", attached by the person. */
  diagnosis: z.string().max(2000).nullable().default(null),
  /** Solved proof of work, asked for only when a source looks automated. */
  altcha: z.string().max(4000).nullable().default(null),
})
export type ReportInput = z.infer<typeof ReportInput>

/** `POST /api/v1/services/:service/traffic`: what Prometheus's text format says, in JSON. Signed. */
export const TrafficInput = z.object({
  at: Instant,
  intervalS: z.number().positive().max(3600),
  rows: z
    .array(
      z.object({
        feature: z.string().max(64),
        region: z.string().max(64),
        requests: z.number().nonnegative().nullable(),
        errors: z.number().nonnegative().nullable().default(null),
        bytes: z.number().nonnegative().nullable().default(null),
        diversity: z.number().min(0).max(1).nullable().default(null),
      }),
    )
    .max(10_000),
})
export type TrafficInput = z.infer<typeof TrafficInput>

/** `POST /api/v1/services/:service/markers`: something was done to the service. Signed. */
export const MarkerInput = z.object({
  at: Instant,
  what: z.enum([
    'release',
    'configuration',
    'maintenance-start',
    'maintenance-end',
    'policy-close',
    'policy-open',
  ]),
  features: z.array(z.string().max(64)).max(100).default([]),
  regions: z.array(z.string().max(64)).max(300).default([]),
  note: z.string().max(500).default(''),
})
export type MarkerInput = z.infer<typeof MarkerInput>
