/** What a source is, and what will be made of it: by its first bytes while it arrives, or by the whole file. */
import { open, type FileHandle } from 'node:fs/promises'
import {
  BoxError,
  canCopy,
  composeEarlyStream,
  concat,
  defaultLimits,
  expectedEnd,
  INDEX_MAX_BYTES,
  judgeContainer,
  judgeSource,
  parseProbe,
  planLadder,
  probeArguments,
  readLongestKeyframeGapS,
  readMp4Layout,
  sniffContainer,
  SNIFF_BYTES,
  type Demuxer,
  type EarlyStream,
  type LadderPlan,
  type Mp4Layout,
  type Refusal,
  type SourceInfo,
  type SourceInput,
  type SourceLimits,
} from '../../../engines/ladder/index.ts'
import type { Ctx } from '../../app/context.ts'
import { FfmpegError, HANDED_FILE, runFfmpeg, type RunInput } from '../../infra/ffmpeg/index.ts'

export interface Taken {
  readonly kind: 'taken'
  readonly demuxer: Demuxer
  readonly source: SourceInfo
  readonly plan: LadderPlan
  readonly mode: 'copy' | 'encode'
}

export type Inspection = Taken | { readonly kind: 'refused'; readonly refusal: Refusal }

/** What the bytes so far tell: more of them are needed, the whole file is, or the source can be streamed. */
export type EarlyInspection =
  | { readonly kind: 'need-more' | 'need-whole' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | (Taken & { readonly stream: EarlyStream })

/** Enough for a dozen frames at 20 Mb/s, and 0.4 s of such a line. */
const PROBE_BYTES = 1024 * 1024
/** An index at the front that does not end within this is left to the whole file. */
const HEAD_BYTES = 8 * 1024 * 1024
const PROBE_LIMITS = { timeoutMs: 15_000, cpuS: 10, outputBytes: 4 * 1024 * 1024 }

export function limitsOf(ctx: Pick<Ctx, 'config'>): SourceLimits {
  return { ...defaultLimits, maxDurationS: ctx.config.uploads.maxDurationS }
}

/**
 * Looks at a whole file.
 *
 * @throws {FfmpegError} when looking failed for no fault of the file.
 */
export async function inspectFile(ctx: Ctx, path: string, signal?: AbortSignal): Promise<Inspection> {
  await using file = await open(path)
  const { size } = await file.stat()
  const sniffed = sniffContainer(await readAt(file, 0, SNIFF_BYTES))
  const refusal = judgeContainer(sniffed)
  if (refusal || sniffed.kind !== 'video') return { kind: 'refused', refusal: refusal! }
  let gapS: number | null = null
  if (sniffed.demuxer === 'mov') {
    const index = await readIndex(file, size)
    if ('refusal' in index) return { kind: 'refused', refusal: index.refusal }
    gapS = index.gapS
  }
  const input: SourceInput = { from: 'file', demuxer: sniffed.demuxer, path: HANDED_FILE }
  return await judgeProbe(ctx, sniffed.demuxer, gapS, () => probe(input, { file: path }, signal))
}

/** Looks at what has arrived of a file: its first `receivedBytes`, and its index when that was sent ahead. */
export async function inspectArriving(
  ctx: Ctx,
  arriving: {
    readonly path: string
    readonly receivedBytes: number
    readonly sizeBytes: number
    readonly index: Uint8Array | null
    readonly signal: AbortSignal
  },
): Promise<EarlyInspection> {
  const { receivedBytes, sizeBytes, signal } = arriving
  const isWhole = receivedBytes >= sizeBytes
  await using file = await open(arriving.path)
  const head = await readAt(file, 0, Math.min(receivedBytes, HEAD_BYTES))
  if (head.length < SNIFF_BYTES && !isWhole) return { kind: 'need-more' }
  const sniffed = sniffContainer(head.subarray(0, SNIFF_BYTES))
  const refusal = judgeContainer(sniffed)
  if (refusal || sniffed.kind !== 'video') return { kind: 'refused', refusal: refusal! }
  const { demuxer } = sniffed
  // AVI keeps its index at the end and its sound far from its picture.
  if (demuxer === 'avi') return { kind: 'need-whole' }
  const way = demuxer === 'mov' ? streamMp4(head, arriving) : wholeStream(null, receivedBytes)
  if (way.kind !== 'stream') return way
  if (way.dataBytes < PROBE_BYTES && !isWhole) return { kind: 'need-more' }
  const rest = await readAt(
    file,
    way.stream.continueAt,
    Math.min(receivedBytes, HEAD_BYTES) - way.stream.continueAt,
  )
  const bytes = concat([way.stream.head, rest])
  try {
    const judged = await judgeProbe(ctx, demuxer, way.gapS, () =>
      probe({ from: 'pipe', demuxer }, { stdin: inChunks(bytes) }, signal),
    )
    return judged.kind === 'taken' ? { ...judged, stream: way.stream } : judged
  } catch (error) {
    if (error instanceof FfmpegError && !isWhole) return { kind: 'need-whole' }
    throw error
  }
}

type Way =
  | { readonly kind: 'need-more' | 'need-whole' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | {
      readonly kind: 'stream'
      readonly stream: EarlyStream
      readonly gapS: number | null
      readonly dataBytes: number
    }

const wholeStream = (gapS: number | null, dataBytes: number): Way => ({
  kind: 'stream',
  stream: { head: new Uint8Array(), continueAt: 0 },
  gapS,
  dataBytes,
})

function streamMp4(
  head: Uint8Array,
  { receivedBytes, sizeBytes, index }: { receivedBytes: number; sizeBytes: number; index: Uint8Array | null },
): Way {
  try {
    const layout = readMp4Layout(head)
    const cut = judgeEnd(layout, sizeBytes)
    if (cut) return { kind: 'refused', refusal: cut }
    const { moov, mdat } = layout
    if (moov && (!mdat || moov.start < mdat.start)) {
      const end = moov.start + (moov.sizeBytes ?? Infinity)
      if (end > HEAD_BYTES) return { kind: 'need-whole' }
      if (end > head.length) return { kind: 'need-more' }
      return wholeStream(readLongestKeyframeGapS(head.subarray(moov.start, end)), receivedBytes - end)
    }
    if (!mdat) return { kind: head.length < HEAD_BYTES ? 'need-more' : 'need-whole' }
    if (!index) return { kind: receivedBytes < sizeBytes ? 'need-more' : 'need-whole' }
    const stream = composeEarlyStream(head, index)
    return {
      kind: 'stream',
      stream,
      gapS: readLongestKeyframeGapS(index),
      dataBytes: receivedBytes - mdat.start,
    }
  } catch (error) {
    if (error instanceof BoxError) return { kind: 'need-whole' }
    throw error
  }
}

async function readIndex(
  file: FileHandle,
  size: number,
): Promise<{ gapS: number | null } | { refusal: Refusal }> {
  try {
    const layout = await readFileLayout(file, size)
    const cut = judgeEnd(layout, size)
    if (cut) return { refusal: cut }
    const { moov } = layout
    if (!moov)
      return {
        refusal: {
          code: 'video-truncated',
          reason: 'Its index (moov) is missing: the recording or the copy was cut off.',
          facts: { sizeBytes: size },
        },
      }
    const bytes = moov.sizeBytes ?? size - moov.start
    if (bytes > INDEX_MAX_BYTES) return { gapS: null }
    return { gapS: readLongestKeyframeGapS(await readAt(file, moov.start, bytes)) }
  } catch (error) {
    // What the index says is judged by the probe; here only its extent was wanted.
    if (error instanceof BoxError) return { gapS: null }
    throw error
  }
}

/** Hops from box to box. */
async function readFileLayout(file: FileHandle, size: number): Promise<Mp4Layout> {
  let moov: Mp4Layout['moov'] = null
  let mdat: Mp4Layout['mdat'] = null
  for (let at = 0, count = 0; at < size && count < 10_000 && !(moov && mdat); count++) {
    const found = readMp4Layout(await readAt(file, at, 16))
    const place = <T extends NonNullable<Mp4Layout['moov']>>(extent: T) => ({ ...extent, start: at })
    if (found.moov) moov ??= place(found.moov)
    if (found.mdat) mdat ??= place(found.mdat)
    if (found.nextBoxAt === null || found.nextBoxAt === 0) break
    at += found.nextBoxAt
  }
  return { moov, mdat, isIndexAtEnd: null, nextBoxAt: null }
}

function judgeEnd(layout: Mp4Layout, sizeBytes: number): Refusal | null {
  const end = expectedEnd(layout)
  if (end === null || end <= sizeBytes) return null
  return {
    code: 'video-truncated',
    reason: `It ends after ${sizeBytes} bytes, but says that it has ${end}: the file was cut off before it was sent.`,
    facts: { sizeBytes, expectedBytes: end },
  }
}

async function judgeProbe(
  ctx: Ctx,
  demuxer: Demuxer,
  gapS: number | null,
  look: () => Promise<SourceInfo>,
): Promise<Inspection> {
  let source: SourceInfo
  try {
    source = await look()
  } catch (error) {
    if (
      !(error instanceof FfmpegError) ||
      !['bad-input', 'timeout', 'output-too-large'].includes(error.failure)
    )
      throw error
    const isCodec = /not on whitelist/.test(error.stderrTail)
    const refusal: Refusal = isCodec
      ? {
          code: 'video-codec-unsupported',
          reason: 'It is encoded in a way that is not supported here.',
          facts: {},
        }
      : { code: 'video-unreadable', reason: 'Its contents could not be read: they are damaged.', facts: {} }
    return { kind: 'refused', refusal }
  }
  if (gapS !== null) source = { ...source, longestKeyframeGapS: gapS }
  const refusal = judgeSource(source, limitsOf(ctx))
  if (refusal) return { kind: 'refused', refusal }
  return {
    kind: 'taken',
    demuxer,
    source,
    plan: planLadder(source),
    mode: canCopy(source) ? 'copy' : 'encode',
  }
}

async function probe(
  input: SourceInput,
  from: Pick<RunInput, 'file' | 'stdin'>,
  signal?: AbortSignal,
): Promise<SourceInfo> {
  const parts: Uint8Array[] = []
  await runFfmpeg({
    program: 'ffprobe',
    args: probeArguments(input),
    limits: PROBE_LIMITS,
    ...from,
    outputs: [(chunk) => void parts.push(chunk)],
    ...(signal && { signal }),
  })
  return parseProbe(Buffer.concat(parts).toString('utf8'))
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, length))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
