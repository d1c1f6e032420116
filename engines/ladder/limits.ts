/** Which sources are taken: limits with their reasons, and a stable code with the facts for each refusal. */
import type { Sniffed } from './container.ts'
import { knownFps, shortEdge, type SourceInfo } from './source-info.ts'

export interface SourceLimits {
  readonly maxDurationS: number
  readonly maxShortEdgePx: number
  readonly maxLongEdgePx: number
  /** Smaller than this is a tracking pixel, not a video; x264 needs 16 too. */
  readonly minEdgePx: number
  /** Phones record slow motion at 240. */
  readonly maxFps: number
  /** A phone's file has up to ten (picture, sound, several of metadata). */
  readonly maxStreams: number
}

export const defaultLimits: SourceLimits = {
  maxDurationS: 600,
  maxShortEdgePx: 2160,
  maxLongEdgePx: 4096,
  minEdgePx: 16,
  maxFps: 240,
  maxStreams: 32,
}

export type RefusalCode =
  | 'video-empty-file'
  | 'video-not-a-video'
  | 'video-playlist'
  | 'video-no-picture'
  | 'video-unreadable'
  | 'video-truncated'
  | 'video-too-long'
  | 'video-too-large'
  | 'video-too-small'
  | 'video-too-many-fps'
  | 'video-too-many-streams'
  | 'video-codec-unsupported'

export interface Refusal {
  readonly code: RefusalCode
  /** What is wrong with this very file, in words. */
  readonly reason: string
  readonly facts: Readonly<Record<string, string | number>>
}

/** Decoders that sources may use; all of them are open in every build of ffmpeg that Debian ships. */
export const videoCodecs = [
  'h264',
  'hevc',
  'vp8',
  'vp9',
  'av1',
  'mpeg4',
  'mpeg2video',
  'mpeg1video',
  'h263',
  'mjpeg',
  'prores',
  'dnxhd',
  'theora',
  'msmpeg4v3',
  'flv1',
  'vc1',
  'wmv3',
] as const

const nameOfKind = {
  image: 'a picture',
  archive: 'an archive',
  audio: 'sound without a picture',
  text: 'text',
  unknown: 'of no kind that is known here',
} as const

/** Refuses what is no video by its first bytes; null: go on. */
export function judgeContainer(sniffed: Sniffed): Refusal | null {
  switch (sniffed.kind) {
    case 'video':
      return null
    case 'empty':
      return refuse('video-empty-file', 'The file has no bytes.', {})
    case 'playlist':
      return refuse('video-playlist', 'The file is a list that points at other files or addresses.', {})
    default:
      return refuse('video-not-a-video', `The file is ${nameOfKind[sniffed.kind]}.`, { kind: sniffed.kind })
  }
}

/** Refuses what can't be made into a video, by its probe; null: it is taken. Limits are inclusive. */
export function judgeSource(source: SourceInfo, limits: SourceLimits = defaultLimits): Refusal | null {
  const { video } = source
  if (source.streamCount > limits.maxStreams)
    return refuse(
      'video-too-many-streams',
      `It has ${source.streamCount} streams; ${limits.maxStreams} are the most.`,
      {
        streams: source.streamCount,
        most: limits.maxStreams,
      },
    )
  if (!video)
    return refuse('video-no-picture', 'It has no picture.', { hasSound: source.audio ? 'yes' : 'no' })
  if (!(videoCodecs as readonly string[]).includes(video.codec))
    return refuse('video-codec-unsupported', `Its picture is encoded as ${video.codec}.`, {
      codec: video.codec,
    })
  return (
    judgeSize(video.codedWidth, video.codedHeight, limits) ??
    judgeSize(video.displayWidth, video.displayHeight, limits) ??
    judgeDuration(source.durationMs, limits) ??
    judgeRate(source, limits) ??
    (source.hasVideoPackets
      ? null
      : refuse('video-no-picture', 'Its picture track holds no frames.', { frames: 0 }))
  )
}

/** Refuses what lasts too long; also for the length that shows only while encoding. */
export function judgeDuration(
  durationMs: number | null,
  limits: SourceLimits = defaultLimits,
): Refusal | null {
  // A container rounds up to its last frame, and an audio track overhangs: half a second is no longer video.
  if (durationMs === null || durationMs <= limits.maxDurationS * 1000 + 500) return null
  const lasts = Math.round(durationMs / 1000)
  return refuse('video-too-long', `It lasts ${lasts} s; ${limits.maxDurationS} s are the most.`, {
    durationS: lasts,
    mostS: limits.maxDurationS,
  })
}

function judgeSize(width: number, height: number, limits: SourceLimits): Refusal | null {
  const edges = { displayWidth: width, displayHeight: height }
  const facts = { width, height }
  if (width === 0 || height === 0)
    return refuse('video-unreadable', 'Its picture has no size: the header is damaged.', facts)
  if (shortEdge(edges) > limits.maxShortEdgePx || Math.max(width, height) > limits.maxLongEdgePx)
    return refuse(
      'video-too-large',
      `It is ${width}×${height}; the shorter side may have ${limits.maxShortEdgePx} pixels and the longer ${limits.maxLongEdgePx}.`,
      { ...facts, mostShort: limits.maxShortEdgePx, mostLong: limits.maxLongEdgePx },
    )
  if (shortEdge(edges) < limits.minEdgePx)
    return refuse(
      'video-too-small',
      `It is ${width}×${height}; each side needs ${limits.minEdgePx} pixels.`,
      {
        ...facts,
        least: limits.minEdgePx,
      },
    )
  return null
}

function judgeRate(source: SourceInfo, limits: SourceLimits): Refusal | null {
  const fps = source.video && knownFps(source.video)
  // Rounding of timestamps to milliseconds makes 240 look like 250 for a few frames.
  if (!fps || fps <= limits.maxFps * 1.05) return null
  return refuse(
    'video-too-many-fps',
    `It has ${Math.round(fps)} frames a second; ${limits.maxFps} are the most.`,
    {
      fps: Math.round(fps),
      most: limits.maxFps,
    },
  )
}

function refuse(code: RefusalCode, reason: string, facts: Refusal['facts']): Refusal {
  return { code, reason, facts }
}
