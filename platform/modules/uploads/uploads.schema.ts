/** The table of uploads: a row is the receipt, and is never deleted. */
import type { ColumnType } from 'kysely'

type Later<T> = ColumnType<T, T | undefined, T>

interface UploadTable {
  id: string
  account_id: string
  video_id: string
  client_key: string | null
  filename: string
  media_type: string
  metadata: string
  size_bytes: number
  received_bytes: Later<number>
  state: Later<'receiving' | 'safe' | 'failed' | 'cancelled'>
  failure_code: Later<string | null>
  failure_reason: Later<string | null>
  sha256: Later<Buffer | null>
  index_offset: Later<number | null>
  created_at: Date
  updated_at: Date
  safe_at: Later<Date | null>
  stored_at: Later<Date | null>
  ended_at: Later<Date | null>
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    upload: UploadTable
  }
}
