/** Releases of code and of documents: how each fares, which hold, and which may not come again. */
import { z } from 'zod'
import { Instant } from './common.ts'

/** `platform/releases/kinds` */
export const DocumentKind = z.string().regex(/^[a-z][a-z-]{1,40}$/)

export const ReleasePhase = z.enum([
  /** A document is on trial: one change at a time is judged. */
  'waiting',
  'checking',
  'migrating',
  'starting',
  /** Golden requests only: no person meets the new code. */
  'shadow',
  'canary',
  'promoting',
  'going-back',
  'promoted',
  'back',
])
export type ReleasePhase = z.infer<typeof ReleasePhase>

/** What the judge of a release compares, as it stood last. */
export const ReleaseEvidence = z.object({
  measure: z.string().max(40),
  /** Of the release; null: unknown. */
  canary: z.number().nullable(),
  /** Of what it is to replace. */
  baseline: z.number().nullable(),
  unit: z.enum(['share', 'bytes-per-s']),
  /** How many times likelier than by chance; null: it is no test. */
  eValue: z.number().nullable(),
})
export type ReleaseEvidence = z.infer<typeof ReleaseEvidence>

/** How a release of code fares, or fared last. */
export const CodeReleaseState = z.object({
  hash: z.string(),
  label: z.string(),
  phase: ReleasePhase,
  /** Of new connections that the new code gets. */
  share: z.number().min(0).max(1),
  /** For a person: what the judge sees, or why it went back. */
  detail: z.string(),
  startedAt: Instant,
  /** When the phase, share or detail changed last. */
  changedAt: Instant,
  /** Empty: it was not compared yet. */
  evidence: z.array(ReleaseEvidence).default([]),
})
export type CodeReleaseState = z.infer<typeof CodeReleaseState>

export const DocumentPhase = z.enum([
  'waiting',
  'checking',
  'trial',
  'in-force',
  'refused',
  'back',
  'cut-short',
])
export type DocumentPhase = z.infer<typeof DocumentPhase>

/** How a document fares, or fared. */
export const DocumentRelease = z.object({
  kind: DocumentKind,
  /** SHA-256 of its bytes, in hex; null: it was too long to be read. */
  hash: z.string().nullable(),
  phase: DocumentPhase,
  /** Of new connections that meet it. */
  share: z.number().min(0).max(1),
  /** For a person: what is seen, or why it was refused or taken back. */
  detail: z.string(),
  startedAt: Instant,
  changedAt: Instant,
  /** Empty: it was not compared yet. */
  evidence: z.array(ReleaseEvidence).default([]),
})
export type DocumentRelease = z.infer<typeof DocumentRelease>

/** `GET /api/v1/operations/releases` */
export const ReleasesState = z.object({
  code: CodeReleaseState.nullable(),
  /** Releases of code that were promoted, newest first: the first runs. None: the code that was started does. */
  codeInForce: z.array(z.object({ label: z.string(), hash: z.string(), promotedAt: Instant })).default([]),
  /** Newest first. */
  documents: z.array(DocumentRelease),
  /** Those that hold; none of a kind: the code's own defaults do. */
  inForce: z.array(z.object({ kind: DocumentKind, hash: z.string(), promotedAt: Instant })),
  /** What may not come again, newest first. */
  quarantined: z.array(z.object({ kind: z.string(), hash: z.string(), reason: z.string(), at: Instant })),
})
export type ReleasesState = z.infer<typeof ReleasesState>
