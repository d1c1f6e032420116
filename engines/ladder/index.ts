/** Which renditions to make from a source, in what order, by which encoder arguments; and what comes out, as HLS. */
export { BoxError } from './boxes.ts'
export { sniffContainer, SNIFF_BYTES, type Demuxer, type Sniffed } from './container.ts'
export {
  parseProbe,
  shortEdge,
  knownFps,
  type AudioStreamInfo,
  type SourceInfo,
  type VideoStreamInfo,
} from './source-info.ts'
export {
  defaultLimits,
  judgeContainer,
  judgeDuration,
  judgeSource,
  type Refusal,
  type RefusalCode,
  type SourceLimits,
} from './limits.ts'
export { canCopy, canCopyAudio, copyLimits, whyNotCopy, type NoCopyReason } from './copy.ts'
export {
  planLadder,
  ratio,
  segmentDurationS,
  SEGMENT_S,
  type AudioPlan,
  type LadderPlan,
  type Rung,
} from './plan.ts'
export {
  audioArguments,
  copyArguments,
  encodeArguments,
  previewArguments,
  previewFps,
  probeArguments,
  stillArguments,
  type FfmpegJob,
  type OutputRole,
  type SourceInput,
} from './arguments.ts'
export {
  concat,
  createFragmentCutter,
  isWholeSegment,
  type Fragment,
  type FragmentCutter,
  type Piece,
} from './fragments.ts'
export type { TrackInit } from './init-segment.ts'
export { createSegmenter, INIT_NAME, segmentName, type Segment, type Segmenter } from './segments.ts'
export {
  checkIndex,
  composeEarlyStream,
  expectedEnd,
  INDEX_MAX_BYTES,
  readLongestKeyframeGapS,
  readMp4Layout,
  shiftChunkOffsets,
  type EarlyStream,
  type Mp4Layout,
} from './mp4-index.ts'
export {
  measureBandwidth,
  measureDuration,
  type AudioRendition,
  type InitEntry,
  type MediaManifest,
  type SegmentEntry,
  type VideoRendition,
} from './manifest.ts'
export {
  renderMasterPlaylist,
  renderMediaPlaylist,
  type MasterOptions,
  type MediaOptions,
} from './playlists.ts'
