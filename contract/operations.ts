/** What an operator sees of an instance, and what an operator can have it do. Unknown numbers are null. */
import { z } from 'zod'
import { DocumentKind } from './releases.ts'
import { Handle, Id, Instant } from './common.ts'
import { Feature, Level, Maintenance, MAINTENANCE_TEXT_MAX_LENGTH, ServiceState } from './state.ts'

export const RoleName = z.enum(['ingest', 'api', 'worker'])
export type RoleName = z.infer<typeof RoleName>

export const RoleState = z.enum(['starting', 'ready', 'draining', 'waiting', 'held', 'stopped'])
export type RoleState = z.infer<typeof RoleState>

const Unknown = z.number().nullable()

/** What a door of admission found and did; rates are of the last second. */
export const DoorVitals = z.object({
  /** "process", "database" … */
  name: z.string(),
  /** Requests that may be under way at once, as found just now. */
  limit: z.number(),
  inFlight: z.number(),
  /** What a request takes in quiet; null before anything is known. */
  usualMs: Unknown,
  /** P0 first. */
  classes: z.array(
    z.object({
      class: z.enum(['P0', 'P1', 'P2', 'P3']),
      waiting: z.number(),
      admittedPerS: z.number(),
      refusedPerS: z.number(),
    }),
  ),
})
export type DoorVitals = z.infer<typeof DoorVitals>

export const JournalVitals = z.object({
  isWritable: z.boolean().nullable(),
  /** Entries that are not yet in the database. */
  pending: Unknown,
  sizeBytes: Unknown,
  oldestAgeMs: Unknown,
})
export type JournalVitals = z.infer<typeof JournalVitals>

export const DatabaseVitals = z.object({
  isUp: z.boolean().nullable(),
  /** Since when it is up, or away. */
  since: Instant.nullable(),
  pingMs: Unknown,
  connections: Unknown,
  connectionsMax: Unknown,
  /** Queries that wait for a connection. */
  waiting: Unknown,
})
export type DatabaseVitals = z.infer<typeof DatabaseVitals>

/** One process of a role. What it did not say, or said more than a few seconds ago, is null. */
export const RoleVitals = z.object({
  role: RoleName,
  state: RoleState,
  pid: z.int().nullable(),
  /** How often it was started again after a death that nobody asked for. */
  restartCount: z.int(),
  /** When it last said something of itself. */
  asOf: Instant.nullable(),
  uptimeS: Unknown,
  eventLoopP99Ms: Unknown,
  /** Share of the last second in which its thread was at work. */
  busyShare: Unknown,
  /** Cores' worth of CPU in the last second, its children left out. */
  cpuCores: Unknown,
  rssBytes: Unknown,
  /** Of the heap that it may have. */
  heapShare: Unknown,
  requestsPerS: Unknown,
  /** Answers of 500 and above but for refusals. */
  failuresPerS: Unknown,
  inFlight: Unknown,
  /** Empty: no door is in force. */
  doors: z.array(DoorVitals),
})
export type RoleVitals = z.infer<typeof RoleVitals>

export const Dependency = z.enum(['database', 'ingest', 'worker', 'disk', 'journal', 'blobs'])
export type Dependency = z.infer<typeof Dependency>

export const RestorationStep = z.object({
  /** Stable, kebab-case. */
  step: z.string(),
  state: z.enum(['closed', 'opening', 'open']),
  /** Of the people; 1 when open. */
  share: z.number().min(0).max(1),
  /** Null: it has not changed since the process began. */
  changedAt: Instant.nullable(),
  /** In words; null: for nothing. */
  waitsFor: z.string().nullable(),
})
export type RestorationStep = z.infer<typeof RestorationStep>

export const RestorationEvent = z.object({
  at: Instant,
  step: z.string(),
  share: z.number().min(0).max(1),
  why: z.string(),
})
export type RestorationEvent = z.infer<typeof RestorationEvent>

/** The way back, step by step. */
export const Restoration = z.object({
  /** In their order. */
  steps: z.array(RestorationStep),
  /** Oldest first. */
  timeline: z.array(RestorationEvent),
})
export type Restoration = z.infer<typeof Restoration>

export const JobQueueVitals = z.object({
  queue: z.string(),
  waiting: Unknown,
  running: Unknown,
  /** Given up, and not yet forgotten. */
  failed: Unknown,
  /** Of the one that waits longest. */
  oldestAgeS: Unknown,
})
export type JobQueueVitals = z.infer<typeof JobQueueVitals>

export const DrillResults = z.object({
  endedAt: Instant,
  durationS: z.number(),
  passed: z.int(),
  failed: z.int(),
  skipped: z.int(),
  drills: z.array(
    z.object({
      name: z.string(),
      endedAt: Instant,
      durationS: z.number(),
      promises: z.array(
        z.object({
          text: z.string(),
          state: z.enum(['kept', 'broken', 'skipped']),
          /** What was measured, or why it was skipped. */
          detail: z.string().nullable(),
        }),
      ),
    }),
  ),
})
export type DrillResults = z.infer<typeof DrillResults>

export const ORDER_REASON_MAX_LENGTH = 300
export const ORDER_MIN_S = 10
/** Nothing that an operator takes away stays away for longer without being asked for again. */
export const ORDER_MAX_S = 7 * 24 * 3_600
export const MAINTENANCE_MAX_S = 24 * 3_600

const ReasonText = z.string().trim().min(3).max(ORDER_REASON_MAX_LENGTH)
const ForS = z.int().min(ORDER_MIN_S).max(ORDER_MAX_S)

export const NETWORK_TEXT_MAX_LENGTH = 49
/** An address or a network in CIDR notation, IPv4 or IPv6. */
const NetworkText = z.string().trim().min(2).max(NETWORK_TEXT_MAX_LENGTH)
const ShapeText = z
  .string()
  .trim()
  .regex(/^[A-Z]+ \S.*$/, 'A method and a path, such as GET /api/v1/videos/…')
  .max(300)
/** Shapes that are barred at once. */
export const SHAPES_MAX = 100
/** Networks change hands: a block that is still wanted then is asked for again. */
export const BLOCK_MAX_S = 90 * 24 * 3_600
/** Operators' blocks at once. Whoever has more to keep out needs larger networks, or a firewall. */
export const BLOCKS_MAX = 1_000
/** What an operator can have an instance do. Each is written down with who gave it and what came of it. */
export const OperatorOrder = z.discriminatedUnion('type', [
  /** No better than this level until then; what goes wrong by itself can still make it worse. */
  z.object({ type: z.literal('set-level'), level: Level, reason: ReasonText, forS: ForS }),
  z.object({ type: z.literal('clear-level') }),
  z.object({ type: z.literal('pause-feature'), feature: Feature, reason: ReasonText, forS: ForS }),
  z.object({ type: z.literal('resume-feature'), feature: Feature }),
  /** Replaces one that was announced and has not begun. */
  z.object({
    type: z.literal('announce-maintenance'),
    startsAt: Instant,
    endsAt: Instant,
    text: z.string().trim().min(3).max(MAINTENANCE_TEXT_MAX_LENGTH),
  }),
  /** Pauses uploads and processing, lets what is under way end, then goes to the level. */
  z.object({ type: z.literal('begin-maintenance'), level: Level.default(0) }),
  /** Verifies first, and stays closed where a check finds a problem, unless told to reopen all the same. */
  z.object({ type: z.literal('end-maintenance'), isDespiteProblems: z.boolean().default(false) }),
  z.object({ type: z.literal('cancel-maintenance') }),
  /** One after the other: each new process takes work before the old one is drained. */
  z.object({ type: z.literal('restart-role'), role: z.enum([...RoleName.options, 'all']) }),
  z.object({ type: z.literal('hold-role'), role: RoleName }),
  z.object({ type: z.literal('release-role'), role: RoleName }),
  z.object({ type: z.literal('backup-now') }),
  /** Code that lies ready in the data folder: tried out beside the old, judged, then for everybody, or back. */
  z.object({
    type: z.literal('release-code'),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    /** What it was made from, for people. */
    label: z.string().trim().min(1).max(300),
    /** Also what went back before. */
    isDespiteProblems: z.boolean().default(false),
  }),
  /** A document that lies in the data folder: checked, tried out by one process, judged, then for everybody, or back. */
  z.object({
    type: z.literal('release-document'),
    kind: DocumentKind,
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** Puts the document before the last good one in force again, and quarantines the present one. */
  z.object({ type: z.literal('return-document'), kind: DocumentKind, reason: ReasonText }),
  /** Sends the release that is under way back. */
  z.object({ type: z.literal('end-release'), reason: ReasonText }),
  /** Puts the code before the present release in force again, and quarantines that release. */
  z.object({ type: z.literal('return-code'), reason: ReasonText }),
  /** Keeps a network out, before a byte of it is read where nothing stands between. */
  z.object({
    type: z.literal('block-network'),
    network: NetworkText,
    reason: ReasonText,
    forS: z.int().min(ORDER_MIN_S).max(BLOCK_MAX_S),
  }),
  /** Also what Upbeat keeps out by itself. */
  z.object({ type: z.literal('unblock-network'), network: NetworkText }),
  /** Refuses one shape of request: a method with the path, or with a route and who asks. */
  z.object({ type: z.literal('bar-shape'), shape: ShapeText, reason: ReasonText, forS: ForS }),
  z.object({ type: z.literal('free-shape'), shape: ShapeText }),
])
export type OperatorOrder = z.infer<typeof OperatorOrder>

export const OrderGiver = z.discriminatedUnion('kind', [
  /** Somebody on the machine itself, by the name of the system's user. */
  z.object({ kind: z.literal('command-line'), user: z.string() }),
  z.object({ kind: z.literal('operator'), accountId: Id, handle: Handle }),
  /** An order that ended by its own expiry, say. */
  z.object({ kind: z.literal('upbeat') }),
])
export type OrderGiver = z.infer<typeof OrderGiver>

export const OrderOutcome = z.object({
  /** `begun`: it goes on, and a later entry with the same id says how it ended. */
  state: z.enum(['done', 'begun', 'refused', 'failed']),
  /** For a person: what came of it, or why not. */
  detail: z.string(),
})
export type OrderOutcome = z.infer<typeof OrderOutcome>

/** What is done after a breach; given on the machine itself alone. */
export const BreachStep = z.enum(['freeze-evidence', 'rotate-keys', 'revoke-all', 'draft-notices'])
export type BreachStep = z.infer<typeof BreachStep>

/** `GET /api/v1/operations/audit`, newest first. */
export const AuditEntry = z.object({
  /** Of the order: what begins and ends later has several entries. */
  id: Id,
  at: Instant,
  who: OrderGiver,
  order: z.union([
    OperatorOrder,
    z.object({ type: z.literal('expire'), what: z.string() }),
    z.object({ type: z.literal('breach'), step: BreachStep, reason: z.string() }),
  ]),
  outcome: OrderOutcome,
})
export type AuditEntry = z.infer<typeof AuditEntry>

/** `POST /api/v1/operations/orders` takes an `OperatorOrder` and answers this. */
export const OrderAnswer = z.object({ id: Id, outcome: OrderOutcome })
export type OrderAnswer = z.infer<typeof OrderAnswer>

const InForce = z.object({ reason: z.string(), since: Instant, untilAt: Instant, who: OrderGiver })

/** What operators ordered and what is still in force. */
export const OrdersInForce = z.object({
  level: InForce.extend({ level: Level }).nullable(),
  features: z.array(InForce.extend({ feature: Feature })),
  maintenance: Maintenance.nullable(),
  blocks: z.array(InForce.extend({ network: z.string() })).default([]),
  /** Requests of which two processes died. */
  shapes: z.array(InForce.extend({ shape: z.string() })).default([]),
})
export type OrdersInForce = z.infer<typeof OrdersInForce>

/** Who asks too much, and what is done about it; rates are of the last second. */
export const AbuseVitals = z.object({
  /** Since when strangers are asked for a proof of work; null: they are not. */
  proofWantedSince: Instant.nullable(),
  /** Of requests turned away, by why. */
  refusedPerS: z.object({
    person: z.number(),
    address: z.number(),
    network: z.number(),
    proof: z.number(),
    penalty: z.number(),
  }),
  refusedConnections: z.number(),
  openConnections: z.number(),
  /** Kept out for a while because they went on after being told; the longest ones first. */
  penalties: z.array(z.object({ network: z.string(), until: Instant, times: z.int() })),
  /** Who was turned away most in the last minute. */
  worst: z.array(z.object({ network: z.string(), perS: z.number() })),
})
export type AbuseVitals = z.infer<typeof AbuseVitals>

/** `GET /api/v1/operations/state`. */
export const OperationsState = z.object({
  at: Instant,
  /** As the process that answers has it; null: no process that serves people says anything. */
  service: ServiceState.nullable(),
  /** Why the level is what it is, most pressing first. */
  causes: z.array(z.string()),
  restoration: Restoration.nullable(),
  roles: z.array(RoleVitals),
  /** Connections that wait for a process to take them. */
  waitingConnections: Unknown,
  dependencies: z.array(
    z.object({ dependency: Dependency, isUp: z.boolean().nullable(), detail: z.string().nullable() }),
  ),
  database: DatabaseVitals.nullable(),
  /** Over all processes; null: nobody keeps one. */
  journal: JournalVitals.nullable(),
  disk: z.object({ freeBytes: Unknown, totalBytes: Unknown }),
  jobs: z.object({
    /** When they were counted last; null: never since the start. */
    asOf: Instant.nullable(),
    queues: z.array(JobQueueVitals),
  }),
  /** What is on disk for the worst case; `asOf` null: nothing is. */
  standby: z.object({ asOf: Instant.nullable(), videos: Unknown }),
  backups: z.object({
    lastBackupAt: Instant.nullable(),
    /** When a backup was last restored on trial, and everything was there. */
    lastProofAt: Instant.nullable(),
    /** What went wrong since then; null: nothing. */
    trouble: z.string().nullable(),
  }),
  drills: DrillResults.nullable(),
  /** Null: nothing of it is in force, or nobody says. */
  abuse: AbuseVitals.nullable().default(null),
  orders: OrdersInForce,
})
export type OperationsState = z.infer<typeof OperationsState>

export const HISTORY_INTERVAL_S = 1
export const HISTORY_MAX_S = 15 * 60

const Column = z.array(z.number().nullable())
/**
 * `GET /api/v1/operations/history?after=SECONDS`: one column a figure, as plots want them; oldest first, one row a second
 * of the last fifteen minutes. Null: unknown at that moment. `after` leaves out what the reader has.
 */
export const OperationsHistory = z.object({
  /** Seconds since 1970. */
  at: z.array(z.number()),
  level: Column,
  requestsPerS: Column,
  refusedPerS: Column,
  failuresPerS: Column,
  inFlight: Column,
  /** Of the door before the api; null where none is in force. */
  limit: Column,
  waiting: Column,
  /** Of the api. */
  eventLoopP99Ms: Column,
  /** Of all roles together. */
  rssBytes: Column,
  cpuCores: Column,
  databasePingMs: Column,
  journalPending: Column,
  jobsWaiting: Column,
})
export type OperationsHistory = z.infer<typeof OperationsHistory>
