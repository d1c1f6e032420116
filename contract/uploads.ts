/** Uploads: limits asked before a byte is sent, and the receipt that tells the truth afterwards. */
import { z } from 'zod'
import { Id, Instant } from './common.ts'
import { Visibility } from './videos.ts'

export const UploadLimits = z.object({
  maxSizeBytes: z.int(),
  maxDurationS: z.number(),
  maxShortEdgePx: z.int(),
  maxConcurrent: z.int(),
  /** What can be reserved now: the smaller of the account's quota and the disk's free space. */
  availableBytes: z.int(),
  /** What all originals of an account may take, those under way included; a deleted video gives its room back. */
  quotaBytes: z.int(),
  /** What this account's take now. */
  usedBytes: z.int(),
  acceptedTypes: z.array(z.string()),
})
export type UploadLimits = z.infer<typeof UploadLimits>

export const UploadState = z.enum(['receiving', 'safe', 'playable', 'complete', 'failed', 'cancelled'])
export type UploadState = z.infer<typeof UploadState>

export const UploadFailure = z.object({
  /** Stable, kebab-case; the same table as problems. */
  code: z.string(),
  reason: z.string(),
  next: z.string(),
  canRetry: z.boolean(),
})
export type UploadFailure = z.infer<typeof UploadFailure>

/** What is true of an upload now. A receipt never disappears. */
export const Receipt = z.object({
  id: Id,
  videoId: Id,
  filename: z.string(),
  sizeBytes: z.int(),
  receivedBytes: z.int(),
  state: UploadState,
  isPublishRequested: z.boolean(),
  publishedAt: Instant.nullable(),
  /** Hex SHA-256 of the whole original, from `safe` on. */
  sha256: z.string().nullable(),
  /** Short edge in pixels of what can be played now; null while nothing can. */
  playableHeight: z.int().nullable(),
  /** 0 to 1 of the work that is going on now; null where it can't be known. */
  progress: z.number().min(0).max(1).nullable(),
  /** Seconds to `complete`; null where it can't be known. */
  timeLeftS: z.number().nullable(),
  /** What the work waits for: room on the instance's disk, or that disk itself; null: for nothing but its turn. */
  waitsFor: z.enum(['space', 'storage']).nullable(),
  failure: UploadFailure.nullable(),
  caption: z.string(),
  visibility: Visibility,
  createdAt: Instant,
  safeAt: Instant.nullable(),
  playableAt: Instant.nullable(),
  completeAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  posterUrl: z.string().nullable(),
  /** When all this was true, by the database's clock: of two receipts of one upload the later one counts, whatever it says. */
  asOf: Instant,
})
export type Receipt = z.infer<typeof Receipt>

/**
 * Upload-Metadata keys of the creating POST (tus 1.0, "creation"): `filename`, `filetype`, and optionally `caption`,
 * `visibility`, `publish` ("1": publish as soon as it can be played), `coverAtMs`. Further keys are kept with the upload and
 * told by HEAD: the app marks the file with its `fingerprint` there, to know it again on any device.
 */
export const UploadMetadata = z.object({
  filename: z.string().min(1).max(255),
  filetype: z.string().max(255).default('application/octet-stream'),
  caption: z.string().max(2200).default(''),
  visibility: Visibility.default('public'),
  publish: z.enum(['0', '1']).default('0'),
  coverAtMs: z.coerce.number().int().min(0).optional(),
})
export type UploadMetadata = z.infer<typeof UploadMetadata>
