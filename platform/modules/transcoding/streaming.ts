/** While it uploads: the encoder is fed the bytes as they arrive, so that little is left to do after the last one. */
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import {
  copyArguments,
  encodeArguments,
  type EarlyStream,
  type SourceInput,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { FfmpegError } from '../../infra/ffmpeg/index.ts'
import { findVideo } from '../videos/index.ts'
import type { ArrivingUpload, StreamingEncode, StreamingOutcome } from './arriving-upload.ts'
import { claimWork } from './claims.ts'
import { encodeIntoBlobs, refuseVideo } from './encoding.ts'
import { FIRST_GENERATION, giveUpCopy, isGoodCopy, publishFirst, type Work } from './first-playable.ts'
import { inspectArriving, limitsOf, type EarlyInspection } from './inspection.ts'
import { makePoster } from './pictures.ts'
import type { RenditionKey } from './transcoding.queries.ts'
import * as queries from './transcoding.queries.ts'

const DEFAULT_STALL_MS = 30_000
const READ_BYTES = 256 * 1024
const DAY_MS = 24 * 3_600_000
/** Encodes at once of one account, so that nobody takes all slots by uploading ten files. */
const SLOTS_PER_ACCOUNT = 2

class StalledError extends Error {}

export interface StreamingOptions {
  /** Without a byte for so long, the encoder stops and its finished segments stay. @default 30000 */
  readonly stallMs?: number
}

/** Encodes under way in this process, by account. Each context has its own. */
const slots = new WeakMap<Ctx, Map<string, number>>()

/**
 * Begins to encode an upload while it arrives. The upload itself never depends on it: whatever happens, the
 * first-playable job goes on from there.
 */
export function startStreamingEncode(
  ctx: Ctx,
  upload: ArrivingUpload,
  options: StreamingOptions = {},
): StreamingEncode {
  const { stallMs = DEFAULT_STALL_MS } = options
  // Both may be looked at late: a rejection is no crash.
  upload.whenSafe.catch(() => {})
  const done = stream(ctx, upload, stallMs).catch(async (error: unknown): Promise<StreamingOutcome> => {
    const isQuiet =
      upload.signal.aborted || (error instanceof FfmpegError && error.cause instanceof StalledError)
    ctx.log[isQuiet ? 'info' : 'warn']({ err: error, videoId: upload.videoId }, 'transcoding.stream-left')
    if (!upload.signal.aborted && error instanceof FfmpegError && error.failure === 'crashed')
      await queries.countCrash(ctx.db, upload.videoId).catch(() => {})
    return 'left'
  })
  return { done }
}

async function stream(ctx: Ctx, upload: ArrivingUpload, stallMs: number): Promise<StreamingOutcome> {
  const { videoId, accountId } = upload
  await queries.ensureTranscode(ctx.db, { videoId, accountId, at: ctx.clock.now() })
  await using claim = await claimWork(ctx, videoId, upload.signal)
  if (!claim) return 'left'
  // What the encoder crashed on while it arrived is tried once more when it is whole, and not before.
  if (((await queries.findTranscode(ctx.db, videoId))?.crashes ?? 0) > 0) return 'left'
  const signal = AbortSignal.any([upload.signal, claim.signal])
  const video = await findVideo(ctx.db, videoId)
  if (!video || video.deleted_at || video.failed_at || video.generation !== null) return 'left'
  const found = await lookUntilKnown(ctx, upload, signal, stallMs)
  if (found.kind === 'refused') {
    await refuseVideo(ctx, videoId, found.refusal)
    return 'refused'
  }
  if (found.kind !== 'taken') return 'left'
  await queries.savePlan(ctx.db, videoId, { ...found, at: ctx.clock.now() })
  using slot = found.mode === 'encode' ? takeSlot(ctx, accountId) : { [Symbol.dispose]() {} }
  if (!slot) return 'left'
  const work = { ...found, generation: FIRST_GENERATION }
  const { isMade, poster } = await feedEncoder(ctx, upload, work, { early: found.stream, signal, stallMs })
  // Whatever comes of it, nothing is written after the end.
  await using _poster = { [Symbol.asyncDispose]: async () => poster }
  if (!isMade) return 'left'
  await upload.whenSafe
  return (await publishFirst(ctx, { videoId, accountId }, work, { claim, poster })) ? 'playable' : 'refused'
}

async function lookUntilKnown(
  ctx: Ctx,
  upload: ArrivingUpload,
  signal: AbortSignal,
  stallMs: number,
): Promise<EarlyInspection> {
  let lookAtBytes = 0
  let lookedForIndex: Uint8Array | null = null
  for (;;) {
    const receivedBytes = upload.receivedBytes()
    const index = upload.index()
    const isWhole = receivedBytes >= upload.sizeBytes
    // Each look reads from the start, so the looks get rarer: all together read a few times the file's head.
    if (isWhole || receivedBytes >= lookAtBytes || index !== lookedForIndex) {
      lookAtBytes = receivedBytes + Math.max(READ_BYTES, receivedBytes / 4)
      lookedForIndex = index
      const { path, sizeBytes } = upload
      const found = await inspectArriving(ctx, { path, receivedBytes, sizeBytes, index, signal })
      if (found.kind !== 'need-more') return found
      if (isWhole) return { kind: 'need-whole' }
    }
    await waitForBytes(upload, receivedBytes, signal, stallMs)
  }
}

/** `isMade` is false when copying turned out not to be possible. The poster may still be in the making. */
async function feedEncoder(
  ctx: Ctx,
  upload: ArrivingUpload,
  work: Work,
  { early, signal, stallMs }: { early: EarlyStream; signal: AbortSignal; stallMs: number },
): Promise<{ isMade: boolean; poster: Promise<void> | undefined }> {
  const { videoId } = upload
  const { plan, mode, demuxer } = work
  const input: SourceInput = { from: 'pipe', demuxer }
  const limits = limitsOf(ctx)
  const poster: { making?: Promise<void> } = {}
  // The encoder may have seen enough before the last byte: then nothing waits for more.
  const ended = new AbortController()
  const sinks = await encodeIntoBlobs(ctx, {
    videoId,
    generation: FIRST_GENERATION,
    plan,
    job:
      mode === 'copy'
        ? copyArguments(input, plan, limits)
        : encodeArguments({ input, plan, limits, rungs: [plan.firstRung], withAudio: true }),
    durationMs: null,
    timeoutMs: DAY_MS,
    stdin: followUpload(upload, early, AbortSignal.any([signal, ended.signal]), stallMs),
    signal,
    onSegment(key, position) {
      if (position === 0 && key.rendition.startsWith('v')) poster.making ??= makeEarlyPoster(ctx, key)
    },
  }).finally(() => ended.abort())
  const isMade = mode === 'encode' || isGoodCopy(sinks)
  if (!isMade) await giveUpCopy(ctx, videoId, work, sinks)
  return { isMade, poster: poster.making }
}

/** What stands before the data, then the file's own bytes as they arrive. */
async function* followUpload(
  upload: ArrivingUpload,
  early: EarlyStream,
  signal: AbortSignal,
  stallMs: number,
): AsyncGenerator<Uint8Array> {
  if (early.head.length > 0) yield early.head
  await using file = await open(upload.path)
  let position = early.continueAt
  const chunk = new Uint8Array(READ_BYTES)
  while (position < upload.sizeBytes) {
    const receivedBytes = upload.receivedBytes()
    if (position >= receivedBytes) {
      await waitForBytes(upload, receivedBytes, signal, stallMs)
      continue
    }
    const { bytesRead } = await file.read(chunk, 0, Math.min(READ_BYTES, receivedBytes - position), position)
    if (bytesRead === 0) throw new Error(`${upload.path} is shorter than what was received.`)
    position += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

async function waitForBytes(
  upload: ArrivingUpload,
  knownBytes: number,
  signal: AbortSignal,
  stallMs: number,
): Promise<void> {
  const knownIndex = upload.index()
  const patience = AbortSignal.timeout(stallMs)
  const either = AbortSignal.any([signal, patience])
  while (upload.receivedBytes() === knownBytes && upload.index() === knownIndex) {
    if (!either.aborted) await upload.waitForChange(either)
    if (signal.aborted) throw new FfmpegError('cancelled', 'The upload was left.', '', signal.reason)
    if (patience.aborted) throw new StalledError(`No byte for ${stallMs} ms.`)
  }
}

async function makeEarlyPoster(ctx: Ctx, key: RenditionKey): Promise<void> {
  try {
    const journal = await queries.listRenditions(ctx.db, key.videoId)
    const of = journal.find((row) => row.rendition === key.rendition && row.generation === key.generation)
    if (of?.track.kind !== 'video') return
    const { width, height } = of.track
    const { generation, segments } = of
    await makePoster(ctx, key.videoId, {
      id: key.rendition,
      generation,
      width,
      height,
      segments: segments.slice(0, 1),
    })
  } catch (error) {
    ctx.log.warn({ err: error, videoId: key.videoId }, 'transcoding.no-early-poster')
  }
}

function takeSlot(ctx: Ctx, accountId: string): Disposable | null {
  const taken = slots.get(ctx) ?? new Map<string, number>()
  slots.set(ctx, taken)
  const own = taken.get(accountId) ?? 0
  const all = [...taken.values()].reduce((sum, count) => sum + count, 0)
  if (own >= SLOTS_PER_ACCOUNT || all >= Math.max(2, availableParallelism())) return null
  taken.set(accountId, own + 1)
  return {
    [Symbol.dispose]() {
      const left = (taken.get(accountId) ?? 1) - 1
      if (left > 0) taken.set(accountId, left)
      else taken.delete(accountId)
    },
  }
}
