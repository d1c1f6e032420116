/** Verbs on comments. They have one level of replies: a reply to a reply joins the thread that it stands in. */
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { Comment } from '../../../contract/social.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError, NotFoundError } from '../../app/errors.ts'
import type { Viewer } from '../../app/http.ts'
import { publishLive } from '../../app/live.ts'
import { cutPage, pageOfRows, readCursor } from '../../app/paging.ts'
import { inTransaction, type Db, type Tx } from '../../infra/db/index.ts'
import { toAccountCard } from '../accounts/index.ts'
import { notifyAccount, notifyMentioned, withdrawCommentNotifications } from '../notifications/index.ts'
import { cleanCaption, isVisibleTo } from '../videos/index.ts'
import * as queries from './comments.queries.ts'

/** Who reads; null: signed out. An operator may delete any comment. */
export type Reader = Pick<Viewer, 'id' | 'role'>

/** The video's comments, the newest first. @throws {NotFoundError} when the video is missing or hidden. */
export async function listComments(
  ctx: Ctx,
  input: { readonly viewer: Reader | null; readonly videoId: string; readonly page: PageQuery },
): Promise<Page<Comment>> {
  const { viewer, videoId, page } = input
  const viewerId = viewer?.id ?? null
  await requireVisible(ctx.db, viewerId, videoId, new NotFoundError('video', videoId))
  const rows = await queries.listThreads(ctx.db, {
    videoId,
    viewerId,
    before: readCursor(page.cursor),
    limit: page.limit + 1,
  })
  return pageOfRows(cutPage(rows, page.limit), (row) => toComment(row, viewer))
}

/** The replies to a comment, the oldest first. @throws {NotFoundError} when the comment or its video is missing or hidden. */
export async function listReplies(
  ctx: Ctx,
  input: { readonly viewer: Reader | null; readonly commentId: string; readonly page: PageQuery },
): Promise<Page<Comment>> {
  const { viewer, commentId, page } = input
  const viewerId = viewer?.id ?? null
  const parent = await requireComment(ctx.db, commentId, viewerId)
  const rows = await queries.listReplies(ctx.db, {
    parentId: parent.id,
    viewerId,
    after: readCursor(page.cursor),
    limit: page.limit + 1,
  })
  return pageOfRows(cutPage(rows, page.limit), (row) => toComment(row, viewer))
}

export interface AddCommentInput {
  readonly viewer: Reader
  readonly videoId: string
  readonly body: string
  /** The comment that is answered, if any. */
  readonly parentId: string | null
  /** Made by the client once for each comment; null: a repeated request makes another comment. */
  readonly clientKey: string | null
  /** The id that it gets. @default a new one */
  readonly id?: string
}

/**
 * Adds a comment and tells the video's owner, the answered author and those who watch the video.
 *
 * Exactly once per client key: a repeated request, also a racing one, gets the comment that the first one made.
 *
 * @throws {NotFoundError} when the video or the answered comment is missing, hidden or deleted.
 * @throws {AppError} invalid-input when nothing can be seen of the text.
 */
export async function addComment(ctx: Ctx, input: AddCommentInput): Promise<Comment> {
  const { viewer, videoId, clientKey } = input
  const body = cleanBody(input.body)
  return inTransaction(ctx, async (tx) => {
    const known = clientKey === null ? undefined : await queries.findIdByClientKey(tx, viewer.id, clientKey)
    if (known !== undefined) return loadOwn(tx, known, viewer)
    await requireVisible(tx, viewer.id, videoId, new NotFoundError('video', videoId))
    const answered = input.parentId === null ? null : await requireComment(tx, input.parentId, viewer.id)
    if (answered && (answered.videoId !== videoId || answered.isDeleted))
      throw new NotFoundError('comment', answered.id)
    const parentId = answered ? (answered.parentId ?? answered.id) : null

    const { id = ctx.newId() } = input
    const row = { id, videoId, accountId: viewer.id, parentId, body, clientKey, createdAt: ctx.clock.now() }
    if (!(await queries.insertComment(tx, row)))
      return loadOwn(tx, (await queries.findIdByClientKey(tx, viewer.id, clientKey!))!, viewer)
    if (parentId !== null) await queries.addReplies(tx, parentId, 1)
    await ctx.events.append(tx, { kind: 'commented', accountId: viewer.id, videoId, commentId: id })
    const made = (await queries.findComment(tx, id, viewer.id))!
    await tellOthers(ctx, tx, made, answered)
    await announce(tx, made)
    return toComment(made, viewer)
  })
}

/** The text as it is shown. @throws {AppError} invalid-input when nothing can be seen of it. */
export function cleanBody(text: string): string {
  const body = cleanCaption(text)
  if (body === '')
    throw new AppError('invalid-input', {
      detail: 'The comment has no text that can be seen.',
      fields: { body: 'Write something.' },
    })
  return body
}

/**
 * The one who is answered hears of a reply, unless the video was hidden from them since: the reply's text is for those who
 * see it. The video's owner hears of everything else, and who is mentioned of that.
 */
async function tellOthers(
  ctx: Ctx,
  tx: Tx,
  made: queries.CommentRow,
  answered: queries.CommentRow | null,
): Promise<void> {
  const about = { actorId: made.authorId, videoId: made.videoId, commentId: made.id, excerpt: made.body }
  const visible = { viewerId: answered?.authorId ?? null, videoId: made.videoId }
  if (answered && (await isVisibleTo(tx, visible)))
    await notifyAccount(ctx, tx, { ...about, accountId: answered.authorId, kind: 'replied' })
  if (answered?.authorId !== made.videoOwnerId)
    await notifyAccount(ctx, tx, { ...about, accountId: made.videoOwnerId, kind: 'commented' })
  await notifyMentioned(ctx, tx, {
    ...about,
    text: made.body,
    actorId: made.authorId,
    except: [made.videoOwnerId, ...(answered ? [answered.authorId] : [])],
  })
}

/**
 * Deletes a comment: its text is gone, its replies stay. Idempotent.
 *
 * @throws {NotFoundError} when it or its video is missing or hidden.
 * @throws {AppError} not-allowed to anyone but its author, the video's owner and operators.
 */
export async function deleteComment(
  ctx: Ctx,
  input: { readonly viewer: Reader; readonly commentId: string },
): Promise<void> {
  const { viewer, commentId } = input
  await inTransaction(ctx, async (tx) => {
    const row = await requireComment(tx, commentId, viewer.id)
    if (!canDelete(row, viewer)) throw new AppError('not-allowed')
    if (!(await queries.eraseComment(tx, commentId, ctx.clock.now()))) return
    if (row.parentId !== null) await queries.addReplies(tx, row.parentId, -1)
    await ctx.events.append(tx, {
      kind: 'uncommented',
      accountId: row.authorId,
      videoId: row.videoId,
      commentId,
    })
    await withdrawCommentNotifications(tx, commentId)
    await announce(tx, row)
  })
}

interface LikeCommentInput {
  readonly viewerId: string
  readonly commentId: string
}

/** Likes a comment. Idempotent: its author is told once. @throws {NotFoundError} when it is missing, hidden or deleted. */
export async function likeComment(ctx: Ctx, input: LikeCommentInput): Promise<{ isLiked: true }> {
  const { viewerId, commentId } = input
  return inTransaction(ctx, async (tx) => {
    const row = await requireComment(tx, commentId, viewerId)
    if (row.isDeleted) throw new NotFoundError('comment', commentId)
    if (await queries.insertLike(tx, { commentId, accountId: viewerId, at: ctx.clock.now() })) {
      await queries.addLikes(tx, commentId, 1)
      await notifyAccount(ctx, tx, {
        accountId: row.authorId,
        kind: 'comment-liked',
        actorId: viewerId,
        videoId: row.videoId,
        commentId,
        excerpt: row.body,
      })
    }
    return { isLiked: true }
  })
}

/** Takes the like back, of a hidden comment too. Idempotent. @throws {NotFoundError} when there is none and it is hidden. */
export async function unlikeComment(ctx: Ctx, input: LikeCommentInput): Promise<{ isLiked: false }> {
  const { viewerId, commentId } = input
  return inTransaction(ctx, async (tx) => {
    if (await queries.deleteLike(tx, commentId, viewerId)) await queries.addLikes(tx, commentId, -1)
    else await requireComment(tx, commentId, viewerId)
    return { isLiked: false }
  })
}

/** A comment as a live update carries it: made once for all who hear of it, each of whom gets a version by `commentFor`. */
export interface SharedComment {
  readonly row: queries.CommentRow
}

/** Null when it is not there. Deleted ones are. */
export async function loadSharedComment(ctx: Ctx, commentId: string): Promise<SharedComment | null> {
  const row = await queries.findComment(ctx.db, commentId, null)
  return row ? { row } : null
}

export const authorOf = ({ row }: SharedComment): string => row.authorId

/** The comment for this viewer, whose like it can't have yet: it is told of when made and when deleted. */
export const commentFor = ({ row }: SharedComment, viewer: Reader | null): Comment => toComment(row, viewer)

/** The comment as this viewer gets it. */
export function toComment(row: queries.CommentRow, viewer: Reader | null): Comment {
  return {
    id: row.id,
    videoId: row.videoId,
    parentId: row.parentId,
    author: toAccountCard({ id: row.authorId, handle: row.handle, name: row.name, image: row.image }),
    body: row.isDeleted ? '' : row.body,
    isDeleted: row.isDeleted,
    createdAt: row.at.toISOString(),
    likeCount: row.likeCount,
    replyCount: row.replyCount,
    viewer: viewer && {
      isLiked: row.isLiked,
      isOwn: row.authorId === viewer.id,
      canDelete: !row.isDeleted && canDelete(row, viewer),
    },
  }
}

const canDelete = (row: queries.CommentRow, viewer: Reader): boolean =>
  viewer.role === 'operator' || viewer.id === row.authorId || viewer.id === row.videoOwnerId

const loadOwn = async (tx: Tx, id: string, viewer: Reader): Promise<Comment> =>
  toComment((await queries.findComment(tx, id, viewer.id))!, viewer)

const announce = (tx: Tx, row: queries.CommentRow): Promise<void> =>
  publishLive(tx, {
    topic: `video:${row.videoId}`,
    update: { kind: 'comment', videoId: row.videoId, commentId: row.id },
  })

/** @throws {NotFoundError} */
async function requireComment(db: Db | Tx, id: string, viewerId: string | null): Promise<queries.CommentRow> {
  const row = await queries.findComment(db, id, viewerId)
  const missing = new NotFoundError('comment', id)
  if (!row) throw missing
  await requireVisible(db, viewerId, row.videoId, missing)
  return row
}

async function requireVisible(
  db: Db | Tx,
  viewerId: string | null,
  videoId: string,
  otherwise: NotFoundError,
): Promise<void> {
  if (!(await isVisibleTo(db, { viewerId, videoId }))) throw otherwise
}
