/**
 * What lies on the standby shelf, as its maker (modules/standby) writes it and every process reads it: files under
 * `DATA_DIR/standby/`, each whole or not there, with the one before it, and written only when it became another.
 *
 * - `rules`: what was deleted or hidden lately, and which blocks came and went since `blocks` was written.
 * - `blocks`: who blocks whom.
 * - `cards`: cards of the videos that are listed, watched and new, without their counts.
 * - `lists`: whom nothing is personal for gets these videos; and the counts, which change all the time.
 * - `media`: manifests, so that the videos can be played.
 * - `cohorts`: which of the lists an account's taste is nearest to.
 * - `round`: when each of these was right the last time.
 *
 * Beside these lies what must not be shown and is on no shelf yet: `withdrawn/`, see withdrawal-files.ts.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'

/** In the order in which they are written: what must not be shown goes first. */
export const STANDBY_FILES = ['rules', 'blocks', 'cards', 'lists', 'media', 'cohorts'] as const
export type StandbyFile = (typeof STANDBY_FILES)[number]

export const standbyPath = (dataDir: string, file: StandbyFile | 'round'): string =>
  join(dataDir, 'standby', file)

/** Another version's files are as good as none. */
export const STANDBY_FORMAT = 2

export const ID_BYTES = 16
/** Video, and which of `GONE_KINDS`. */
export const GONE_BYTES = ID_BYTES + 1
/** Account, and the index of its tag in the head. */
export const COHORT_BYTES = ID_BYTES + 1
/** Video, and where its record begins and how long it is. */
export const PLACE_BYTES = ID_BYTES + 8
/** Blocker and blocked. */
export const PAIR_BYTES = 2 * ID_BYTES
/** Video, and the index of the reason in `LIST_REASONS`. */
export const ENTRY_BYTES = ID_BYTES + 1
/** Video, and a number of 8 bytes for each of `COUNT_NAMES` and the time they are of; NaN: unknown. */
export const COUNT_NAMES = ['views', 'likes', 'comments', 'saves', 'shares'] as const
export const COUNTS_BYTES = ID_BYTES + 8 * (COUNT_NAMES.length + 1)

/**
 * For so long `rules` tells that a video is gone: longer than anybody keeps anything in memory while the database is away.
 * What is older by more than that may have videos of which nothing is said any more.
 */
export const GONE_KEPT_MS = 24 * 3_600_000

/** Nobody can have a deleted one; one that is not public any more can be had by whom it is for, with a token. */
export const GONE_KINDS = ['deleted', 'hidden'] as const
export type GoneKind = (typeof GONE_KINDS)[number]

/** Why a video is on a list, where nothing is known of who looks. */
export const LIST_REASONS = ['popular', 'fresh'] as const
export type ListReason = (typeof LIST_REASONS)[number]

/** Of a transaction. Where none is told nothing is known of any: all came later. */
const Xid = z
  .string()
  .regex(/^\d{1,20}$/)
  .default('0')

/** Begun then; `sum` is of all that it says besides. */
export const Heading = z.object({
  format: z.literal(STANDBY_FORMAT),
  asOfMs: z.number(),
  /** It has what all transactions before this one committed. */
  beforeXid: Xid,
  sum: z.string(),
})
export type Heading = z.infer<typeof Heading>

export const RulesHead = Heading.extend({
  /** The changes of blocks are to the `blocks` file of this time, and to no other. */
  blocksAsOfMs: z.number(),
})

export const CardsHead = Heading.extend({
  cards: z.array(
    z.object({ id: z.string(), authorId: z.string(), publishedAt: z.string(), sizeBytes: z.int() }),
  ),
})
export type CardsHead = z.infer<typeof CardsHead>

export const ListsHead = Heading.extend({
  /** Whether the list for all has every video that everyone may see. */
  isWhole: z.boolean(),
  /** How many entries of the section are of the list for all… */
  topCount: z.int(),
  /** …and then, by tag, of each of the others. */
  cohorts: z.array(z.object({ tag: z.string(), count: z.int() })),
})
export type ListsHead = z.infer<typeof ListsHead>

export const CohortsHead = Heading.extend({ tags: z.array(z.string()) })
export type CohortsHead = z.infer<typeof CohortsHead>

/** The file that was written at `asOfMs` was right at `isRightAtMs`, too, when a later round looked. */
export const Standing = z.object({ asOfMs: z.number(), isRightAtMs: z.number(), isRightBeforeXid: Xid })
export type Standing = z.infer<typeof Standing>

export const Round = z.object({
  format: z.literal(STANDBY_FORMAT),
  files: z.partialRecord(z.enum(STANDBY_FILES), Standing),
})
export type Round = z.infer<typeof Round>

/** What is needed to play a video that everyone may see. */
export interface StandbyMedia {
  readonly posterVersion: number | null
  readonly previewVersion: number | null
  readonly generations: readonly { readonly manifest: MediaManifest; readonly isGrowing: boolean }[]
}

/** The 16 bytes of a UUID. */
export const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')

/** The UUID of 16 bytes. */
export function idText(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, ID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export const pairBytes = (first: string, second: string): Buffer =>
  Buffer.concat([idBytes(first), idBytes(second)])
