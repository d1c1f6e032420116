/** From ffmpeg's pipes into the blobs and the journal, segment by segment, and from the journal into manifests. */
import { createHash } from 'node:crypto'
import {
  createFragmentCutter,
  createSegmenter,
  INIT_NAME,
  measureDuration,
  segmentDurationS,
  segmentName,
  type AudioRendition,
  type LadderPlan,
  type MediaManifest,
  type OutputRole,
  type Segment,
  type Segmenter,
  type TrackInit,
  type VideoRendition,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { segmentKeyOf } from '../videos/index.ts'
import { createSegmentStore } from './segment-store.ts'
import * as queries from './transcoding.queries.ts'
import type { JournalledRendition, RenditionKey } from './transcoding.queries.ts'

/** The encoder goes on with another header than it began with: what is there can't be continued. */
export class HeaderChangedError extends Error {}

export const AUDIO_ID = 'a'

export interface Sink {
  readonly key: RenditionKey
  consume(chunk: Uint8Array): Promise<void>
  /** To be called when the run ended well: stores what is left and marks the rendition whole. */
  finish(): Promise<void>
  /** To be called however the run ended: settles when nothing is being written any more. */
  settle(): Promise<void>
  /** Whether each segment so far could be decoded by itself. */
  readonly isIndependent: boolean
  readonly longestMs: number
  /** Over all segments so far. */
  readonly storedMs: number
  readonly storedBytes: number
}

export interface SinkOptions {
  readonly videoId: string
  readonly generation: number
  readonly output: OutputRole
  readonly plan: LadderPlan
  /** The position of the first segment that comes. @default 0 */
  readonly from?: number
  /** Told of each segment once it is stored. */
  readonly onSegment?: (key: RenditionKey, position: number) => void
}

/** Stores what comes out of one output. A segment is in the journal only after it is in the blobs. */
export function createSink(ctx: Ctx, options: SinkOptions): Sink {
  const { videoId, generation, plan, from = 0 } = options
  const cutter = createFragmentCutter({ startsAtS: from * segmentDurationS(plan) })
  let key: RenditionKey = { videoId, generation, rendition: idOf(options.output) }
  let track: TrackInit | null = null
  let segmenter: Segmenter | null = null
  let position = from
  let longestMs = 0
  let storedMs = 0
  let storedBytes = 0

  const store = createSegmentStore(ctx, options.onSegment)

  async function keep({ parts, durationTicks }: Segment): Promise<void> {
    const durationMs = (durationTicks * 1000) / track!.timescale
    longestMs = Math.max(longestMs, durationMs)
    storedMs += durationMs
    storedBytes += parts.reduce((sum, part) => sum + part.length, 0)
    await store.add(key, { position: position++, durationMs, parts })
  }

  async function begin(bytes: Uint8Array, made: TrackInit): Promise<void> {
    track = made
    segmenter = createSegmenter(made.timescale)
    if (options.output.kind === 'copied-video' && made.kind === 'video')
      key = { ...key, rendition: `v${Math.min(made.width, made.height)}` }
    if (from > 0) {
      const known = (await queries.listRenditions(ctx.db, videoId)).find((of) => isSame(of, key))
      if (known?.initSha256 !== createHash('sha256').update(bytes).digest('hex'))
        throw new HeaderChangedError()
      return
    }
    await queries.forgetFrom(ctx.db, key, 0)
    const stored = await ctx.blobs.put(segmentKeyOf(videoId, generation, key.rendition, INIT_NAME), bytes)
    const row = { track: made, initSizeBytes: stored.sizeBytes, initSha256: stored.sha256 }
    await queries.insertRendition(ctx.db, key, row)
  }

  return {
    get key() {
      return key
    },
    get isIndependent() {
      return segmenter?.isIndependent ?? true
    },
    get longestMs() {
      return longestMs
    },
    get storedMs() {
      return storedMs
    },
    get storedBytes() {
      return storedBytes
    },
    async consume(chunk) {
      for (const piece of cutter.push(chunk)) {
        if (piece.kind === 'init') await begin(piece.bytes, piece.track)
        else {
          const segment = segmenter!.push(piece.fragment)
          if (segment) await keep(segment)
        }
      }
    },
    async finish() {
      const last = segmenter?.end()
      if (last) await keep(last)
      await store.flush()
      if (track) await queries.markWhole(ctx.db, key)
    },
    settle: store.settle,
  }
}

export function idOf(output: OutputRole): string {
  if (output.kind === 'audio') return AUDIO_ID
  return output.kind === 'video' ? output.rung.id : 'copy'
}

/** How many segments of these rungs are there from the start on, without a hole and of full length. */
export function countFinished(
  journal: readonly JournalledRendition[],
  keys: readonly Pick<RenditionKey, 'generation' | 'rendition'>[],
  plan: LadderPlan,
): number {
  const fullMs = segmentDurationS(plan) * 1000
  const counts = keys.map((key) => {
    const segments = journal.find((of) => isSame(of, key))?.segments ?? []
    const end = segments.findIndex((s, i) => s.position !== i || Math.abs(s.durationMs - fullMs) > 1)
    return end === -1 ? segments.length : end
  })
  return counts.length > 0 ? Math.min(...counts) : 0
}

const isSame = (of: JournalledRendition, key: Pick<RenditionKey, 'generation' | 'rendition'>) =>
  of.generation === key.generation && of.rendition === key.rendition

/** Puts whole renditions together. `isTaken` chooses among those in the journal. */
export function composeManifest(
  journal: readonly JournalledRendition[],
  plan: LadderPlan,
  head: Pick<MediaManifest, 'generation' | 'kind'>,
  isTaken: (rendition: JournalledRendition) => boolean,
): MediaManifest {
  const whole = journal.filter(
    (rendition) => rendition.isWhole && rendition.segments.length > 0 && isTaken(rendition),
  )
  const videos = whole
    .flatMap((of): VideoRendition[] =>
      of.track.kind === 'video'
        ? [
            {
              ...toRendition(of),
              width: of.track.width,
              height: of.track.height,
              fps: plan.fps.num / plan.fps.den,
            },
          ]
        : [],
    )
    .toSorted((a, b) => b.width * b.height - a.width * a.height)
  const [audio] = whole.flatMap((of): AudioRendition[] =>
    of.track.kind === 'audio'
      ? [{ ...toRendition(of), channels: of.track.channels, sampleRateHz: of.track.sampleRateHz }]
      : [],
  )
  const [best] = videos
  if (!best) throw new RangeError('There is no whole picture to make a manifest of.')
  const durationMs = measureDuration(best.segments)
  return {
    version: 1,
    ...head,
    durationMs,
    width: best.width,
    height: best.height,
    videos,
    audio: audio ?? null,
  }
}

function toRendition(of: JournalledRendition) {
  return {
    id: of.rendition,
    codecs: of.track.codecs,
    generation: of.generation,
    init: { name: INIT_NAME, sizeBytes: of.initSizeBytes, sha256: of.initSha256 },
    segments: of.segments.map(({ position, durationMs, sizeBytes, sha256 }) => ({
      name: segmentName(position),
      durationMs,
      sizeBytes,
      sha256,
    })),
  }
}
