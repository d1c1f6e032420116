/** The tables of videos. */
import type { ColumnType } from 'kysely'
import type { Visibility } from '../../../contract/videos.ts'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'

/** What the work on a video can wait for: room on the disk, or the disk itself. */
export type WaitsFor = 'space' | 'storage'

interface VideoTable {
  id: string
  account_id: string
  upload_id: string | null
  caption: string
  visibility: Visibility
  cover_at_ms: number | null
  publish_requested_at: Date | null
  published_at: Date | null
  duration_ms: number | null
  width: number | null
  height: number | null
  placeholder: string | null
  poster_version: number | null
  preview_version: number | null
  generation: number | null
  playable_height: number | null
  is_complete: boolean
  playable_at: Date | null
  complete_at: Date | null
  failure_code: string | null
  failure_reason: string | null
  failed_at: Date | null
  work_progress: number | null
  work_left_s: number | null
  work_waits_for: WaitsFor | null
  created_at: Date
  updated_at: Date
  deleted_at: Date | null
  erased_at: Date | null
}

interface VideoGenerationTable {
  video_id: string
  generation: number
  kind: MediaManifest['kind']
  /** JSON text when written. */
  manifest: ColumnType<MediaManifest, string, string>
  is_growing: boolean
  created_at: Date
  retired_at: Date | null
  broken_at: Date | null
}

interface VideoTagTable {
  video_id: string
  tag: string
}

interface VideoCounterTable {
  video_id: string
  views: number
  likes: number
  comments: number
  saves: number
  shares: number
  watched_ms: number
  completions: number
  as_of: Date
}

type WithDefaults<T, K extends keyof T> = {
  [P in keyof T]: P extends K ? ColumnType<T[P], T[P] | undefined, T[P]> : T[P]
}

/** What is not known yet when a video is made. */
type Later = Exclude<
  keyof VideoTable,
  'id' | 'account_id' | 'caption' | 'visibility' | 'created_at' | 'updated_at'
>

declare module '../../infra/db/tables.ts' {
  interface Tables {
    video: WithDefaults<VideoTable, Later>
    video_generation: WithDefaults<VideoGenerationTable, 'is_growing' | 'retired_at' | 'broken_at'>
    video_tag: VideoTagTable
    video_counter: WithDefaults<
      VideoCounterTable,
      'views' | 'likes' | 'comments' | 'saves' | 'shares' | 'watched_ms' | 'completions'
    >
  }
}
