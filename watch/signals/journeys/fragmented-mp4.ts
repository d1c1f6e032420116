/**
 * Whether bytes are what a player can decode: the boxes of fragmented MP4 (ISO/IEC 14496-12), their sizes and what they
 * say of each other. It reads no picture; where ffprobe is at hand, that is asked, too.
 */

/** What is wrong with the bytes, in one sentence. */
export class UndecodableError extends Error {}

interface Box {
  readonly type: string
  readonly begin: number
  readonly bodyBegin: number
  readonly end: number
}

const MAX_BOXES = 20_000

/** The boxes between two offsets, which they must fill exactly. @throws {UndecodableError} */
export function readBoxes(bytes: Buffer, begin = 0, end = bytes.length): Box[] {
  const boxes: Box[] = []
  for (let at = begin; at < end;) {
    if (boxes.length >= MAX_BOXES) throw new UndecodableError('It has more boxes than any video.')
    if (end - at < 8) throw new UndecodableError(`It ends within the header of a box at byte ${at}.`)
    const type = bytes.toString('latin1', at + 4, at + 8)
    let size = bytes.readUInt32BE(at)
    let headerSize = 8
    if (size === 1) {
      if (end - at < 16) throw new UndecodableError(`It ends within the header of a box at byte ${at}.`)
      size = Number(bytes.readBigUInt64BE(at + 8))
      headerSize = 16
    } else if (size === 0) size = end - at
    if (!/^[\x20-\x7e]{4}$/.test(type)) throw new UndecodableError(`There is no box at byte ${at}.`)
    if (size < headerSize || at + size > end)
      throw new UndecodableError(`The box ${type} at byte ${at} claims ${size} bytes of ${end - at}.`)
    boxes.push({ type, begin: at, bodyBegin: at + headerSize, end: at + size })
    at += size
  }
  return boxes
}

/** An initialization section: a file type and a movie with at least one track. @throws {UndecodableError} */
export function checkInit(bytes: Buffer): void {
  const boxes = readBoxes(bytes)
  const movie = boxes.find(({ type }) => type === 'moov')
  if (!boxes.some(({ type }) => type === 'ftyp')) throw new UndecodableError('The beginning has no ftyp.')
  if (!movie) throw new UndecodableError('The beginning has no moov.')
  const inside = readBoxes(bytes, movie.bodyBegin, movie.end)
  if (!inside.some(({ type }) => type === 'trak')) throw new UndecodableError('The movie has no track.')
  if (!inside.some(({ type }) => type === 'mvex'))
    throw new UndecodableError('The movie is not made for fragments.')
}

/**
 * A segment: each moof is followed by an mdat that holds exactly what the moof's runs describe.
 *
 * @returns how many samples (pictures or sounds) it has
 * @throws {UndecodableError}
 */
export function checkSegment(bytes: Buffer): number {
  const boxes = readBoxes(bytes)
  let sampleCount = 0
  for (const [index, box] of boxes.entries()) {
    if (box.type !== 'moof') continue
    const data = boxes[index + 1]
    if (data?.type !== 'mdat') throw new UndecodableError('A moof is not followed by its mdat.')
    const described = readMoof(bytes, box)
    if (described.sizeBytes !== null && described.sizeBytes !== data.end - data.bodyBegin)
      throw new UndecodableError(
        `A moof describes ${described.sizeBytes} bytes, and its mdat has ${data.end - data.bodyBegin}.`,
      )
    sampleCount += described.samples
  }
  if (sampleCount === 0) throw new UndecodableError('It has no sample.')
  return sampleCount
}

function readMoof(bytes: Buffer, moof: Box): { readonly samples: number; readonly sizeBytes: number | null } {
  let samples = 0
  let sizeBytes: number | null = 0
  for (const traf of readBoxes(bytes, moof.bodyBegin, moof.end).filter(({ type }) => type === 'traf')) {
    const inside = readBoxes(bytes, traf.bodyBegin, traf.end)
    const header = inside.find(({ type }) => type === 'tfhd')
    if (!header) throw new UndecodableError('A track fragment has no tfhd.')
    const defaultSize = readDefaultSize(bytes, header)
    for (const run of inside.filter(({ type }) => type === 'trun')) {
      const read = readRun(bytes, run, defaultSize)
      samples += read.samples
      sizeBytes = sizeBytes === null || read.sizeBytes === null ? null : sizeBytes + read.sizeBytes
    }
  }
  return { samples, sizeBytes }
}

const flagsOf = (bytes: Buffer, box: Box): number => {
  if (box.end - box.bodyBegin < 4) throw new UndecodableError(`The box ${box.type} is too short.`)
  return bytes.readUIntBE(box.bodyBegin + 1, 3)
}

/** tfhd (14496-12, 8.8.7): optional fields stand in the order of their flags. */
function readDefaultSize(bytes: Buffer, box: Box): number | null {
  const flags = flagsOf(bytes, box)
  let at = box.bodyBegin + 8
  if (flags & 0x000001) at += 8
  if (flags & 0x000002) at += 4
  if (flags & 0x000008) at += 4
  if (!(flags & 0x000010)) return null
  if (at + 4 > box.end) throw new UndecodableError('The tfhd is too short.')
  return bytes.readUInt32BE(at)
}

/** trun (14496-12, 8.8.8). The size is null where only the track's own default, in the init section, says it. */
function readRun(
  bytes: Buffer,
  box: Box,
  defaultSize: number | null,
): { readonly samples: number; readonly sizeBytes: number | null } {
  const flags = flagsOf(bytes, box)
  if (box.end - box.bodyBegin < 8) throw new UndecodableError('The trun is too short.')
  const samples = bytes.readUInt32BE(box.bodyBegin + 4)
  let at = box.bodyBegin + 8
  if (flags & 0x000001) at += 4
  if (flags & 0x000004) at += 4
  const fields = [0x000100, 0x000200, 0x000400, 0x000800].filter((flag) => flags & flag)
  if (at + samples * fields.length * 4 > box.end)
    throw new UndecodableError(`A run claims ${samples} samples, more than it has room for.`)
  if (!(flags & 0x000200)) return { samples, sizeBytes: defaultSize === null ? null : samples * defaultSize }
  const offset = flags & 0x000100 ? 4 : 0
  let sizeBytes = 0
  for (let i = 0; i < samples; i++) sizeBytes += bytes.readUInt32BE(at + i * fields.length * 4 + offset)
  return { samples, sizeBytes }
}
