/**
 * What lies on the standby shelf, as its maker (modules/standby) writes it and every process reads it: three files under
 * `DATA_DIR/standby/`, each whole or not there, with the one before it.
 *
 * - `lists`: whom nothing is personal for gets these videos, with their cards; who blocks whom; what was hidden lately.
 * - `media`: manifests, so that the videos can be played.
 * - `cohorts`: which of the lists an account's taste is nearest to.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'

export type StandbyFile = 'lists' | 'media' | 'cohorts'

export const standbyPath = (dataDir: string, file: StandbyFile): string => join(dataDir, 'standby', file)

/** Another version's files are as good as none. */
export const STANDBY_FORMAT = 1

export const ID_BYTES = 16
/** Video, and which of `GONE_KINDS`. */
export const GONE_BYTES = ID_BYTES + 1
/** Account, and the index of its tag in the head. */
export const COHORT_BYTES = ID_BYTES + 1
/** Video, and where its record begins and how long it is. */
export const PLACE_BYTES = ID_BYTES + 8
/** Blocker and blocked; or the other way round. */
export const PAIR_BYTES = 2 * ID_BYTES

/** Nobody can have a deleted one; one that is not public any more can be had by whom it is for, with a token. */
export const GONE_KINDS = ['deleted', 'hidden'] as const
export type GoneKind = (typeof GONE_KINDS)[number]

/** Why a video is on a list, where nothing is known of who looks. */
export const LIST_REASONS = ['popular', 'fresh'] as const
export type ListReason = (typeof LIST_REASONS)[number]

const Heading = z.object({ format: z.literal(STANDBY_FORMAT), asOfMs: z.number() })

const Entries = z.object({
  /** Places in `cards`. */
  cards: z.array(z.int()),
  /** One an entry: an index into `LIST_REASONS`. */
  reasons: z.array(z.int()),
})

export const ListsHead = Heading.extend({
  cards: z.array(
    z.object({ id: z.string(), authorId: z.string(), publishedAt: z.string(), sizeBytes: z.int() }),
  ),
  /** The `media` file of this time was still right at that one; null: nobody knows. */
  media: z.object({ asOfMs: z.number(), isRightAtMs: z.number() }).nullable(),
  /** Whether `top` has every video that everyone may see. */
  isWhole: z.boolean(),
  top: Entries,
  /** By tag. */
  cohorts: z.array(Entries.extend({ tag: z.string() })),
})
export type ListsHead = z.infer<typeof ListsHead>

export const MediaHead = Heading
export type MediaHead = z.infer<typeof MediaHead>

export const CohortsHead = Heading.extend({ tags: z.array(z.string()) })
export type CohortsHead = z.infer<typeof CohortsHead>

/** What is needed to play a video that everyone may see. */
export interface StandbyMedia {
  readonly posterVersion: number | null
  readonly previewVersion: number | null
  readonly generations: readonly { readonly manifest: MediaManifest; readonly isGrowing: boolean }[]
}

/** The 16 bytes of a UUID. */
export const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex')

export const pairBytes = (first: string, second: string): Buffer =>
  Buffer.concat([idBytes(first), idBytes(second)])
