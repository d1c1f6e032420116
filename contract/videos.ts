/** Videos as viewers and their authors see them. */
import { z } from 'zod'
import { AccountCard } from './accounts.ts'
import { Id, Instant } from './common.ts'

export const CAPTION_MAX_LENGTH = 2200
export const TAG_MAX_LENGTH = 64
export const TAGS_MAX = 30

export const Visibility = z.enum(['public', 'followers', 'private'])
export type Visibility = z.infer<typeof Visibility>

export const VideoEdit = z.object({
  caption: z.string().max(CAPTION_MAX_LENGTH).optional(),
  visibility: Visibility.optional(),
  /** Which moment is the cover. */
  coverAtMs: z.int().min(0).optional(),
})
export type VideoEdit = z.infer<typeof VideoEdit>

/** Counters with their age: a null is unknown, never 0. */
export const VideoCounts = z.object({
  views: z.int().nullable(),
  likes: z.int().nullable(),
  comments: z.int().nullable(),
  saves: z.int().nullable(),
  shares: z.int().nullable(),
  asOf: Instant.nullable(),
})
export type VideoCounts = z.infer<typeof VideoCounts>

/** When the video was published; null: as soon as it can be played. */
export const PublishState = z.object({ publishedAt: Instant.nullable() })

/** How to play a video. */
export const Playback = z.object({
  /** HLS master playlist (RFC 8216). */
  masterUrl: z.string(),
  generation: z.int(),
  /** Short edge of the best rendition that is there, in pixels. */
  height: z.int(),
  /** False while better renditions are still being made. */
  isComplete: z.boolean(),
})
export type Playback = z.infer<typeof Playback>

/** Why the feed shows a video: a code for the catalogue of texts, with its parameters. */
export const FeedReason = z.object({
  code: z.enum([
    'following',
    'tag',
    'popular',
    'fresh',
    'new-voice',
    'author-liked',
    // Watched before: nothing unwatched is left.
    'again',
    // From the rest of the catalogue, newest first: everything that is ranked has been shown.
    'archive',
  ]),
  /** `tag`, where that is the reason; the parts of the score as `<part>Points`, and their sum as `points`. */
  params: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
})
export type FeedReason = z.infer<typeof FeedReason>

export const VideoCard = z.object({
  id: Id,
  author: AccountCard,
  caption: z.string(),
  tags: z.array(z.string()),
  visibility: Visibility,
  publishedAt: Instant.nullable(),
  durationMs: z.int(),
  /** Display size, after rotation and sample aspect ratio. */
  width: z.int(),
  height: z.int(),
  posterUrl: z.string(),
  /** A short silent animation for grids; null while it is being made. */
  previewUrl: z.string().nullable(),
  /** ThumbHash, base64. */
  placeholder: z.string().nullable(),
  playback: Playback,
  counts: VideoCounts,
  /** Null for a signed-out viewer; inside, null is unknown at the moment, never false. */
  viewer: z
    .object({
      isLiked: z.boolean().nullable(),
      isSaved: z.boolean().nullable(),
      isFollowingAuthor: z.boolean().nullable(),
      isOwn: z.boolean(),
    })
    .nullable(),
  reason: FeedReason.nullable(),
})
export type VideoCard = z.infer<typeof VideoCard>

export const FeedPage = z.object({
  items: z.array(VideoCard),
  nextCursor: z.string().nullable(),
  /** When the ranking behind this page was made. */
  rankedAt: Instant,
  /**
   * For whom the ranking was made: for this viewer (also when absent), for people of like taste, or for everyone. The
   * latter two are what there is while personal ranking is off, or the database is away.
   */
  service: z.enum(['personal', 'cohort', 'top']).optional(),
})
export type FeedPage = z.infer<typeof FeedPage>

export const ViewReport = z.object({
  videoId: Id,
  /** Made by the client once for each showing, so that a repeated report counts once. */
  key: Id,
  watchedMs: z
    .int()
    .min(0)
    .max(24 * 3_600_000),
  /** How many times the end was reached. */
  completions: z.int().min(0).max(10_000),
  source: z.enum(['for-you', 'following', 'video', 'profile', 'search']),
})
export type ViewReport = z.infer<typeof ViewReport>
export const ViewReports = z.object({ views: z.array(ViewReport).min(1).max(50) })
export type ViewReports = z.infer<typeof ViewReports>
/** A view counts from this much watching on. */
export const VIEW_MIN_WATCHED_MS = 2000
