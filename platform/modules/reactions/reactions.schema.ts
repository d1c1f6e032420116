/** The tables of reactions. */
interface VideoReactionTable {
  account_id: string
  video_id: string
  created_at: Date
}

interface VideoShareTable {
  sharer_key: string
  video_id: string
  hour: Date
}

interface VideoViewTable {
  /** An account's id, or `browser:<random>`. */
  viewer_key: string
  video_id: string
  hour: Date
  watched_ms: number
  completions: number
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    video_like: VideoReactionTable
    video_save: VideoReactionTable
    video_share: VideoShareTable
    video_view: VideoViewTable
  }
}

export {}
