/** What goes into a For You ranking and what comes out of it. */
import type { CandidatePool } from './candidate-pool.ts'

/** Watching of one video, decayed to an instant. */
export interface WatchSignals {
  /** Counted views, each halved every `POPULARITY_HALF_LIFE_MS`. */
  readonly views: number
  /** Sum over those views of the share of the video that was watched (0 to 1 each), decayed alike. */
  readonly completion: number
  readonly asOfMs: number
}

export interface CandidateVideo {
  readonly id: string
  readonly authorId: string
  readonly publishedAtMs: number
  /** The first `TAGS_PER_CANDIDATE` count. */
  readonly tags: readonly string[]
  /** Null while nothing is known of how it is watched. */
  readonly signals: WatchSignals | null
}

/** Watching that happened since the last update. */
export interface WatchDelta {
  readonly views: number
  readonly completion: number
  readonly atMs: number
}

/** The person (or the signed-out visitor, with everything empty) for whom is ranked. */
export interface Viewer {
  /** Null for a signed-out visitor. */
  readonly id: string | null
  readonly taste: ViewerTaste
  /**
   * Videos that were watched, or answered in some way, before: they come after everything else. Never changed: who sees
   * more has a new object, and an old one is recognised.
   */
  readonly seen: Iterable<string>
}

/** What a viewer follows, likes and watches. Never changed: a new taste is a new object, and an old one is recognised. */
export interface ViewerTaste {
  readonly follows: Iterable<string>
  /** Authors whose videos the viewer liked, weighted 0 to 1. */
  readonly likedAuthors: Iterable<readonly [string, number]>
  /** Videos that the viewer liked: their author's liking says something of the others, and nothing of these. */
  readonly likedVideos: Iterable<string>
  /** Tags that the viewer watches, weighted 0 to 1. */
  readonly tags: Iterable<readonly [string, number]>
}

export interface RankOptions {
  readonly nowMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly limit: number
  /** Videos that this feed has shown already: they are left out. */
  readonly exclude?: Iterable<string>
  /** Whether what the viewer has seen is left out too. @default false: it comes last */
  readonly isSeenExcluded?: boolean
  readonly pipeline?: Pipeline
}

/** The stages that a fuller recommender replaces one by one. */
export interface Pipeline {
  readonly sources: readonly CandidateSource[]
  /** Asked when these found fewer than wanted; must put the whole pool forward. */
  readonly lastSource: CandidateSource
  /** Asked for as many new videos as the reserved positions can take. */
  readonly newcomerSource: CandidateSource
  readonly ranker: Ranker
}

/** Puts slots of the pool forward. */
export type CandidateSource = (request: SourceRequest) => void

export interface SourceRequest {
  readonly pool: CandidatePool
  readonly taste: Taste
  /** How many unseen candidates make a good choice; a source whose list is long may stop there. */
  readonly wanted: number
  readonly random: () => number
  /** Whether the slot is one more unseen candidate: not excluded, not seen, not put forward before. */
  readonly propose: (slot: number) => boolean
  /** The same, for a slot that the positions reserved for new videos may take. */
  readonly proposeNewcomer: (slot: number) => boolean
}

export interface Ranker {
  /** Writes the score of `slots[0…count)` to `scores[0…count)`; 0 or more, at most `SCORE_MAX`. */
  score(pool: CandidatePool, taste: Taste, slots: Int32Array, count: number, scores: Float32Array): void
  /** Writes the parts, in the order of `PART_NAMES`, whose sum is the score. */
  explain(pool: CandidatePool, taste: Taste, slot: number, parts: Float32Array): void
}

/** A viewer's taste in the pool's own numbers; valid within one ranking. */
export interface Taste {
  /** Authors that are followed or liked, each once. */
  readonly authors: Int32Array
  /** Tags that are watched, each once. */
  readonly tags: Int32Array
  /** By author: 1 when followed. */
  readonly followed: Uint8Array
  /** By author: weight of likes. */
  readonly likedAuthor: Float32Array
  /** Slots of videos that the viewer liked themselves, each once. */
  readonly likedSlots: Int32Array
  /** By slot: 1 when liked. */
  readonly isLiked: Uint8Array
  /** By tag: weight of watching. */
  readonly tagWeight: Float32Array
  /** Makes each ranking a little different. */
  readonly seed: number
}

export const PART_NAMES = ['fresh', 'popular', 'following', 'liked', 'tag', 'chance'] as const
export type PartName = (typeof PART_NAMES)[number]
export const PART_COUNT = PART_NAMES.length

/** `again`: watched before, nothing else is left. `archive`: older than what is ranked; given by the feed, never here. */
export const REASON_CODES = [
  'fresh',
  'popular',
  'following',
  'author-liked',
  'tag',
  'new-voice',
  'again',
  'archive',
] as const
export type ReasonCode = (typeof REASON_CODES)[number]

export interface RankedItem {
  readonly videoId: string
  /** Sum of `parts`, in points. */
  readonly score: number
  readonly parts: Readonly<Record<PartName, number>>
  readonly reason: Reason
}

/** Why a video is shown: a code for the catalogue of texts, with its parameters. */
export interface Reason {
  readonly code: ReasonCode
  /** The tag, for `tag`. */
  readonly tag: string | null
}
