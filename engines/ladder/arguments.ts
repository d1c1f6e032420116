/** Arguments of ffmpeg and ffprobe. Nothing of the source gets into them but numbers and a name from a fixed list. */
import type { Demuxer } from './container.ts'
import type { SourceLimits } from './limits.ts'
import { ratio, SEGMENT_S, type LadderPlan, type Rung } from './plan.ts'

/** Where ffmpeg reads the source: its standard input, or a file of ours by absolute path. */
export type SourceInput =
  | { readonly from: 'pipe'; readonly demuxer: Demuxer }
  | { readonly from: 'file'; readonly demuxer: Demuxer; readonly path: string }

/** One output of a run; the n-th goes to file descriptor 3 + n. */
export type OutputRole =
  | { readonly kind: 'video'; readonly rung: Rung }
  | { readonly kind: 'copied-video' }
  | { readonly kind: 'audio' }

export interface FfmpegJob {
  readonly args: readonly string[]
  readonly outputs: readonly OutputRole[]
}

export interface EncodeOptions {
  readonly input: SourceInput
  readonly plan: LadderPlan
  readonly limits: SourceLimits
  readonly rungs: readonly Rung[]
  readonly withAudio: boolean
  /** Whole segments that are there already and are left out. Needs a file. @default 0 */
  readonly skipSegments?: number
  /** Encoder threads; 0: as x264 likes. @default 0 */
  readonly threads?: number
}

/** Decoders that may be opened, as ffmpeg calls them. */
const decoders = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'libdav1d', 'av1', 'mpeg4', 'mpeg2video', 'mpeg1video', 'h263', 'mjpeg'],
  ...['prores', 'dnxhd', 'theora', 'msmpeg4', 'flv', 'vc1', 'wmv3'],
  ...[
    'aac',
    'mp3float',
    'mp3',
    'mp2float',
    'mp2',
    'opus',
    'vorbis',
    'flac',
    'alac',
    'ac3',
    'eac3',
    'amrnb',
    'amrwb',
  ],
  ...[
    'pcm_s16le',
    'pcm_s16be',
    'pcm_s24le',
    'pcm_s24be',
    'pcm_f32le',
    'pcm_u8',
    'pcm_mulaw',
    'pcm_alaw',
    'wmav2',
  ],
].join(',')

/**
 * Fragments begin at keyframes. The header is written with the first fragment, so that its edit list tells the true
 * start of the track; {@link createFragmentCutter} turns that into decode times.
 */
const fragmented = [
  '-movflags',
  'frag_keyframe+delay_moov+default_base_moof+skip_trailer',
  '-movie_timescale',
  '90000',
]

const audioFragmentUs = String(SEGMENT_S * 1_000_000)

/** Reads the first packets of a source: streams, sizes, times. */
export function probeArguments(input: SourceInput, packets = 400): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error'],
    ...guards(input),
    ...['-show_format', '-show_streams', '-show_packets', '-read_intervals', `%+#${packets}`],
    '-show_entries',
    'packet=stream_index,pts_time,dts_time,size,flags:format:stream:stream_disposition=attached_pic',
    ...['-of', 'json'],
    ...where(input),
  ]
}

/** Cuts the source's own picture (and sound, unless that needs encoding) into fragments. */
export function copyArguments(input: SourceInput, plan: LadderPlan, limits: SourceLimits): FfmpegJob {
  const outputs: OutputRole[] = [{ kind: 'copied-video' }]
  const args = [
    ...preamble(input),
    ...['-map', `0:${plan.videoIndex}`, '-c:v', 'copy', ...endAt(limits), ...plain, ...fragmented],
    ...['-f', 'mp4', 'pipe:3'],
  ]
  if (plan.audio.mode !== 'none') {
    args.push(...audioOutput(plan, limits, 4))
    outputs.push({ kind: 'audio' })
  }
  return { args, outputs }
}

/** Encodes rungs from one decode, and the sound along with them when asked. */
export function encodeArguments(options: EncodeOptions): FfmpegJob {
  const { input, plan, limits, rungs, withAudio, skipSegments = 0, threads = 0 } = options
  if (rungs.length === 0) throw new RangeError('There is no rung to encode.')
  if (skipSegments > 0 && input.from !== 'file')
    throw new RangeError('Only a file can be entered in its middle.')
  const skipS = (skipSegments * plan.gopFrames * plan.fps.den) / plan.fps.num
  const args = [
    ...preamble(input, skipS),
    ...['-filter_complex', filterGraph(plan, rungs)],
    ...rungs.flatMap((rung, i) => videoOutput(plan, rung, limits, i, threads)),
  ]
  const outputs: OutputRole[] = rungs.map((rung) => ({ kind: 'video', rung }))
  if (withAudio && plan.audio.mode !== 'none') {
    if (skipSegments > 0) throw new RangeError('Sound is made in one piece.')
    args.push(...audioOutput(plan, limits, 3 + rungs.length))
    outputs.push({ kind: 'audio' })
  }
  return { args, outputs }
}

/** Makes the sound alone, when a run that made it along with the picture was cut off. */
export function audioArguments(input: SourceInput, plan: LadderPlan, limits: SourceLimits): FfmpegJob {
  if (plan.audio.mode === 'none') throw new RangeError('There is no sound to make.')
  return { args: [...preamble(input), '-vn', ...audioOutput(plan, limits, 3)], outputs: [{ kind: 'audio' }] }
}

/**
 * The filters before and after the split. HDR (BT.2020 with PQ or HLG) is scaled first, then brought to BT.709 with
 * Hable's curve, in linear light against a nominal peak of 100 cd/m².
 */
export function filterGraph(plan: LadderPlan, rungs: readonly Rung[]): string {
  const top = rungs[0]!
  const chain = [
    ...(plan.isInterlaced ? ['bwdif=mode=send_frame'] : []),
    // start_time: a picture that begins after the sound is held from 0 on, so that every rung starts at 0.
    `fps=fps=${plan.fps.num}/${plan.fps.den}:start_time=0`,
    ...(plan.isHdr
      ? [
          `scale=${top.width}:${top.height}:flags=bicubic`,
          'zscale=transfer=linear:npl=100',
          'format=gbrpf32le',
          'zscale=primaries=bt709',
          'tonemap=tonemap=hable:desat=0',
          'zscale=transfer=bt709:matrix=bt709:range=limited',
        ]
      : []),
  ].join(',')
  const split = rungs.length > 1 ? `,split=${rungs.length}${rungs.map((_, i) => `[s${i}]`).join('')}` : '[s0]'
  const scales = rungs.map(
    (rung, i) =>
      `[s${i}]scale=${rung.width}:${rung.height}:flags=bicubic:out_range=tv,setsar=1,format=yuv420p[v${i}]`,
  )
  return [`[0:${plan.videoIndex}]${chain}${split}`, ...scales].join(';')
}

/** Removes what tells of the author: place, device, chapters. */
const plain = ['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact']

function preamble(input: SourceInput, skipS = 0): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'level+info', '-progress', 'pipe:2'],
    ...['-benchmark', '-stats_period', '0.5'],
    ...guards(input),
    ...(skipS > 0 ? ['-ss', skipS.toFixed(6)] : []),
    ...where(input),
  ]
}

/** No protocol but the one that is needed, no demuxer but the one that fits, no decoder off the list, no huge picture. */
function guards(input: SourceInput): string[] {
  return [
    ...['-protocol_whitelist', input.from, '-format_whitelist', formatNames[input.demuxer]],
    ...['-codec_whitelist', decoders, '-max_pixels', String(4096 * 2304), '-max_streams', '64'],
    ...(input.demuxer === 'mov' ? ['-enable_drefs', '0', '-use_absolute_path', '0'] : []),
    ...['-f', input.demuxer],
  ]
}

const formatNames: Record<Demuxer, string> = {
  mov: 'mov,mp4,m4a,3gp,3g2,mj2',
  matroska: 'matroska,webm',
  mpegts: 'mpegts',
  avi: 'avi',
  flv: 'flv',
}

function where(input: SourceInput): string[] {
  return ['-i', input.from === 'pipe' ? 'pipe:0' : `file:${input.path}`]
}

function endAt(limits: SourceLimits): string[] {
  // One second more than is allowed: what reaches it is refused by its length.
  return ['-t', String(limits.maxDurationS + 1)]
}

function videoOutput(
  plan: LadderPlan,
  rung: Rung,
  limits: SourceLimits,
  index: number,
  threads: number,
): string[] {
  return [
    ...['-map', `[v${index}]`, '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23'],
    ...['-maxrate', String(rung.maxrateBps), '-bufsize', String(rung.maxrateBps)],
    ...['-g', String(plan.gopFrames), '-keyint_min', String(plan.gopFrames), '-sc_threshold', '0'],
    ...['-flags', '+cgop', '-threads', String(threads), ...endAt(limits), ...plain, ...fragmented],
    ...['-f', 'mp4', `pipe:${3 + index}`],
  ]
}

function audioOutput(plan: LadderPlan, limits: SourceLimits, descriptor: number): string[] {
  if (plan.audio.mode === 'none') return []
  const how =
    plan.audio.mode === 'copy'
      ? // -ss 0 leaves out what an edit list hides before the start: the encoder's priming.
        ['-c:a', 'copy', '-ss', '0']
      : [
          ...['-c:a', 'aac', '-profile:a', 'aac_low', '-b:a', String(plan.audio.bitrateBps), '-ac', '2'],
          // Holes become silence; the first 1024 samples make room for the encoder's priming, so that its packets
          // begin at 0 and stay with the picture.
          ...['-af', 'aresample=48000:async=1:first_pts=0,atrim=start_sample=1024'],
        ]
  return [
    ...['-map', `0:${plan.audio.streamIndex}`, ...how, ...endAt(limits), ...plain, ...fragmented],
    ...['-frag_duration', audioFragmentUs, '-f', 'mp4', `pipe:${descriptor}`],
  ]
}

export interface StillOptions {
  /** Display size of what is fed in. */
  readonly width: number
  readonly height: number
  /** Into what is fed in. */
  readonly atMs: number
}

/** A poster as JPEG on descriptor 3 and a few pixels as RGBA on 4, from `init` + segments of ours on standard input. */
export function stillArguments(options: StillOptions): {
  args: string[]
  tiny: { width: number; height: number }
} {
  const { width, height, atMs } = options
  const poster = boundBy(width, height, 720)
  const tiny = tinySize(width, height)
  const graph =
    `[0:v:0]select=gte(t\\,${(atMs / 1000).toFixed(3)}),split=2[a][b];` +
    `[a]scale=${poster.width}:${poster.height},format=yuvj420p[p];[b]scale=${tiny.width}:${tiny.height},format=rgba[t]`
  const args = [
    ...preamble({ from: 'pipe', demuxer: 'mov' }),
    ...['-filter_complex', graph],
    ...['-map', '[p]', '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '4', ...plain, '-f', 'mjpeg', 'pipe:3'],
    ...['-map', '[t]', '-frames:v', '1', '-c:v', 'rawvideo', '-f', 'rawvideo', 'pipe:4'],
  ]
  return { args, tiny }
}

/** A silent, looping WebP of three seconds for grids, on descriptor 3; it needs no player and no permission to play. */
export function previewArguments(options: Omit<StillOptions, 'atMs'> & { readonly fps: number }): string[] {
  const { width, height } = boundBy(options.width, options.height, 240)
  const rate = Math.min(8, Math.max(1, Math.floor(options.fps)))
  return [
    ...preamble({ from: 'pipe', demuxer: 'mov' }),
    ...['-map', '0:v:0', '-vf', `fps=${rate},scale=${width}:${height}`, '-t', '3'],
    ...['-c:v', 'libwebp_anim', '-loop', '0', '-quality', '45', '-compression_level', '2', ...plain],
    ...['-f', 'webp', 'pipe:3'],
  ]
}

function boundBy(width: number, height: number, shortPx: number): { width: number; height: number } {
  const scale = Math.min(1, shortPx / Math.min(width, height))
  const even = (px: number) => Math.max(2, 2 * Math.round((px * scale) / 2))
  return { width: even(width), height: even(height) }
}

/** ThumbHash takes at most 100 × 100 pixels. */
function tinySize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, 96 / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Frames a second for a preview of a rung. */
export const previewFps = (plan: LadderPlan): number => ratio(plan.fps)
