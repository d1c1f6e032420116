/** What a source is: ffprobe's JSON, read without trusting a single field of it. */

export type TransferKind = 'sdr' | 'pq' | 'hlg'

export interface VideoStreamInfo {
  /** Index within the file, as ffmpeg counts. */
  readonly index: number
  readonly codec: string
  readonly profile: string | null
  /** As the codec numbers it: 41 is H.264 level 4.1. */
  readonly level: number | null
  readonly pixelFormat: string | null
  readonly codedWidth: number
  readonly codedHeight: number
  /** What a viewer sees: after sample aspect ratio, then rotation. */
  readonly displayWidth: number
  readonly displayHeight: number
  readonly sampleAspectRatio: { readonly num: number; readonly den: number }
  /** Clockwise quarter turns; null: turned by an angle that is no multiple of 90. */
  readonly rotationDeg: 0 | 90 | 180 | 270 | null
  /** Whether the source carries a display matrix that turns or mirrors it. */
  readonly isTransformed: boolean
  readonly averageFps: number | null
  readonly baseFps: number | null
  /** Frames per second among the first packets; null when too few were read. */
  readonly measuredFps: number | null
  readonly hasVariableFrameRate: boolean
  readonly isInterlaced: boolean
  readonly transfer: TransferKind
  readonly bitrateBps: number | null
  /** Among the first packets; null when too few were read. */
  readonly measuredBps: number | null
  readonly hasBFrames: boolean
}

export interface AudioStreamInfo {
  readonly index: number
  readonly codec: string
  readonly profile: string | null
  readonly channels: number
  readonly sampleRateHz: number
  readonly bitrateBps: number | null
}

export interface SourceInfo {
  readonly demuxer: string
  /** Null: the container does not say (a recording by a browser, say). */
  readonly durationMs: number | null
  readonly sizeBytes: number | null
  readonly bitrateBps: number | null
  readonly streamCount: number
  readonly video: VideoStreamInfo | null
  readonly audio: AudioStreamInfo | null
  /** Whether the first packets carry times before 0 or marked for dropping: an edit list hides their pictures. */
  readonly hasHiddenStart: boolean
  /** Seconds between the keyframes among the packets read; null when fewer than two were seen. */
  readonly longestKeyframeGapS: number | null
  /** Whether any packet of the picture was there: a header alone is no video. */
  readonly hasVideoPackets: boolean
}

type Json = Readonly<Record<string, unknown>>

/**
 * Reads the output of `ffprobe -of json` with the sections `format`, `streams` and `packets`.
 *
 * @throws {SyntaxError} when the text is not JSON.
 */
export function parseProbe(text: string): SourceInfo {
  const root = asObject(JSON.parse(text))
  const format = asObject(root.format)
  const streams = asArray(root.streams).map(asObject)
  // Chromium and ffprobe disagree on pixel-sized covers: an attached picture is no video.
  const video = streams.find((s) => s.codec_type === 'video' && !isAttachedPicture(s))
  const audio = streams.find((s) => s.codec_type === 'audio' && asNumber(s.channels) !== null)
  const packets = readPackets(asArray(root.packets).map(asObject), asNumber(video?.index))
  return {
    demuxer: asString(format.format_name) ?? 'unknown',
    durationMs: toMs(asNumber(format.duration) ?? asNumber(video?.duration)),
    sizeBytes: asNumber(format.size),
    bitrateBps: asNumber(format.bit_rate),
    streamCount: Math.max(streams.length, asNumber(format.nb_streams) ?? 0),
    video: video ? readVideo(video, packets) : null,
    audio: audio ? readAudio(audio) : null,
    hasHiddenStart: packets.some((p) => p.isDiscarded || (p.timeS !== null && p.timeS < -0.001)),
    longestKeyframeGapS: longestKeyframeGap(packets),
    hasVideoPackets: packets.length > 0,
  }
}

/** The shorter side of what is shown, in pixels. */
export function shortEdge(video: Pick<VideoStreamInfo, 'displayWidth' | 'displayHeight'>): number {
  return Math.min(video.displayWidth, video.displayHeight)
}

/** The rate to reckon with: measured, else the container's average, else its base; null when nothing is known. */
export function knownFps(video: VideoStreamInfo): number | null {
  return video.measuredFps ?? video.averageFps ?? video.baseFps
}

interface Packet {
  readonly timeS: number | null
  readonly sizeBytes: number | null
  readonly isKey: boolean
  readonly isDiscarded: boolean
}

function readPackets(packets: Json[], videoIndex: number | null): Packet[] {
  return packets
    .filter((packet) => videoIndex !== null && asNumber(packet.stream_index) === videoIndex)
    .map((packet) => ({
      timeS: asNumber(packet.pts_time) ?? asNumber(packet.dts_time),
      sizeBytes: asNumber(packet.size),
      isKey: asString(packet.flags)?.includes('K') ?? false,
      isDiscarded: asString(packet.flags)?.includes('D') ?? false,
    }))
}

function readVideo(stream: Json, packets: Packet[]): VideoStreamInfo {
  const codedWidth = Math.max(0, asNumber(stream.width) ?? 0)
  const codedHeight = Math.max(0, asNumber(stream.height) ?? 0)
  const sampleAspectRatio = readAspect(asString(stream.sample_aspect_ratio))
  const matrix = asArray(stream.side_data_list)
    .map(asObject)
    .find((side) => asString(side.side_data_type) === 'Display Matrix')
  const rotationDeg = readRotation(matrix)
  const wide = Math.max(
    codedWidth > 0 ? 1 : 0,
    Math.round((codedWidth * sampleAspectRatio.num) / sampleAspectRatio.den),
  )
  const isTurned = rotationDeg === 90 || rotationDeg === 270
  const averageFps = readRate(stream.avg_frame_rate)
  const baseFps = readRate(stream.r_frame_rate)
  const steps = readSteps(packets)
  const measuredFps = measureFps(steps)
  return {
    index: asNumber(stream.index) ?? 0,
    codec: asString(stream.codec_name) ?? 'unknown',
    profile: asString(stream.profile),
    level: asNumber(stream.level),
    pixelFormat: asString(stream.pix_fmt),
    codedWidth,
    codedHeight,
    displayWidth: isTurned ? codedHeight : wide,
    displayHeight: isTurned ? wide : codedHeight,
    sampleAspectRatio,
    rotationDeg,
    isTransformed: matrix !== undefined && !isIdentity(matrix),
    averageFps,
    baseFps,
    measuredFps,
    hasVariableFrameRate: isVariable(steps, averageFps, baseFps),
    isInterlaced: !['progressive', 'unknown', null].includes(asString(stream.field_order)),
    transfer: readTransfer(asString(stream.color_transfer)),
    bitrateBps: asNumber(stream.bit_rate),
    measuredBps: measureBps(packets),
    hasBFrames: (asNumber(stream.has_b_frames) ?? 0) > 0,
  }
}

function readAudio(stream: Json): AudioStreamInfo {
  return {
    index: asNumber(stream.index) ?? 0,
    codec: asString(stream.codec_name) ?? 'unknown',
    profile: asString(stream.profile),
    channels: asNumber(stream.channels) ?? 0,
    sampleRateHz: asNumber(stream.sample_rate) ?? 0,
    bitrateBps: asNumber(stream.bit_rate),
  }
}

/** Steps between pictures in order of showing, in seconds, without the ends where reordering cuts. */
function readSteps(packets: Packet[]): number[] {
  const times = packets.flatMap((p) => (p.timeS === null ? [] : [p.timeS])).sort((a, b) => a - b)
  const settled = times.slice(0, Math.max(0, times.length - 4))
  return settled.slice(1).map((time, i) => time - settled[i]!)
}

function measureFps(steps: number[]): number | null {
  const total = steps.reduce((sum, step) => sum + step, 0)
  return steps.length >= 8 && total > 0 ? steps.length / total : null
}

/** Over a second at least: a keyframe alone says nothing about the rate. */
function measureBps(packets: Packet[]): number | null {
  const times = packets.flatMap((p) => (p.timeS === null ? [] : [p.timeS]))
  if (times.length < 2 || packets.some((p) => p.sizeBytes === null)) return null
  const first = times.reduce((a, b) => Math.min(a, b))
  const spanS = times.reduce((a, b) => Math.max(a, b)) - first
  if (spanS < 1) return null
  return Math.round((packets.reduce((sum, p) => sum + p.sizeBytes!, 0) * 8) / spanS)
}

function isVariable(steps: number[], averageFps: number | null, baseFps: number | null): boolean {
  if (steps.length >= 8) {
    const sorted = steps.toSorted((a, b) => a - b)
    const median = sorted[sorted.length >> 1]!
    // A timescale of 600 (QuickTime) or 1000 (WebM) rounds each step by up to 1.7 ms.
    return steps.some((step) => Math.abs(step - median) > Math.max(0.0035, median * 0.1))
  }
  if (averageFps === null || baseFps === null) return false
  return Math.abs(averageFps - baseFps) / Math.max(averageFps, baseFps) > 0.05
}

function longestKeyframeGap(packets: Packet[]): number | null {
  const keys = packets.filter((p) => p.isKey && p.timeS !== null).map((p) => p.timeS!)
  const gaps = keys.slice(1).map((time, i) => time - keys[i]!)
  return gaps.length > 0 ? Math.max(...gaps) : null
}

function readAspect(text: string | null): { num: number; den: number } {
  const [num, den] = (text ?? '1:1').split(':').map(Number)
  const isSane = Number.isInteger(num) && Number.isInteger(den) && num! > 0 && den! > 0
  // Beyond 1:20 it is a broken header, not an anamorphic picture.
  return isSane && num! / den! < 20 && den! / num! < 20 ? { num: num!, den: den! } : { num: 1, den: 1 }
}

function readRotation(matrix: Json | undefined): VideoStreamInfo['rotationDeg'] {
  const angle = asNumber(matrix?.rotation) ?? 0
  const turned = ((Math.round(-angle) % 360) + 360) % 360
  return turned === 0 || turned === 90 || turned === 180 || turned === 270 ? turned : null
}

/** ffprobe prints the matrix as three rows of hexadecimal offsets and 16.16 numbers. */
function isIdentity(matrix: Json): boolean {
  const numbers = (asString(matrix.displaymatrix) ?? '')
    .split('\n')
    .flatMap((row) => row.replace(/^[0-9a-f]+:/i, '').match(/-?\d+/g) ?? [])
    .map(Number)
  if (numbers.length < 9) return readRotation(matrix) === 0
  const [a, b, , c, d] = numbers
  return a === 65536 && b === 0 && c === 0 && d === 65536
}

function readTransfer(name: string | null): TransferKind {
  if (name === 'smpte2084') return 'pq'
  return name === 'arib-std-b67' ? 'hlg' : 'sdr'
}

function readRate(value: unknown): number | null {
  const [num, den] = (asString(value) ?? '').split('/').map(Number)
  const rate = num! / (den ?? 1)
  return Number.isFinite(rate) && rate > 0 ? rate : null
}

function isAttachedPicture(stream: Json): boolean {
  return asNumber(asObject(stream.disposition).attached_pic) === 1
}

const toMs = (seconds: number | null) => (seconds !== null && seconds > 0 ? Math.round(seconds * 1000) : null)

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function asString(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function asNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}
