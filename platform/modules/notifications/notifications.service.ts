/** Verbs on notifications: telling an account, listing, marking as read. */
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { Notification, NotificationKind } from '../../../contract/social.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import { publishLive } from '../../app/live.ts'
import { cutPage, pageOfRows, readCursor } from '../../app/paging.ts'
import { inTransaction, type Db, type Tx } from '../../infra/db/index.ts'
import { findAccountByHandle, loadAccountCards } from '../accounts/index.ts'
import { isVisibleTo, loadVideoCards, parseMentions } from '../videos/index.ts'
import * as queries from './notifications.queries.ts'

export const EXCERPT_MAX_LENGTH = 140
/** How many of a group's actors are named. */
export const ACTORS_SHOWN = 3

export interface NotifyInput {
  /** Who is told. */
  readonly accountId: string
  readonly kind: NotificationKind
  /** Who did it; null or left out: the system. */
  readonly actorId?: string | null
  readonly videoId?: string | null
  readonly commentId?: string | null
  readonly uploadId?: string | null
  /** Cut to EXCERPT_MAX_LENGTH characters. */
  readonly excerpt?: string | null
  /** What is folded into one entry. @default by kind, see `groupKeyOf` */
  readonly groupKey?: string
}

/**
 * Tells an account, in the transaction of what it is told of.
 *
 * Idempotent by group and actor: liking, unliking and liking again tells once. Nobody is told of what they did
 * themselves, nor of anything by someone when one of the two blocks the other.
 *
 * @returns whether there is a new notification.
 */
export async function notifyAccount(ctx: Ctx, tx: Tx, input: NotifyInput): Promise<boolean> {
  const { accountId, kind, actorId = null, videoId = null, commentId = null, uploadId = null } = input
  if (actorId === accountId) return false
  const id = ctx.newId()
  const createdAt = ctx.clock.now()
  const isNew = await queries.insertNotification(tx, {
    id,
    accountId,
    kind,
    groupKey: input.groupKey ?? groupKeyOf(input, createdAt) ?? `${kind}:${id}`,
    actorId,
    videoId,
    commentId,
    uploadId,
    excerpt: input.excerpt == null ? null : clip(input.excerpt),
    createdAt,
  })
  if (isNew)
    await publishLive(tx, {
      topic: `account:${accountId}`,
      update: { kind: 'notification', notificationId: id },
    })
  return isNew
}

export interface Mentioning {
  /** The caption or the comment. */
  readonly text: string
  readonly actorId: string
  readonly videoId: string
  readonly commentId: string | null
  /** Accounts that hear of it anyway. */
  readonly except?: readonly string[]
}

/** Tells those whom a text mentions, as far as they may see the video that it stands under. Idempotent. */
export async function notifyMentioned(ctx: Ctx, tx: Tx, input: Mentioning): Promise<void> {
  const { text, except = [], ...about } = input
  for (const handle of parseMentions(text)) {
    const account = await findAccountByHandle(tx, handle)
    if (!account || except.includes(account.id)) continue
    if (!(await isVisibleTo(tx, { viewerId: account.id, videoId: about.videoId }))) continue
    await notifyAccount(ctx, tx, { ...about, accountId: account.id, kind: 'mentioned', excerpt: text })
  }
}

/** Null: stands alone. */
function groupKeyOf(input: NotifyInput, at: Date): string | null {
  switch (input.kind) {
    case 'liked':
      return `liked:${input.videoId}`
    case 'comment-liked':
      return `comment-liked:${input.commentId}`
    case 'commented':
    case 'replied':
      return `${input.kind}:${input.commentId}`
    case 'mentioned':
      return `mentioned:${input.commentId ?? input.videoId}`
    case 'followed':
      // By day: else everyone who ever followed would be one entry.
      return `followed:${at.toISOString().slice(0, 10)}`
    case 'upload-failed':
    case 'upload-published':
      return `${input.kind}:${input.uploadId}`
    case 'new-sign-in':
      return null
  }
}

function clip(text: string): string {
  const characters = [...text]
  return characters.length <= EXCERPT_MAX_LENGTH
    ? text
    : `${characters.slice(0, EXCERPT_MAX_LENGTH - 1).join('')}…`
}

/** The viewer's notifications, newest first, like actions folded into one entry. */
export async function listNotifications(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly page: PageQuery },
): Promise<Page<Notification>> {
  const { viewerId, page } = input
  const rows = await queries.selectGroups(ctx.db, viewerId, {
    before: readCursor(page.cursor),
    actors: ACTORS_SHOWN,
    limit: page.limit + 1,
  })
  const cut = cutPage(rows, page.limit)
  const present = await presenterOf(ctx, viewerId, cut.rows)
  return pageOfRows(cut, present)
}

/** The entry that a notification belongs to now; null when it is not there (any more). */
export async function loadNotification(
  ctx: Ctx,
  input: { readonly accountId: string; readonly notificationId: string },
): Promise<Notification | null> {
  const rows = await queries.selectGroups(ctx.db, input.accountId, {
    groupOf: input.notificationId,
    actors: ACTORS_SHOWN,
    limit: 1,
  })
  const present = await presenterOf(ctx, input.accountId, rows)
  return rows[0] ? present(rows[0]) : null
}

/** How many entries have something unread. */
export const countUnreadNotifications = (db: Db | Tx, accountId: string): Promise<number> =>
  queries.countUnread(db, accountId)

/**
 * Marks everything up to this notification as read. Idempotent.
 *
 * @returns how many entries are unread afterwards.
 * @throws {NotFoundError} when the notification is not the viewer's.
 */
export async function markNotificationsRead(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly upTo: string },
): Promise<{ unread: number }> {
  const { viewerId, upTo } = input
  return inTransaction(ctx, async (tx) => {
    const position = await queries.findPosition(tx, viewerId, upTo)
    if (!position) throw new NotFoundError('notification', upTo)
    const marked = await queries.markRead(tx, viewerId, position, ctx.clock.now())
    if (marked > 0) await announceUnread(tx, viewerId)
    return { unread: await queries.countUnread(tx, viewerId) }
  })
}

/** Takes back what tells of a comment that is gone, with its excerpts. */
export async function withdrawCommentNotifications(tx: Tx, commentId: string): Promise<void> {
  for (const accountId of await queries.deleteByComment(tx, commentId)) await announceUnread(tx, accountId)
}

const announceUnread = (tx: Tx, accountId: string) =>
  publishLive(tx, {
    topic: `account:${accountId}`,
    update: { kind: 'notification', notificationId: null },
  })

async function presenterOf(ctx: Ctx, viewerId: string, rows: readonly queries.GroupRow[]) {
  const [accounts, videos] = await Promise.all([
    loadAccountCards(
      ctx.db,
      rows.flatMap((row) => row.actorIds),
    ),
    loadVideoCards(
      ctx,
      viewerId,
      rows.flatMap((row) => row.videoId ?? []),
    ),
  ])
  return (row: queries.GroupRow): Notification => ({
    id: row.id,
    kind: row.kind,
    actors: row.actorIds.flatMap((id) => accounts.get(id) ?? []),
    actorCount: row.actorCount,
    videoId: row.videoId,
    posterUrl: (row.videoId && videos.get(row.videoId)?.posterUrl) || null,
    commentId: row.commentId,
    uploadId: row.uploadId,
    signInId: row.signInId,
    excerpt: row.excerpt,
    createdAt: row.at.toISOString(),
    isRead: row.isRead,
  })
}
