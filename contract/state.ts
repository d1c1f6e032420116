/** What works at this moment, and how: one level for the whole, and a mode for each feature. */
import { z } from 'zod'
import { Instant } from './common.ts'

/** 0: everything. Each level above takes away what matters least of what the one below still has. */
export const LEVEL_MAX = 5
export const Level = z.int().min(0).max(LEVEL_MAX)

/** Each can fall alone. */
export const Feature = z.enum([
  'playback',
  'feed',
  /** New sign-ins and sign-ups; who is signed in stays so. */
  'sign-in',
  /** Likes, saves and follows. */
  'reactions',
  'comments',
  'counts',
  'uploads',
  'search',
  /** What is offered while one types, and people one may know. */
  'suggestions',
  'profiles',
  'notifications',
  /** Renditions beyond the first. */
  'processing',
  /** What clients fetch ahead. */
  'prefetch',
  /** Reports of views. */
  'telemetry',
])
export type Feature = z.infer<typeof Feature>
export const FEATURES = Feature.options

/** From good to bad. */
export const FeatureMode = z.enum([
  'on',
  /** Less often, or later. */
  'reduced',
  /** From memory or disk, with its age. */
  'cached',
  /** The same for many or for all. */
  'shared',
  /** What people do is taken and kept, and done later. */
  'kept',
  /** Refused, with the reason and when to come again. */
  'paused',
])
export type FeatureMode = z.infer<typeof FeatureMode>
export const FEATURE_MODES = FeatureMode.options

/** Why a feature is not on. */
export const Reason = z.enum([
  'overload',
  'database',
  'ingest',
  'worker',
  'disk',
  'blobs',
  'journal',
  'operator',
  'maintenance',
  /** It was away, and comes back in its turn. */
  'recovering',
])
export type Reason = z.infer<typeof Reason>

export const FeatureState = z.object({
  mode: FeatureMode,
  since: Instant,
  /** Null while it is on. */
  reason: Reason.nullable(),
  /** What part of the people has it while it comes back; 1: all of those that its mode serves. */
  share: z.number().min(0).max(1),
  /** The operator's words, where the operator decided it. */
  note: z.string().nullable(),
  /** When the operator's order ends by itself; null: it is none of the operator's, or has no such end. */
  until: Instant.nullable().default(null),
})
export type FeatureState = z.infer<typeof FeatureState>

/** The level that the operator has ordered: it is not below. */
export const LevelOrder = z.object({ level: Level, reason: z.string(), since: Instant, until: Instant })
export type LevelOrder = z.infer<typeof LevelOrder>

export const MAINTENANCE_TEXT_MAX_LENGTH = 500

/** An operation on the instance that people are told of ahead. */
export const Maintenance = z.object({
  id: z.string().max(64),
  state: z.enum(['announced', 'under-way', 'verifying']),
  startsAt: Instant,
  endsAt: Instant,
  text: z.string().max(MAINTENANCE_TEXT_MAX_LENGTH),
})
export type Maintenance = z.infer<typeof Maintenance>

/** The last release that was refused or taken back by itself. */
export const TakenBack = z.object({
  /** Code, or the kind of a document. */
  what: z.string().max(64),
  at: Instant,
  reason: z.string().max(500),
  /** Whether anything has used it; else it was refused before. */
  wasUsed: z.boolean().default(true),
})
export type TakenBack = z.infer<typeof TakenBack>

/** A region of the instance. Closed is a decision, and catching up is on its way: neither is an outage. */
export const RegionStatus = z.object({
  name: z.string().max(32),
  /** `unknown`: it is served by a replica of which nobody can say how far it is. */
  state: z.enum(['serving', 'catching-up', 'closed', 'reopening', 'unknown']),
  /** By how much what it shows is older than elsewhere, in seconds; null: unknown, or it has no replica here. */
  behindS: z.number().min(0).nullable(),
  /** Why it is closed, or was. */
  reason: z.string().max(300).nullable(),
  /** Of its people, how many are let in. */
  share: z.number().min(0).max(1),
})
export type RegionStatus = z.infer<typeof RegionStatus>

/** `GET /api/v1/state`: asks nothing of any dependency. */
export const ServiceState = z.object({
  level: Level,
  since: Instant,
  features: z.record(Feature, FeatureState),
  /** Null: the operator has ordered none. */
  order: LevelOrder.nullable().default(null),
  maintenance: Maintenance.nullable(),
  /** Null: none within the last hour. */
  takenBack: TakenBack.nullable().default(null),
  /** Empty: the instance makes no difference between regions. */
  regions: z.array(RegionStatus).max(100).optional(),
})
export type ServiceState = z.infer<typeof ServiceState>

/** On every answer: the level at which it was given. */
export const LEVEL_HEADER = 'upbeat-level'
