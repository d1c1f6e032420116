/** The tables of comments. */
import type { ColumnType } from 'kysely'

interface CommentTable {
  id: string
  video_id: string
  account_id: string
  parent_id: string | null
  body: string
  client_key: string | null
  like_count: ColumnType<number, number | undefined, number>
  reply_count: ColumnType<number, number | undefined, number>
  created_at: Date
  deleted_at: Date | null
}

interface CommentLikeTable {
  account_id: string
  comment_id: string
  created_at: Date
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    comment: CommentTable
    comment_like: CommentLikeTable
  }
}
