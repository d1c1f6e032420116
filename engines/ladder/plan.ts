/** Which renditions a source gets: sizes, frame rate, groups of pictures, filters, and how its sound is made. */
import { canCopyAudio } from './copy.ts'
import { shortEdge, type SourceInfo, type VideoStreamInfo } from './source-info.ts'

/** Every rendition is cut at the same frames, every two seconds. */
export const SEGMENT_S = 2

export interface Rung {
  /** `v540`: names the rendition. */
  readonly id: string
  /** The step of the ladder that it stands on; its own short edge may be a little less. */
  readonly nominalPx: number
  readonly width: number
  readonly height: number
  readonly maxrateBps: number
}

export interface Fps {
  readonly num: number
  readonly den: number
}

export type AudioPlan =
  | { readonly mode: 'none' }
  | { readonly mode: 'copy' | 'encode'; readonly streamIndex: number; readonly bitrateBps: number }

export interface LadderPlan {
  readonly videoIndex: number
  readonly fps: Fps
  /** Frames in a group of pictures: {@link SEGMENT_S} seconds of them. */
  readonly gopFrames: number
  readonly isInterlaced: boolean
  readonly isHdr: boolean
  /** The best first. */
  readonly rungs: readonly Rung[]
  /** Made first, and reused by the ladder. */
  readonly firstRung: Rung
  readonly audio: AudioPlan
}

/**
 * Peak rates at up to 30 frames a second: Apple's HLS Authoring Specification for H.264 (2000 at 540, 3000 to 4500 at
 * 720, 6000 to 7800 at 1080), with more at 360, where phones on poor lines end up and faces need it.
 */
const steps = [
  { nominalPx: 1080, maxrateBps: 6_000_000 },
  { nominalPx: 720, maxrateBps: 3_200_000 },
  { nominalPx: 540, maxrateBps: 2_000_000 },
  { nominalPx: 360, maxrateBps: 1_000_000 },
] as const

const FIRST_RUNG_PX = 540

/** A source this little under a step stands on it at its own size, rather than losing a third of its pixels. */
const STEP_TOLERANCE = 0.9

const standardRates: readonly Fps[] = [
  { num: 24_000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30_000, den: 1001 },
  { num: 30, den: 1 },
  { num: 48, den: 1 },
  { num: 50, den: 1 },
  { num: 60_000, den: 1001 },
  { num: 60, den: 1 },
]

/**
 * Plans the ladder: 1080, 720, 540 and 360 by short edge, never upscaled.
 *
 * @throws {RangeError} when the source has no picture: judge it first.
 */
export function planLadder(source: SourceInfo): LadderPlan {
  const { video } = source
  if (!video) throw new RangeError('A source without a picture has no ladder.')
  const fps = chooseFps(video)
  const rungs = chooseRungs(video, ratio(fps))
  const firstRung = rungs.find((rung) => rung.nominalPx <= FIRST_RUNG_PX) ?? rungs.at(-1)!
  return {
    videoIndex: video.index,
    fps,
    gopFrames: Math.max(1, Math.round(ratio(fps) * SEGMENT_S)),
    isInterlaced: video.isInterlaced,
    isHdr: video.transfer !== 'sdr',
    rungs,
    firstRung,
    audio: planAudio(source),
  }
}

/** Frames a second as a number. */
export const ratio = (fps: Fps): number => fps.num / fps.den

/** How long each full segment is, exactly: 2.002 s at 29.97 frames a second. */
export function segmentDurationS(plan: Pick<LadderPlan, 'fps' | 'gopFrames'>): number {
  return (plan.gopFrames * plan.fps.den) / plan.fps.num
}

function chooseRungs(video: VideoStreamInfo, fps: number): Rung[] {
  const short = shortEdge(video)
  // Twice the frames need about half as many bits again.
  const more = fps > 31 ? 1.5 : 1
  const fitting = steps.filter((step) => short >= step.nominalPx * STEP_TOLERANCE)
  const used =
    fitting.length > 0 ? fitting : [{ nominalPx: evenFloor(short), maxrateBps: steps.at(-1)!.maxrateBps }]
  return used.map((step) => ({
    id: `v${step.nominalPx}`,
    nominalPx: step.nominalPx,
    ...fitInto(video, Math.min(step.nominalPx, evenFloor(short))),
    maxrateBps: Math.round(step.maxrateBps * more),
  }))
}

function fitInto(video: VideoStreamInfo, edgePx: number): { width: number; height: number } {
  const { displayWidth, displayHeight } = video
  const scale = edgePx / Math.min(displayWidth, displayHeight)
  const side = (px: number) => Math.max(edgePx, Math.min(evenFloor(px), 2 * Math.round((px * scale) / 2)))
  return displayWidth < displayHeight
    ? { width: edgePx, height: side(displayHeight) }
    : { width: side(displayWidth), height: edgePx }
}

/** Constant: a rate that players know, near the source's own, at most 60. */
function chooseFps(video: VideoStreamInfo): Fps {
  const own = settleRate(video)
  if (own > 61) return { num: 60, den: 1 }
  const near = standardRates.toSorted((a, b) => Math.abs(ratio(a) - own) - Math.abs(ratio(b) - own))[0]!
  // 1 %: a phone's 29.6 in poor light is 30; 27 is nobody's rate and is kept.
  if (Math.abs(ratio(near) - own) / own <= 0.02) return near
  return { num: Math.max(1, Math.round(own)), den: 1 }
}

function settleRate(video: VideoStreamInfo): number {
  const { averageFps, baseFps, measuredFps } = video
  // WebM's base rate is its clock (1000), and QuickTime's may be 600: neither is a rate of pictures.
  const base = baseFps !== null && baseFps <= 120 ? baseFps : null
  const average = averageFps !== null && averageFps <= 250 ? averageFps : null
  if (video.hasVariableFrameRate) {
    const seen = Math.max(measuredFps ?? 0, average ?? 0)
    // A screen recording shows few frames while nothing moves: its base rate is what motion needs.
    return base !== null && base <= 60 ? Math.max(base, seen) : Math.max(seen, 30)
  }
  return average ?? measuredFps ?? base ?? 30
}

function planAudio(source: SourceInfo): AudioPlan {
  const { audio } = source
  if (!audio || audio.channels === 0 || audio.sampleRateHz === 0) return { mode: 'none' }
  const isKept = canCopyAudio(audio, source.demuxer) && (audio.bitrateBps ?? 0) <= 256_000
  return {
    mode: isKept ? 'copy' : 'encode',
    streamIndex: audio.index,
    bitrateBps: audio.channels === 1 ? 96_000 : 128_000,
  }
}

const evenFloor = (px: number): number => Math.max(2, px - (px % 2))
