/** What an init segment says of its one track, and the shift that its edit list asks for. */
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
import { readBoxes, type Box } from './boxes.ts'

interface TrackBase {
  readonly timescale: number
  /** RFC 6381: `avc1.64001f`, `mp4a.40.2`. */
  readonly codecs: string
  readonly defaultDurationTicks: number
  readonly defaultFlags: number
}

export type TrackInit = TrackBase &
  (
    | {
        readonly kind: 'video'
        readonly width: number
        readonly height: number
        readonly nalLengthBytes: number
      }
    | { readonly kind: 'audio'; readonly channels: number; readonly sampleRateHz: number }
  )

/**
 * Reads the header of a fragmented MP4 with one track, and blanks its edit list.
 *
 * @returns the header without its edit list, the track, and the shift in the track's ticks.
 * @throws {BoxError} when it is not such a header, or its codec is neither H.264 nor AAC.
 */
export function readInit(moov: Uint8Array): {
  moov: Uint8Array
  track: TrackInit
  shift: { delayTicks: number; hiddenTicks: number }
} {
  const bytes = new Uint8Array(moov)
  const root = readBoxHeader(bytes, 0)
  if (!root || root.type !== 'moov') throw new BoxError('The header is no moov.')
  const tracks = childrenOf(bytes, root).filter((box) => box.type === 'trak')
  if (tracks.length !== 1) throw new BoxError(`The header has ${tracks.length} tracks, not one.`)
  const trak = tracks[0]!
  const timescale = readTimescale(bytes, need(findPath(bytes, trak, 'mdia', 'mdhd'), 'mdhd'))
  const movieTimescale = readTimescale(bytes, need(findChild(bytes, root, 'mvhd'), 'mvhd'))
  const entry = readSampleEntry(bytes, trak)
  const shift = readEdits(bytes, trak, timescale / movieTimescale)
  return { moov: bytes, track: { timescale, ...readTrackDefaults(bytes, root), ...entry }, shift }
}

function readSampleEntry(bytes: Uint8Array, trak: Box) {
  const table = need(findPath(bytes, trak, 'mdia', 'minf', 'stbl', 'stsd'), 'stsd')
  bodyView(bytes, table, 8)
  const entry = need(readBoxes(bytes, bodyStart(table) + 8, endOf(table))[0], 'sample entry')
  if (entry.type === 'avc1' || entry.type === 'avc3') return readAvc(bytes, entry)
  if (entry.type === 'mp4a') return readAac(bytes, entry)
  throw new BoxError(`The track is ${entry.type}, neither H.264 nor AAC.`)
}

function readAvc(bytes: Uint8Array, entry: Box) {
  // 12.1.3: a visual sample entry has 78 bytes before its boxes.
  const view = bodyView(bytes, entry, 78)
  const inner = readBoxes(bytes, bodyStart(entry) + 78, endOf(entry))
  const config = bodyView(
    bytes,
    need(
      inner.find((box) => box.type === 'avcC'),
      'avcC',
    ),
    7,
  )
  const hex = [1, 2, 3].map((i) => config.getUint8(i).toString(16).padStart(2, '0')).join('')
  return {
    kind: 'video' as const,
    codecs: `${entry.type}.${hex}`,
    width: view.getUint16(24),
    height: view.getUint16(26),
    nalLengthBytes: (config.getUint8(4) & 3) + 1,
  }
}

function readAac(bytes: Uint8Array, entry: Box) {
  // 12.2.3: an audio sample entry has 28 bytes before its boxes.
  const view = bodyView(bytes, entry, 28)
  const inner = readBoxes(bytes, bodyStart(entry) + 28, endOf(entry))
  const esds = need(
    inner.find((box) => box.type === 'esds'),
    'esds',
  )
  return {
    kind: 'audio' as const,
    codecs: `mp4a.40.${readAudioObjectType(bytes.subarray(bodyStart(esds) + 4, endOf(esds)))}`,
    channels: view.getUint16(16),
    sampleRateHz: view.getUint16(24),
  }
}

/** ISO/IEC 14496-1, 7.2.6: descriptors of tag, length of up to four bytes, content. */
function readAudioObjectType(descriptors: Uint8Array): number {
  let at = 0
  const header = () => {
    const tag = descriptors[at++]
    let more = true
    for (let i = 0; more && i < 4; i++) more = ((descriptors[at++] ?? 0) & 0x80) !== 0
    return tag
  }
  if (header() !== 3) throw new BoxError('The audio track has no elementary stream descriptor.')
  at += 3
  if (header() !== 4) throw new BoxError('The audio track has no decoder configuration.')
  at += 13
  if (header() !== 5) throw new BoxError('The audio track has no audio configuration.')
  const type = (descriptors[at] ?? 0) >> 3
  return type === 31 ? 32 + ((((descriptors[at] ?? 0) & 7) << 3) | ((descriptors[at + 1] ?? 0) >> 5)) : type
}

/** 8.6.6: an empty edit delays the track; the media time of the next is where showing it begins. */
function readEdits(bytes: Uint8Array, trak: Box, ticksPerMovieTick: number) {
  const edits = findChild(bytes, trak, 'edts')
  const list = edits && findChild(bytes, edits, 'elst')
  const shift = { delayTicks: 0, hiddenTicks: 0 }
  if (!edits || !list) return shift
  const view = bodyView(bytes, list, 8)
  const isLong = view.getUint8(0) === 1
  const width = isLong ? 20 : 12
  const count = view.getUint32(4)
  if (8 + count * width > view.byteLength) throw new BoxError('The edit list is cut.')
  for (let i = 0; i < count; i++) {
    const at = 8 + i * width
    const duration = isLong ? Number(view.getBigUint64(at)) : view.getUint32(at)
    const mediaTime = isLong ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4)
    if (mediaTime === -1) shift.delayTicks += Math.round(duration * ticksPerMovieTick)
    else shift.hiddenTicks = mediaTime
  }
  bytes.set(new TextEncoder().encode('free'), edits.start + 4)
  return shift
}

function readTrackDefaults(bytes: Uint8Array, root: Box) {
  const box = findPath(bytes, root, 'mvex', 'trex')
  const view = box && bodyView(bytes, box, 24)
  return { defaultDurationTicks: view?.getUint32(12) ?? 0, defaultFlags: view?.getUint32(20) ?? 0 }
}

function readTimescale(bytes: Uint8Array, header: Box): number {
  const isLong = bodyView(bytes, header, 4).getUint8(0) === 1
  const timescale = bodyView(bytes, header, isLong ? 24 : 16).getUint32(isLong ? 20 : 12)
  if (timescale === 0) throw new BoxError('A timescale is 0.')
  return timescale
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BoxError(`The header has no ${what}.`)
  return value
}
