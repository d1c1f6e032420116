/**
 * Where the index (`moov`) of an MP4 or MOV file lies, and how long the film is, by a few small reads.
 *
 * Phones write the index last, for only then do they know it. Sent ahead of the film, it lets the server begin to
 * encode while the bytes still come in. Boxes are those of ISO/IEC 14496-12, section 4.2.
 */

/** What is read of a File; a Blob is one. */
export interface Sliceable {
  readonly size: number
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

export interface ByteRange {
  readonly offset: number
  readonly sizeBytes: number
}

export interface Mp4Facts {
  /** The index, header included; null when there is none, or it doesn't fit into the file. */
  readonly index: ByteRange | null
  /** The film's bytes come before the index. */
  readonly isIndexLast: boolean
  /** By the index's movie header; null where it says nothing. */
  readonly durationMs: number | null
}

interface Box extends ByteRange {
  readonly type: string
  readonly headerBytes: number
}

/** The types a file of this family may begin with; QuickTime files may do without `ftyp`. */
const FIRST_TYPES: ReadonlySet<string> = new Set(['ftyp', 'wide', 'free', 'skip', 'mdat', 'moov', 'pnot'])
const LARGE_HEADER_BYTES = 16
/** A camera's file has fewer than ten boxes; a fragmented one has thousands, after its index. */
const MAX_BOXES = 64
const MOVIE_HEADER_READ_BYTES = 4096

/** Reads the outline of an MP4 or MOV file; null for any other file. Reads some hundred bytes, wherever they lie. */
export async function readMp4Facts(file: Sliceable): Promise<Mp4Facts | null> {
  let hasMedia = false
  let offset = 0
  for (let count = 0; count < MAX_BOXES && (count === 0 || offset < file.size); count++) {
    const box = await readBox(file, offset)
    if (count === 0 && (box === null || !FIRST_TYPES.has(box.type))) return null
    if (box === null) break
    if (box.type === 'moov') {
      const isWhole = box.offset + box.sizeBytes <= file.size
      return {
        index: isWhole ? { offset: box.offset, sizeBytes: box.sizeBytes } : null,
        isIndexLast: hasMedia,
        durationMs: isWhole ? await readDurationMs(file, box) : null,
      }
    }
    if (box.type === 'mdat') hasMedia = true
    offset = box.offset + box.sizeBytes
  }
  return { index: null, isIndexLast: false, durationMs: null }
}

/** The box at an offset; null when there is no sound header. */
async function readBox(file: Sliceable, offset: number): Promise<Box | null> {
  const header = await readView(file, offset, LARGE_HEADER_BYTES)
  return parseBox(header, 0, offset, file.size)
}

function parseBox(view: DataView, at: number, offset: number, endOffset: number): Box | null {
  if (view.byteLength < at + 8) return null
  const type = String.fromCharCode(...[4, 5, 6, 7].map((byte) => view.getUint8(at + byte)))
  const short = view.getUint32(at)
  // "if size is 1 then the actual size is in the field largesize; if size is 0, then this box is the last one."
  if (short === 0) return { type, offset, sizeBytes: endOffset - offset, headerBytes: 8 }
  if (short !== 1) return short < 8 ? null : { type, offset, sizeBytes: short, headerBytes: 8 }
  if (view.byteLength < at + 16) return null
  const large = view.getBigUint64(at + 8)
  if (large < 16n || large > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return { type, offset, sizeBytes: Number(large), headerBytes: 16 }
}

/** The duration in the movie header (`mvhd`, section 8.2.2), which stands at the beginning of the index. */
async function readDurationMs(file: Sliceable, index: Box): Promise<number | null> {
  const view = await readView(file, index.offset, Math.min(index.sizeBytes, MOVIE_HEADER_READ_BYTES))
  let at = index.headerBytes
  while (at + 8 <= view.byteLength) {
    const box = parseBox(view, at, index.offset + at, index.offset + index.sizeBytes)
    if (box === null) return null
    if (box.type === 'mvhd') return parseMovieHeader(view, at + box.headerBytes)
    at += box.sizeBytes
  }
  return null
}

function parseMovieHeader(view: DataView, at: number): number | null {
  if (view.byteLength < at + 32) return null
  const isLong = view.getUint8(at) === 1
  const timescale = view.getUint32(at + (isLong ? 20 : 12))
  const duration = isLong ? Number(view.getBigUint64(at + 24)) : view.getUint32(at + 16)
  const isUnknown = isLong ? duration >= 2 ** 63 : duration === 0xffff_ffff
  // 0 is what a fragmented file says: its length is in its fragments.
  return timescale === 0 || duration === 0 || isUnknown ? null : Math.round((duration / timescale) * 1000)
}

async function readView(file: Sliceable, offset: number, sizeBytes: number): Promise<DataView> {
  return new DataView(await file.slice(offset, Math.min(file.size, offset + sizeBytes)).arrayBuffer())
}
