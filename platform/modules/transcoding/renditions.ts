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
  const { videoId, generation, plan, output, from = 0 } = options
  const cutter = createFragmentCutter({ startsAtS: from * segmentDurationS(plan) })
  const store = createSegmentStore(ctx, options.onSegment)
  const tally = { longestMs: 0, storedMs: 0, storedBytes: 0 }
  let key: RenditionKey = { videoId, generation, rendition: idOf(output) }
  let begun: { readonly track: TrackInit; readonly segmenter: Segmenter } | null = null
  let position = from

  async function keep({ parts, durationTicks }: Segment): Promise<void> {
    const durationMs = (durationTicks * 1000) / begun!.track.timescale
    tally.longestMs = Math.max(tally.longestMs, durationMs)
    tally.storedMs += durationMs
    tally.storedBytes += parts.reduce((sum, part) => sum + part.length, 0)
    await store.add(key, { position: position++, durationMs, parts })
  }

  return {
    get key() {
      return key
    },
    get isIndependent() {
      return begun?.segmenter.isIndependent ?? true
    },
    get longestMs() {
      return tally.longestMs
    },
    get storedMs() {
      return tally.storedMs
    },
    get storedBytes() {
      return tally.storedBytes
    },
    async consume(chunk) {
      for (const piece of cutter.push(chunk)) {
        if (piece.kind === 'init') {
          begun = { track: piece.track, segmenter: createSegmenter(piece.track.timescale) }
          if (output.kind === 'copied-video') key = { ...key, rendition: nameCopy(piece.track, key) }
          if (from > 0) await requireSameHeader(ctx, key, piece.bytes)
          else await storeHeader(ctx, key, piece)
        } else {
          const segment = begun!.segmenter.push(piece.fragment)
          if (segment) await keep(segment)
        }
      }
    },
    async finish() {
      const last = begun?.segmenter.end()
      if (last) await keep(last)
      await store.flush()
      if (begun) await queries.markWhole(ctx.db, key)
    },
    settle: store.settle,
  }
}

/** A copy is called by its short edge, like a rung. */
const nameCopy = (track: TrackInit, { rendition }: RenditionKey) =>
  track.kind === 'video' ? `v${Math.min(track.width, track.height)}` : rendition

/** A rendition begins: what is left of an earlier try is forgotten. */
async function storeHeader(
  ctx: Ctx,
  key: RenditionKey,
  { bytes, track }: { readonly bytes: Uint8Array; readonly track: TrackInit },
): Promise<void> {
  await queries.forgetFrom(ctx.db, key, 0)
  const stored = await ctx.blobs.put(
    segmentKeyOf(key.videoId, key.generation, key.rendition, INIT_NAME),
    bytes,
  )
  await queries.insertRendition(ctx.db, key, {
    track,
    initSizeBytes: stored.sizeBytes,
    initSha256: stored.sha256,
  })
}

/** @throws {HeaderChangedError} */
async function requireSameHeader(ctx: Ctx, key: RenditionKey, bytes: Uint8Array): Promise<void> {
  const known = (await queries.listRenditions(ctx.db, key.videoId)).find((of) => isSame(of, key))
  if (known?.initSha256 !== createHash('sha256').update(bytes).digest('hex')) throw new HeaderChangedError()
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
