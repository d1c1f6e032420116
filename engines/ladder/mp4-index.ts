/**
 * The index (`moov`) of an MP4 or MOV, so that a file whose index lies at its end can be decoded while it arrives:
 * what stands before the data + the index with its chunk offsets shifted + the data is a stream that needs no seeking.
 * ISO/IEC 14496-12 and the QuickTime File Format; every byte is treated as hostile.
 */
import {
  bodyStart,
  bodyView,
  BoxError,
  childrenOf,
  endOf,
  findChild,
  findPath,
  readBoxHeader,
} from './boxes.ts'
import { readBoxes, readFourCc, type Box } from './boxes.ts'

/** A larger index is refused: ten minutes at 240 fps with audio have one of about 2 MB. */
export const INDEX_MAX_BYTES = 32 * 1024 * 1024

export interface Extent {
  readonly start: number
  readonly headerBytes: number
  /** Null: to the end of the file. */
  readonly sizeBytes: number | null
}

export interface Mp4Layout {
  /** Null: not met yet in the bytes read. */
  readonly moov: Extent | null
  /** The first media data; null: not met yet. */
  readonly mdat: Extent | null
  /** Whether the data come before the index; null: neither was met. */
  readonly isIndexAtEnd: boolean | null
  /** Where the next box after the last one whose header was read begins: where a client goes on looking. */
  readonly nextBoxAt: number | null
}

/**
 * Reads the top-level boxes as far as the bytes go.
 *
 * @param head the first bytes of the file.
 * @throws {BoxError} when they are no MP4.
 */
export function readMp4Layout(head: Uint8Array): Mp4Layout {
  let moov: Extent | null = null
  let mdat: Extent | null = null
  let at = 0
  let nextBoxAt: number | null = 0
  for (let count = 0; count < 1000; count++) {
    const box = readBoxHeader(head, at)
    if (!box) break
    if (box.type === 'moov' && !moov) moov = box
    if (box.type === 'mdat' && !mdat && box.sizeBytes !== box.headerBytes) mdat = box
    nextBoxAt = box.sizeBytes === null ? null : at + box.sizeBytes
    if (nextBoxAt === null || nextBoxAt >= head.length || (moov && mdat)) break
    at = nextBoxAt
  }
  const isIndexAtEnd = moov && mdat ? mdat.start < moov.start : mdat ? true : moov ? false : null
  return { moov, mdat, isIndexAtEnd, nextBoxAt }
}

/** How far the data reach, when the header says; null: unknown or to the end of the file. */
export function expectedEnd(layout: Mp4Layout): number | null {
  const extents = [layout.moov, layout.mdat].filter((extent) => extent !== null)
  if (extents.length === 0 || extents.some((extent) => extent.sizeBytes === null)) return null
  return Math.max(...extents.map((extent) => extent.start + extent.sizeBytes!))
}

/**
 * Checks that the bytes are one whole index that may be moved.
 *
 * @throws {BoxError} when it is larger than {@link INDEX_MAX_BYTES}, cut, compressed, fragmented, or its media lie in
 * another file.
 */
export function checkIndex(moov: Uint8Array): Box {
  if (moov.length > INDEX_MAX_BYTES)
    throw new BoxError(`The index has ${moov.length} bytes; ${INDEX_MAX_BYTES} are the most.`)
  const root = readBoxHeader(moov, 0)
  if (!root || root.type !== 'moov' || root.sizeBytes !== moov.length)
    throw new BoxError('The bytes are not exactly one index (moov).')
  const children = childrenOf(moov, root)
  if (children.some((box) => box.type === 'cmov')) throw new BoxError('The index is compressed (cmov).')
  if (children.some((box) => box.type === 'mvex')) throw new BoxError('The file is fragmented (mvex).')
  const tracks = children.filter((box) => box.type === 'trak')
  if (tracks.length === 0) throw new BoxError('The index has no track.')
  if (tracks.length > 64) throw new BoxError(`The index has ${tracks.length} tracks; 64 are the most.`)
  for (const track of tracks) checkDataReferences(moov, track)
  return root
}

/**
 * Adds `deltaBytes` to every chunk offset at or after `fromOffset`, in a copy.
 *
 * @throws {BoxError} when the index may not be moved ({@link checkIndex}), a 32-bit offset would overflow, or an offset
 * points before the data.
 */
export function shiftChunkOffsets(moov: Uint8Array, deltaBytes: number, fromOffset = 0): Uint8Array {
  const root = checkIndex(moov)
  // Not slice(): that of a Buffer shares its memory.
  const shifted = new Uint8Array(moov)
  for (const track of childrenOf(moov, root)) {
    if (track.type !== 'trak') continue
    const table = findPath(moov, track, 'mdia', 'minf', 'stbl')
    if (!table) continue
    for (const box of childrenOf(moov, table)) {
      if (box.type === 'stco') shiftTable(shifted, box, 4, deltaBytes, fromOffset)
      if (box.type === 'co64') shiftTable(shifted, box, 8, deltaBytes, fromOffset)
    }
  }
  return shifted
}

export interface EarlyStream {
  /** What the decoder is given before the file's own bytes. */
  readonly head: Uint8Array
  /** From which byte of the file on the rest follows, unchanged. */
  readonly continueAt: number
}

/**
 * What to feed a decoder that can't seek, for a file whose index lies at its end.
 *
 * @param fileHead the first bytes of the file, up to the data's header at least.
 * @param moov the index: exactly the bytes of its box.
 * @throws {BoxError} when the file can't be streamed so.
 */
export function composeEarlyStream(fileHead: Uint8Array, moov: Uint8Array): EarlyStream {
  const { mdat, moov: early } = readMp4Layout(fileHead)
  if (!mdat) throw new BoxError('The media data have not been met yet.')
  if (early && early.start < mdat.start) throw new BoxError('The index stands before the data already.')
  const shifted = shiftChunkOffsets(moov, moov.length, mdat.start)
  const head = new Uint8Array(mdat.start + shifted.length)
  head.set(fileHead.subarray(0, mdat.start), 0)
  head.set(shifted, mdat.start)
  return { head, continueAt: mdat.start }
}

/**
 * The longest stretch between two sync samples of the first video track, in seconds, the end counted as one.
 *
 * Null: the index does not say (no video track, no times). A track without a table of sync samples has nothing but
 * sync samples (14496-12, 8.6.2).
 */
export function readLongestKeyframeGapS(moov: Uint8Array): number | null {
  const root = readBoxHeader(moov, 0)
  if (!root || root.type !== 'moov' || root.sizeBytes !== moov.length) return null
  const track = childrenOf(moov, root).find((box) => box.type === 'trak' && isVideoTrack(moov, box))
  const timescale = track && readTimescale(moov, track)
  const table = track && findPath(moov, track, 'mdia', 'minf', 'stbl')
  if (!table || !timescale) return null
  const durations = findChild(moov, table, 'stts')
  if (!durations) return null
  const runs = readRuns(moov, durations)
  const sync = findChild(moov, table, 'stss')
  const longestTicks = sync ? longestGap(runs, readNumbers(moov, sync)) : longestSample(runs)
  return longestTicks / timescale
}

/** A table that is read where it lies: a hostile one has millions of entries, each of which would be an object. */
interface Table<T> {
  readonly length: number
  at(index: number): T
}

interface Run {
  readonly samples: number
  readonly ticks: number
}

function longestSample(runs: Table<Run>): number {
  let longest = 0
  for (let i = 0; i < runs.length; i++) longest = Math.max(longest, runs.at(i).ticks)
  return longest
}

function longestGap(runs: Table<Run>, syncSamples: Table<number>): number {
  let longest = 0
  let previous: number | null = null
  let run = 0
  let samplesBefore = 0
  let ticksBefore = 0
  for (let i = 0; i < syncSamples.length; i++) {
    const sample = syncSamples.at(i)
    while (run < runs.length && sample - 1 >= samplesBefore + runs.at(run).samples) {
      const { samples, ticks } = runs.at(run)
      samplesBefore += samples
      ticksBefore += samples * ticks
      run++
    }
    const ticks = run < runs.length ? runs.at(run).ticks : 0
    const at = ticksBefore + Math.max(0, sample - 1 - samplesBefore) * ticks
    if (previous !== null) longest = Math.max(longest, at - previous)
    previous = at
  }
  let end = 0
  for (let i = 0; i < runs.length; i++) end += runs.at(i).samples * runs.at(i).ticks
  return Math.max(longest, end - (previous ?? 0))
}

function checkDataReferences(moov: Uint8Array, track: Box): void {
  const references = findPath(moov, track, 'mdia', 'minf', 'dinf', 'dref')
  if (!references) return
  bodyView(moov, references, 8)
  for (const entry of readBoxes(moov, bodyStart(references) + 8, endOf(references))) {
    // 8.7.2: flag 1 says that the media lie in this very file.
    const isSelfContained = (bodyView(moov, entry, 4).getUint32(0) & 1) === 1
    if (!isSelfContained) throw new BoxError('A track has its media in another file.')
  }
}

function shiftTable(bytes: Uint8Array, box: Box, width: 4 | 8, delta: number, fromOffset: number): void {
  const view = bodyView(bytes, box, 8)
  const count = view.getUint32(4)
  if (8 + count * width > view.byteLength) throw new BoxError('A table of chunk offsets is cut.')
  for (let i = 0; i < count; i++) {
    const at = 8 + i * width
    const offset = width === 4 ? view.getUint32(at) : Number(view.getBigUint64(at))
    if (offset < fromOffset) throw new BoxError('A chunk lies before the media data.')
    const moved = offset + delta
    if (moved > (width === 4 ? 0xffff_ffff : Number.MAX_SAFE_INTEGER) || moved < 0)
      throw new BoxError('A shifted chunk offset does not fit.')
    if (width === 4) view.setUint32(at, moved)
    else view.setBigUint64(at, BigInt(moved))
  }
}

function isVideoTrack(moov: Uint8Array, track: Box): boolean {
  const handler = findPath(moov, track, 'mdia', 'hdlr')
  if (!handler) return false
  bodyView(moov, handler, 12)
  return readFourCc(moov, bodyStart(handler) + 8) === 'vide'
}

function readTimescale(moov: Uint8Array, track: Box): number | null {
  const header = findPath(moov, track, 'mdia', 'mdhd')
  if (!header) return null
  const isLong = bodyView(moov, header, 4).getUint8(0) === 1
  const timescale = bodyView(moov, header, isLong ? 24 : 16).getUint32(isLong ? 20 : 12)
  return timescale > 0 ? timescale : null
}

function readRuns(moov: Uint8Array, box: Box): Table<Run> {
  const view = bodyView(moov, box, 8)
  return {
    length: Math.min(view.getUint32(4), Math.floor((view.byteLength - 8) / 8)),
    at: (i) => ({ samples: view.getUint32(8 + i * 8), ticks: view.getUint32(12 + i * 8) }),
  }
}

function readNumbers(moov: Uint8Array, box: Box): Table<number> {
  const view = bodyView(moov, box, 8)
  return {
    length: Math.min(view.getUint32(4), Math.floor((view.byteLength - 8) / 4)),
    at: (i) => view.getUint32(8 + i * 4),
  }
}
