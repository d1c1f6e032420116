/**
 * Takes ffmpeg's fragmented MP4 apart as it comes out of a pipe: the header and the fragments, moved onto one timeline.
 *
 * ffmpeg states each track's true start in an edit list. Players disagree about edit lists in HLS, so the list is
 * blanked and its shift goes into the decode times (`tfdt`) and composition offsets (`trun`): picture and sound of all
 * renditions then share one clock, and the first picture is shown at the very time that the segment begins.
 */
import { bodyView, BoxError, childrenOf, endOf, readBoxHeader, readBoxes } from './boxes.ts'
import { readInit, type TrackInit } from './init-segment.ts'
import type { Box } from './boxes.ts'

/** A fragment of more than this is refused: two seconds at 20 Mb/s are 5 MB. */
const FRAGMENT_MAX_BYTES = 64 * 1024 * 1024

export interface Fragment {
  /** Its boxes, in order. */
  readonly parts: readonly Uint8Array[]
  readonly startTicks: number
  readonly durationTicks: number
  /** Whether its first sample is a sync sample, and for H.264 an IDR picture (RFC 8216: independent segments). */
  readonly isIndependent: boolean
}

export type Piece =
  | { readonly kind: 'init'; readonly bytes: Uint8Array; readonly track: TrackInit }
  | { readonly kind: 'fragment'; readonly fragment: Fragment }

export interface FragmentCutter {
  /**
   * Takes bytes as they come; gives what they complete.
   *
   * @throws {BoxError} when they are no fragmented MP4 of one track.
   */
  push(chunk: Uint8Array): Piece[]
}

export interface CutterOptions {
  /** Added to every decode time: where this run begins, in seconds, when it entered the source in its middle. @default 0 */
  readonly startsAtS?: number
}

export function createFragmentCutter(options: CutterOptions = {}): FragmentCutter {
  const gather = createBoxGatherer()
  let ftyp: Uint8Array | null = null
  let init: TrackInit | null = null
  let moof: Uint8Array | null = null
  let shift: TimeShift | null = null

  function takeBox(box: Uint8Array): Piece[] {
    const type = readBoxHeader(box, 0)!.type
    if (type === 'ftyp') ftyp = box
    if (type === 'moov') {
      const parsed = readInit(box)
      init = parsed.track
      shift = { ...parsed.shift, extraTicks: Math.round((options.startsAtS ?? 0) * parsed.track.timescale) }
      return [
        { kind: 'init', bytes: concat(ftyp ? [ftyp, parsed.moov] : [parsed.moov]), track: parsed.track },
      ]
    }
    if (type === 'moof') moof = box
    if (type !== 'mdat') return []
    if (!moof || !init || !shift) throw new BoxError('Media data came before their header.')
    const fragment = rebase(moof, box, init, shift)
    moof = null
    return [{ kind: 'fragment', fragment }]
  }

  return { push: (chunk) => gather(chunk).flatMap(takeBox) }
}

/** Gives the boxes that each chunk completes. Every byte is copied once: what comes here is the whole of a video. */
function createBoxGatherer(): (chunk: Uint8Array) => Uint8Array[] {
  const header = new Uint8Array(16)
  let headerBytes = 0
  let box: Uint8Array | null = null
  let filledBytes = 0

  /** Takes bytes of a header; gives how many. */
  function takeHeader(chunk: Uint8Array): number {
    const isLong = headerBytes >= 8
    const taken = chunk.subarray(0, (isLong ? 16 : 8) - headerBytes)
    header.set(taken, headerBytes)
    headerBytes += taken.length
    const found = readBoxHeader(header.subarray(0, headerBytes), 0)
    if (!found) return taken.length
    const { sizeBytes } = found
    if (sizeBytes === null) throw new BoxError('A box of unknown size in a stream.')
    if (sizeBytes > FRAGMENT_MAX_BYTES) throw new BoxError(`A fragment has ${sizeBytes} bytes.`)
    box = new Uint8Array(sizeBytes)
    box.set(header.subarray(0, headerBytes))
    filledBytes = headerBytes
    headerBytes = 0
    return taken.length
  }

  return (chunk) => {
    const boxes: Uint8Array[] = []
    for (let rest = chunk; rest.length > 0;) {
      if (!box) rest = rest.subarray(takeHeader(rest))
      if (!box) continue
      const part = rest.subarray(0, box.length - filledBytes)
      box.set(part, filledBytes)
      filledBytes += part.length
      rest = rest.subarray(part.length)
      if (filledBytes < box.length) continue
      boxes.push(box)
      box = null
    }
    return boxes
  }
}

export interface TimeShift {
  /** Added to decode times. */
  readonly delayTicks: number
  /** Taken off what is shown: the encoder's reordering, or what an edit list hides. */
  readonly hiddenTicks: number
  readonly extraTicks: number
}

/** Changes the header in place. */
function rebase(bytes: Uint8Array, mdat: Uint8Array, init: TrackInit, shift: TimeShift): Fragment {
  const root = readBoxHeader(bytes, 0)!
  const trafs = childrenOf(bytes, root).filter((box) => box.type === 'traf')
  if (trafs.length !== 1) throw new BoxError(`A fragment has ${trafs.length} tracks.`)
  const [traf] = trafs
  const boxes = childrenOf(bytes, traf!)
  const defaults = readDefaults(bytes, boxes, init)
  const runs = boxes.filter((box) => box.type === 'trun')
  const hasOffsets = runs.some((run) => (bodyView(bytes, run, 4).getUint32(0) & 0x800) !== 0)
  const startTicks = moveDecodeTime(bytes, boxes, shift, hasOffsets)
  let durationTicks = 0
  let isSync = true
  for (const [i, run] of runs.entries()) {
    const read = moveRun(bytes, run, defaults, hasOffsets ? shift.hiddenTicks : 0)
    durationTicks += read.durationTicks
    if (i === 0) isSync = read.startsWithSync
  }
  const isIndependent = isSync && (init.kind === 'audio' || startsWithIdr(mdat, init.nalLengthBytes))
  return { parts: [bytes, mdat], startTicks, durationTicks, isIndependent }
}

interface Defaults {
  readonly durationTicks: number
  readonly flags: number
}

function readDefaults(bytes: Uint8Array, boxes: Box[], init: TrackInit): Defaults {
  const header = boxes.find((box) => box.type === 'tfhd')
  if (!header) throw new BoxError('A fragment has no track header.')
  const view = bodyView(bytes, header, 8)
  const flags = view.getUint32(0) & 0xff_ffff
  let at = 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0)
  const next = () => {
    if (at + 4 > view.byteLength) throw new BoxError('A track header is cut.')
    at += 4
    return view.getUint32(at - 4)
  }
  const durationTicks = flags & 0x8 ? next() : init.defaultDurationTicks
  if (flags & 0x10) next()
  return { durationTicks, flags: flags & 0x20 ? next() : init.defaultFlags }
}

function moveDecodeTime(bytes: Uint8Array, boxes: Box[], shift: TimeShift, hasOffsets: boolean): number {
  const time = boxes.find((box) => box.type === 'tfdt')
  if (!time) throw new BoxError('A fragment has no decode time.')
  const view = bodyView(bytes, time, 8)
  const isLong = view.getUint8(0) === 1
  const old = isLong ? Number(bodyView(bytes, time, 12).getBigUint64(4)) : view.getUint32(4)
  const hidden = hasOffsets ? 0 : shift.hiddenTicks
  const moved = Math.max(0, old + shift.delayTicks - hidden + shift.extraTicks)
  if (isLong) view.setBigUint64(4, BigInt(moved))
  else view.setUint32(4, moved)
  return moved
}

function moveRun(
  bytes: Uint8Array,
  run: Box,
  defaults: Defaults,
  hiddenTicks: number,
): { durationTicks: number; startsWithSync: boolean } {
  const view = bodyView(bytes, run, 8)
  const flags = view.getUint32(0) & 0xff_ffff
  const count = view.getUint32(4)
  let at = 8 + (flags & 0x1 ? 4 : 0)
  const firstFlags = flags & 0x4 ? view.getUint32(at) : null
  at += flags & 0x4 ? 4 : 0
  const width = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit).length * 4
  if (at + count * width > view.byteLength) throw new BoxError('A run of samples is cut.')
  let durationTicks = 0
  let startsWithSync = isSyncFlags(firstFlags ?? defaults.flags)
  for (let i = 0; i < count; i++) {
    let field = at + i * width
    durationTicks += flags & 0x100 ? view.getUint32(field) : defaults.durationTicks
    field += (flags & 0x100 ? 4 : 0) + (flags & 0x200 ? 4 : 0)
    if (flags & 0x400) {
      if (i === 0 && firstFlags === null) startsWithSync = isSyncFlags(view.getUint32(field))
      field += 4
    }
    if (flags & 0x800) view.setInt32(field, view.getInt32(field) - hiddenTicks)
  }
  // 8.8.8: version 1 has signed composition offsets.
  if (flags & 0x800) view.setUint8(0, 1)
  return { durationTicks, startsWithSync }
}

/** 8.8.3.1: sample_is_non_sync_sample. */
const isSyncFlags = (flags: number): boolean => (flags & 0x1_0000) === 0

/** Whether the first picture in the data is an IDR one (H.264, 7.4.1: type 5), after parameter sets and messages. */
function startsWithIdr(mdat: Uint8Array, nalLengthBytes: number): boolean {
  let at = readBoxHeader(mdat, 0)!.headerBytes
  for (let count = 0; count < 64 && at + nalLengthBytes < mdat.length; count++) {
    let length = 0
    for (let i = 0; i < nalLengthBytes; i++) length = length * 256 + mdat[at + i]!
    const type = mdat[at + nalLengthBytes]! & 0x1f
    if (type === 5) return true
    if (type === 1 || length === 0) return false
    at += nalLengthBytes + length
  }
  return false
}

/** Puts byte arrays together; a single one is given back as it is. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Checks that bytes are nothing but whole fragments: what a segment file must be. */
export function isWholeSegment(bytes: Uint8Array): boolean {
  try {
    const boxes = readBoxes(bytes)
    const end = boxes.at(-1)
    return end !== undefined && endOf(end) === bytes.length && boxes.some((box) => box.type === 'moof')
  } catch {
    return false
  }
}
