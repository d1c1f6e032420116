/** Comments, notifications and search. */
import { z } from 'zod'
import { AccountCard, AccountListItem } from './accounts.ts'
import { Id, Instant, pageOf } from './common.ts'
import { VideoCard } from './videos.ts'

export const COMMENT_MAX_LENGTH = 1000

/** True: it is written down safely, and others see it once the database is back. */
const IsKept = z.boolean().optional()

export const NewComment = z.object({
  body: z.string().trim().min(1).max(COMMENT_MAX_LENGTH),
  /** Set for a reply; replies have one level: a reply to a reply joins the same thread. */
  parentId: Id.nullable().default(null),
})
export type NewComment = z.infer<typeof NewComment>

export const Comment = z.object({
  id: Id,
  videoId: Id,
  parentId: Id.nullable(),
  author: AccountCard,
  /** Empty once deleted; the thread stays. */
  body: z.string(),
  isDeleted: z.boolean(),
  createdAt: Instant,
  likeCount: z.int(),
  replyCount: z.int(),
  /** Null for a signed-out viewer; `isLiked` null: unknown at the moment. */
  viewer: z
    .object({ isLiked: z.boolean().nullable(), isOwn: z.boolean(), canDelete: z.boolean() })
    .nullable(),
  isKept: IsKept,
})
export type Comment = z.infer<typeof Comment>

/** A page of comments. `asOf` is there while it comes from memory: how old it is. */
export const CommentPage = pageOf(Comment).extend({ asOf: Instant.optional() })
export type CommentPage = z.infer<typeof CommentPage>

/** The viewer's own state after an act, as the answers to liking, saving, following and blocking tell it. */
export const LikeState = z.object({ isLiked: z.boolean(), isKept: IsKept })
export const SaveState = z.object({ isSaved: z.boolean(), isKept: IsKept })
export const FollowState = z.object({ isFollowing: z.boolean(), isKept: IsKept })
export const BlockState = z.object({ isBlocking: z.boolean() })

/** The address to share. */
export const ShareLink = z.object({ url: z.string() })

export const NotificationKind = z.enum([
  'liked',
  'commented',
  'replied',
  'mentioned',
  'followed',
  'comment-liked',
  'upload-failed',
  'upload-published',
  'new-sign-in',
])
export type NotificationKind = z.infer<typeof NotificationKind>

export const Notification = z.object({
  id: Id,
  kind: NotificationKind,
  /** Who did it, newest first; several when like actions were folded into one. */
  actors: z.array(AccountCard),
  actorCount: z.int(),
  videoId: Id.nullable(),
  posterUrl: z.string().nullable(),
  commentId: Id.nullable(),
  uploadId: Id.nullable(),
  /** The sign-in that its owner may still deny; left out by servers of an earlier version. */
  signInId: Id.nullable().optional(),
  /** Plain text of the thing itself: the comment's beginning, the failure's reason. */
  excerpt: z.string().nullable(),
  createdAt: Instant,
  isRead: z.boolean(),
})
export type Notification = z.infer<typeof Notification>

/** Everything up to this notification was read. */
export const ReadMark = z.object({ upTo: Id })
export const UnreadCount = z.object({ unread: z.int() })

export const SearchQuery = z.object({
  q: z.string().trim().min(1).max(100),
  type: z.enum(['videos', 'people', 'tags']).default('videos'),
})
export const TagItem = z.object({ tag: z.string(), videoCount: z.int() })
export const SearchPage = z.object({
  videos: z.array(VideoCard),
  people: z.array(AccountListItem),
  tags: z.array(TagItem),
  nextCursor: z.string().nullable(),
})
export type SearchPage = z.infer<typeof SearchPage>
