/** Boxes of ISO/IEC 14496-12 over bytes that nobody vouches for: every read is inside its bounds or refused. */

/** The bytes are no well-formed MP4. */
export class BoxError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BoxError'
  }
}

export interface Box {
  readonly type: string
  /** Of the header, from the start of the bytes read. */
  readonly start: number
  readonly headerBytes: number
  /** With the header; null: it runs to the end of the file. */
  readonly sizeBytes: number | null
}

/** Reads four ASCII characters; other bytes come out as Latin-1. */
export function readFourCc(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0)
}

/**
 * Reads one box header at `at`; null when the bytes end inside it.
 *
 * @throws {BoxError} when the size is impossible.
 */
export function readBoxHeader(bytes: Uint8Array, at: number): Box | null {
  if (at + 8 > bytes.length) return null
  const view = viewOf(bytes)
  const small = view.getUint32(at)
  const type = readFourCc(bytes, at + 4)
  if (small === 0) return { type, start: at, headerBytes: 8, sizeBytes: null }
  if (small !== 1) {
    if (small < 8) throw new BoxError(`Box ${printable(type)} claims ${small} bytes, fewer than its header.`)
    return { type, start: at, headerBytes: 8, sizeBytes: small }
  }
  if (at + 16 > bytes.length) return null
  const large = view.getBigUint64(at + 8)
  if (large < 16n) throw new BoxError(`Box ${printable(type)} claims ${large} bytes, fewer than its header.`)
  if (large > BigInt(Number.MAX_SAFE_INTEGER))
    throw new BoxError(`Box ${printable(type)} claims ${large} bytes.`)
  return { type, start: at, headerBytes: 16, sizeBytes: Number(large) }
}

/**
 * The boxes between `start` and `end`, which must hold them whole.
 *
 * @throws {BoxError} when one reaches over the end, or when there are more than 100,000.
 */
export function readBoxes(bytes: Uint8Array, start = 0, end = bytes.length): Box[] {
  const boxes: Box[] = []
  let at = start
  // QuickTime ends some containers with a 32-bit zero.
  while (at + 8 <= end) {
    const box = readBoxHeader(bytes, at)
    if (!box) break
    const sizeBytes = box.sizeBytes ?? end - at
    if (at + sizeBytes > end)
      throw new BoxError(`Box ${printable(box.type)} reaches over the end of its parent.`)
    boxes.push({ ...box, sizeBytes })
    if (boxes.length > 100_000) throw new BoxError('There are more than 100,000 boxes in one parent.')
    at += sizeBytes
  }
  return boxes
}

/** The first child of the type, or undefined. */
export function findChild(bytes: Uint8Array, parent: Box, type: string): Box | undefined {
  return childrenOf(bytes, parent).find((box) => box.type === type)
}

/** The boxes inside a container box. */
export function childrenOf(bytes: Uint8Array, parent: Box): Box[] {
  return readBoxes(bytes, bodyStart(parent), endOf(parent))
}

/** Follows a path of types from the parent down; undefined when one is missing. */
export function findPath(bytes: Uint8Array, parent: Box, ...types: string[]): Box | undefined {
  let box: Box | undefined = parent
  for (const type of types) {
    if (!box) return undefined
    box = findChild(bytes, box, type)
  }
  return box
}

export const bodyStart = (box: Box): number => box.start + box.headerBytes
export const endOf = (box: Box): number => box.start + (box.sizeBytes ?? 0)

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * A view of a box's body that must hold `count` bytes at least.
 *
 * @throws {BoxError} when it is shorter.
 */
export function bodyView(bytes: Uint8Array, box: Box, count: number): DataView {
  const lengthBytes = endOf(box) - bodyStart(box)
  if (lengthBytes < count) throw new BoxError(`Box ${printable(box.type)} is too short.`)
  return new DataView(bytes.buffer, bytes.byteOffset + bodyStart(box), lengthBytes)
}

function printable(type: string): string {
  return JSON.stringify(type)
}
