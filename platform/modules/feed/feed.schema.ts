/** The tables of the feed. */
interface FeedSnapshotTable {
  id: string
  account_id: string | null
  body: Buffer
  expires_at: Date
}

interface FeedSignalTable {
  video_id: string
  views: number
  completion: number
  as_of: Date
  heat: number
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    feed_snapshot: FeedSnapshotTable
    feed_signal: FeedSignalTable
  }
}

export {}
