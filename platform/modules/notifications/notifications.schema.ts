/** The table of notifications: one row for each thing that someone did; the list folds rows of one group. */
import type { NotificationKind } from '../../../contract/social.ts'

interface NotificationTable {
  id: string
  account_id: string
  kind: NotificationKind
  group_key: string
  actor_id: string | null
  video_id: string | null
  comment_id: string | null
  upload_id: string | null
  excerpt: string | null
  created_at: Date
  read_at: Date | null
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    notification: NotificationTable
  }
}
