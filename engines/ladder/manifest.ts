/** What a generation of a video consists of: written last, so that its being there means that all of it is. */

export interface SegmentEntry {
  /** File name within the rendition, such as `00003.m4s`. */
  readonly name: string
  readonly durationMs: number
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

export interface InitEntry {
  readonly name: string
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

interface RenditionBase {
  /** Names its folder: `v540`, `a128`. */
  readonly id: string
  /** RFC 6381, read from the init segment. */
  readonly codecs: string
  readonly init: InitEntry
  readonly segments: readonly SegmentEntry[]
  /** In which generation's folder its files lie: later generations reuse earlier ones' renditions. */
  readonly generation: number
}

export interface VideoRendition extends RenditionBase {
  readonly width: number
  readonly height: number
  readonly fps: number | null
}

export interface AudioRendition extends RenditionBase {
  readonly channels: number
  readonly sampleRateHz: number
}

export interface MediaManifest {
  readonly version: 1
  readonly generation: number
  /** `copied`: the source's own pictures; `first-rung`: one rendition, soon replaced; `ladder`: all of them. */
  readonly kind: 'copied' | 'first-rung' | 'ladder'
  readonly durationMs: number
  /** Display size of the best rendition. */
  readonly width: number
  readonly height: number
  /** The best first. */
  readonly videos: readonly VideoRendition[]
  readonly audio: AudioRendition | null
}

/** Bits a second: of the largest segment, and over all (RFC 8216, 4.3.4.2). */
export function measureBandwidth(segments: readonly SegmentEntry[]): { peakBps: number; averageBps: number } {
  let bytes = 0
  let ms = 0
  let peakBps = 0
  for (const segment of segments) {
    bytes += segment.sizeBytes
    ms += segment.durationMs
    // A last segment of a few frames says nothing about the line that is needed.
    if (segment.durationMs >= 500 || segments.length === 1)
      peakBps = Math.max(peakBps, (segment.sizeBytes * 8000) / Math.max(1, segment.durationMs))
  }
  const averageBps = Math.ceil((bytes * 8000) / Math.max(1, ms))
  return { peakBps: Math.max(Math.ceil(peakBps), averageBps), averageBps }
}

/** How long a rendition plays, in milliseconds. */
export function measureDuration(segments: readonly SegmentEntry[]): number {
  return Math.round(segments.reduce((sum, segment) => sum + segment.durationMs, 0))
}
