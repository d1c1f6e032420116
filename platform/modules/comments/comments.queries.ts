/** All SQL of comments. */
import { sql } from 'kysely'
import type { Position } from '../../app/paging.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './comments.schema.ts'

export interface CommentRow extends Position {
  readonly videoId: string
  readonly parentId: string | null
  readonly authorId: string
  readonly handle: string
  readonly name: string
  readonly image: string | null
  readonly videoOwnerId: string
  readonly body: string
  readonly isDeleted: boolean
  readonly likeCount: number
  readonly replyCount: number
  readonly isLiked: boolean
}

const columns = (viewerId: string | null) => sql`
  c.id, c.created_at as at, c.video_id as "videoId", c.parent_id as "parentId", c.account_id as "authorId",
  a.display_username as handle, a.name, a.image, v.account_id as "videoOwnerId", c.body,
  c.deleted_at is not null as "isDeleted", c.like_count as "likeCount", c.reply_count as "replyCount",
  exists (select from comment_like l where l.comment_id = c.id and l.account_id = ${viewerId}::uuid) as "isLiked"`

const FROM = sql`comment c join account a on a.id = c.account_id join video v on v.id = c.video_id`

/** Neither the viewer nor the author blocks the other. */
const isNotBlocked = (viewerId: string | null) => sql`
  not exists (
    select from block b
    where (b.blocker_id = ${viewerId}::uuid and b.blocked_id = c.account_id)
       or (b.blocker_id = c.account_id and b.blocked_id = ${viewerId}::uuid))`

/** The newest first; a deleted comment only stands there while it has replies. */
export async function listThreads(
  db: Db,
  input: {
    readonly videoId: string
    readonly viewerId: string | null
    readonly before: Position | null
    readonly limit: number
  },
): Promise<CommentRow[]> {
  const { videoId, viewerId, before, limit } = input
  const { rows } = await sql<CommentRow>`
    select ${columns(viewerId)} from ${FROM}
    where c.video_id = ${videoId} and c.parent_id is null
      and (c.deleted_at is null or c.reply_count > 0)
      and ${before ? sql`(c.created_at, c.id) < (${before.at}, ${before.id}::uuid)` : sql`true`}
      and ${isNotBlocked(viewerId)}
    order by c.created_at desc, c.id desc
    limit ${limit}`.execute(db)
  return rows
}

/** The oldest first. */
export async function listReplies(
  db: Db,
  input: {
    readonly parentId: string
    readonly viewerId: string | null
    readonly after: Position | null
    readonly limit: number
  },
): Promise<CommentRow[]> {
  const { parentId, viewerId, after, limit } = input
  const { rows } = await sql<CommentRow>`
    select ${columns(viewerId)} from ${FROM}
    where c.parent_id = ${parentId} and c.deleted_at is null
      and ${after ? sql`(c.created_at, c.id) > (${after.at}, ${after.id}::uuid)` : sql`true`}
      and ${isNotBlocked(viewerId)}
    order by c.created_at, c.id
    limit ${limit}`.execute(db)
  return rows
}

/** Deleted ones too, but none whose author and the viewer have a block between them. */
export async function findComment(
  db: Db | Tx,
  id: string,
  viewerId: string | null,
): Promise<CommentRow | undefined> {
  const { rows } = await sql<CommentRow>`
    select ${columns(viewerId)} from ${FROM} where c.id = ${id} and ${isNotBlocked(viewerId)}`.execute(db)
  return rows[0]
}

export async function findIdByClientKey(
  db: Db | Tx,
  accountId: string,
  clientKey: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('comment')
    .select('id')
    .where('account_id', '=', accountId)
    .where('client_key', '=', clientKey)
    .executeTakeFirst()
  return row?.id
}

export interface NewCommentRow {
  readonly id: string
  readonly videoId: string
  readonly accountId: string
  readonly parentId: string | null
  readonly body: string
  readonly clientKey: string | null
  readonly createdAt: Date
}

/** False when the account sent this client key before; a racing insert with it is waited for. */
export async function insertComment(tx: Tx, row: NewCommentRow): Promise<boolean> {
  const result = await tx
    .insertInto('comment')
    .values({
      id: row.id,
      video_id: row.videoId,
      account_id: row.accountId,
      parent_id: row.parentId,
      body: row.body,
      client_key: row.clientKey,
      created_at: row.createdAt,
      deleted_at: null,
    })
    .onConflict((conflict) => conflict.columns(['account_id', 'client_key']).doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export async function addReplies(tx: Tx, parentId: string, by: 1 | -1): Promise<void> {
  await tx
    .updateTable('comment')
    .set((column) => ({ reply_count: column('reply_count', '+', by) }))
    .where('id', '=', parentId)
    .execute()
}

/** Empties it and marks it as deleted. False when it was deleted before. */
export async function eraseComment(tx: Tx, id: string, at: Date): Promise<boolean> {
  const result = await tx
    .updateTable('comment')
    .set({ body: '', deleted_at: at })
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** False when it is there already. */
export async function insertLike(
  tx: Tx,
  like: { readonly commentId: string; readonly accountId: string; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .insertInto('comment_like')
    .values({ account_id: like.accountId, comment_id: like.commentId, created_at: like.at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** False when there was none. */
export async function deleteLike(tx: Tx, commentId: string, accountId: string): Promise<boolean> {
  const result = await tx
    .deleteFrom('comment_like')
    .where('account_id', '=', accountId)
    .where('comment_id', '=', commentId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export async function addLikes(tx: Tx, commentId: string, by: 1 | -1): Promise<void> {
  await tx
    .updateTable('comment')
    .set((column) => ({ like_count: column('like_count', '+', by) }))
    .where('id', '=', commentId)
    .execute()
}
