/**
 * Segments on their way to the disk: several are written at once, for each waits on the disk more than it writes; they
 * get into the journal in their order, and only after they are safe.
 */
import type { Segment } from '../../../engines/ladder/index.ts'
import { segmentName } from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { segmentKeyOf } from '../videos/index.ts'
import * as queries from './transcoding.queries.ts'
import type { RenditionKey } from './transcoding.queries.ts'

/** Of one rendition: at 20 Mb/s they are 20 MB of memory. */
const AT_ONCE = 4

export interface NewSegment {
  readonly position: number
  readonly durationMs: number
  readonly parts: Segment['parts']
}

export interface SegmentStore {
  /** Settles when there is room for the next. @throws what went wrong with this one or one before it. */
  add(key: RenditionKey, segment: NewSegment): Promise<void>
  /** Settles when all are in the journal. @throws as above. */
  flush(): Promise<void>
  /** Settles when nothing is being written any more, well or not. */
  settle(): Promise<void>
}

interface Entry {
  readonly key: RenditionKey
  readonly segment: NewSegment
  readonly stored: Promise<{ sizeBytes: number; sha256: string }>
  row: queries.SegmentRow | null
}

/** @param onStored told of each segment once it is in the journal. */
export function createSegmentStore(
  ctx: Ctx,
  onStored: (key: RenditionKey, position: number) => void = () => {},
): SegmentStore {
  const entries: Entry[] = []
  let writing: Promise<void> = Promise.resolve()
  let isWriting = false
  let step = Promise.withResolvers<void>()
  let failure: { readonly error: unknown } | null = null

  async function write(): Promise<void> {
    while (entries.length > 0) {
      await entries[0]!.stored
      const end = entries.findIndex((entry) => entry.row === null)
      const ready = entries.slice(0, end === -1 ? entries.length : end)
      await queries.insertSegments(
        ctx.db,
        ready[0]!.key,
        ready.map((entry) => entry.row!),
      )
      entries.splice(0, ready.length)
      for (const { key, segment } of ready) onStored(key, segment.position)
      step.resolve()
      step = Promise.withResolvers()
    }
    // At once: what is added after the last look begins anew.
    isWriting = false
  }

  function begin(): void {
    if (isWriting || failure) return
    isWriting = true
    writing = write().catch(async (error: unknown) => {
      failure ??= { error }
      step.resolve()
      await Promise.allSettled(entries.map((entry) => entry.stored))
    })
  }

  function check(): void {
    if (failure) throw failure.error
  }

  return {
    async add(key, segment) {
      check()
      entries.push(startStoring(ctx, key, segment))
      begin()
      while (entries.length >= AT_ONCE && !failure) await step.promise
      check()
    },
    async flush() {
      await writing
      check()
    },
    settle: () => writing,
  }
}

function startStoring(ctx: Ctx, key: RenditionKey, segment: NewSegment): Entry {
  const { position, durationMs, parts } = segment
  const blobKey = segmentKeyOf(key.videoId, key.generation, key.rendition, segmentName(position))
  const entry: Entry = {
    key,
    segment,
    row: null,
    stored: ctx.blobs.put(blobKey, each(parts)).then((stored) => {
      entry.row = { position, durationMs, ...stored }
      return stored
    }),
  }
  entry.stored.catch(() => {})
  return entry
}

async function* each(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}
