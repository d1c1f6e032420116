/** Whether players can already play a source, so that it is cut into segments without encoding it again. */
import { knownFps, shortEdge, type AudioStreamInfo, type SourceInfo } from './source-info.ts'

export const copyLimits = {
  maxShortEdgePx: 1080,
  /** 1920 × 1.2: a little longer than 16:9, as phones are. */
  maxLongEdgePx: 2340,
  /** H.264 level 4.0 allows this to Main (Annex A, table A-1); phones record 1080p at 17 Mb/s. */
  maxBitrateBps: 20_000_000,
  maxFps: 60,
  /** A viewer who starts or seeks waits for a whole group of pictures. */
  maxKeyframeGapS: 5,
  /** H.264 level 4.2: the highest that phones decode at 60 frames a second. */
  maxLevel: 42,
} as const

export type NoCopyReason =
  | 'container'
  | 'codec'
  | 'profile'
  | 'level'
  | 'pixel-format'
  | 'size'
  | 'bitrate'
  | 'frame-rate'
  | 'keyframes'
  | 'rotation'
  | 'sample-aspect'
  | 'interlaced'
  | 'hdr'
  | 'hidden-start'

const copyableProfiles = [
  'Constrained Baseline',
  'Baseline',
  'Main',
  'High',
  'Constrained High',
  'Progressive High',
]

/**
 * Why the picture can't be copied; empty: it can.
 *
 * Unknown counts as no: an unknown bitrate or an unknown distance of keyframes could stall every viewer.
 */
export function whyNotCopy(source: SourceInfo): NoCopyReason[] {
  const { video } = source
  if (!video) return ['codec']
  const fps = knownFps(video)
  const bitrateBps = video.bitrateBps ?? source.bitrateBps ?? video.measuredBps
  const checks: readonly (readonly [reason: NoCopyReason, holds: boolean])[] = [
    // A transport stream's clock may jump, which a copy can't mend. Matroska doesn't say where all its keyframes are:
    // what its first packets promise is judged again by what was copied.
    ['container', source.demuxer.includes('mp4') || source.demuxer.includes('matroska')],
    ['codec', video.codec === 'h264'],
    ['profile', video.profile !== null && copyableProfiles.includes(video.profile)],
    ['level', video.level !== null && video.level > 0 && video.level <= copyLimits.maxLevel],
    ['pixel-format', video.pixelFormat === 'yuv420p'],
    ['size', isCopyableSize(video)],
    ['bitrate', bitrateBps !== null && bitrateBps <= copyLimits.maxBitrateBps],
    ['frame-rate', fps !== null && fps <= copyLimits.maxFps * 1.02],
    [
      'keyframes',
      source.longestKeyframeGapS !== null && source.longestKeyframeGapS <= copyLimits.maxKeyframeGapS + 0.05,
    ],
    // fMP4 in Media Source Extensions ignores or misplaces the matrix in some engines.
    ['rotation', !video.isTransformed],
    ['sample-aspect', video.sampleAspectRatio.num === video.sampleAspectRatio.den],
    ['interlaced', !video.isInterlaced],
    ['hdr', video.transfer === 'sdr'],
    // A copy would show the pictures that the edit list hides.
    ['hidden-start', !source.hasHiddenStart],
  ]
  return checks.filter(([, holds]) => !holds).map(([reason]) => reason)
}

export function canCopy(source: SourceInfo): boolean {
  return whyNotCopy(source).length === 0
}

/** Whether the sound can be kept as it is: AAC-LC, mono or stereo, at a rate that every player knows. */
export function canCopyAudio(audio: AudioStreamInfo, demuxer: string): boolean {
  return (
    (demuxer.includes('mp4') || demuxer.includes('matroska')) &&
    audio.codec === 'aac' &&
    audio.profile === 'LC' &&
    (audio.channels === 1 || audio.channels === 2) &&
    [32_000, 44_100, 48_000].includes(audio.sampleRateHz)
  )
}

function isCopyableSize(video: NonNullable<SourceInfo['video']>): boolean {
  return (
    shortEdge(video) <= copyLimits.maxShortEdgePx &&
    Math.max(video.displayWidth, video.displayHeight) <= copyLimits.maxLongEdgePx &&
    video.displayWidth % 2 === 0 &&
    video.displayHeight % 2 === 0
  )
}
