/** The tables of transcoding. */
import type { ColumnType } from 'kysely'
import type { Demuxer, LadderPlan, TrackInit } from '../../../engines/ladder/index.ts'

interface TranscodeTable {
  video_id: string
  account_id: string
  demuxer: ColumnType<Demuxer | null, Demuxer | null | undefined, Demuxer | null>
  mode: ColumnType<'copy' | 'encode' | null, 'copy' | 'encode' | null | undefined, 'copy' | 'encode' | null>
  /** JSON text when written. */
  plan: ColumnType<LadderPlan | null, string | null | undefined, string | null>
  crashes: ColumnType<number, number | undefined, number>
  claimed_by: ColumnType<string | null, string | null | undefined, string | null>
  claimed_until: ColumnType<Date | null, Date | null | undefined, Date | null>
  first_generation: ColumnType<number, number | undefined, number>
  ladder_generation: ColumnType<number, number | undefined, number>
  looked_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  scrubbed_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  created_at: Date
  updated_at: Date
}

interface TranscodeRenditionTable {
  video_id: string
  generation: number
  rendition: string
  /** JSON text when written. */
  track: ColumnType<TrackInit, string, string>
  init_size_bytes: number
  init_sha256: string
  is_whole: ColumnType<boolean, boolean | undefined, boolean>
}

interface TranscodeSegmentTable {
  video_id: string
  generation: number
  rendition: string
  position: number
  duration_ms: number
  size_bytes: number
  sha256: string
}

interface BlobStoreTable {
  id: string
  marked_at: ColumnType<Date | null, Date | null | undefined, Date | null>
}

declare module '../../infra/db/tables.ts' {
  interface Tables {
    transcode: TranscodeTable
    transcode_rendition: TranscodeRenditionTable
    transcode_segment: TranscodeSegmentTable
    blob_store: BlobStoreTable
  }
}
