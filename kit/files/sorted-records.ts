/**
 * Records of one size that lie sorted in one piece of memory, as they lie in a file: found by their first bytes, without
 * an object for each.
 */

export interface SortedRecords {
  readonly count: number
  /** The record that begins with these bytes; the first, when there are several. */
  find(prefix: Buffer): Buffer | null
  /** All records that begin with these bytes. */
  all(prefix: Buffer): Generator<Buffer>
}

/**
 * Reads `bytes` as records of `sizeBytes` each.
 *
 * @throws {RangeError} when they are not whole records.
 */
export function readSortedRecords(bytes: Buffer, sizeBytes: number): SortedRecords {
  if (bytes.length % sizeBytes !== 0)
    throw new RangeError(`${bytes.length} bytes are not whole records of ${sizeBytes}.`)
  const count = bytes.length / sizeBytes
  const recordAt = (at: number) => bytes.subarray(at * sizeBytes, (at + 1) * sizeBytes)
  const fits = (at: number, prefix: Buffer) =>
    at < count &&
    bytes.compare(prefix, 0, prefix.length, at * sizeBytes, at * sizeBytes + prefix.length) === 0
  return {
    count,
    find(prefix) {
      const at = lowerBound(bytes, sizeBytes, prefix)
      return fits(at, prefix) ? recordAt(at) : null
    },
    *all(prefix) {
      for (let at = lowerBound(bytes, sizeBytes, prefix); fits(at, prefix); at++) yield recordAt(at)
    },
  }
}

/** The same records with one more, in its place; unchanged when it is there. */
export function withRecord(bytes: Buffer, record: Buffer): Buffer {
  const at = lowerBound(bytes, record.length, record) * record.length
  if (holds(bytes, at, record)) return bytes
  return Buffer.concat([bytes.subarray(0, at), record, bytes.subarray(at)])
}

/** The same records without one. */
export function withoutRecord(bytes: Buffer, record: Buffer): Buffer {
  const at = lowerBound(bytes, record.length, record) * record.length
  if (!holds(bytes, at, record)) return bytes
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + record.length)])
}

/** The records that only one of two sorted pieces has. */
export function diffRecords(
  before: Buffer,
  after: Buffer,
  sizeBytes: number,
): { readonly gone: Buffer; readonly come: Buffer } {
  const gone: Buffer[] = []
  const come: Buffer[] = []
  let [old, now] = [0, 0]
  while (old < before.length || now < after.length) {
    const order =
      old >= before.length
        ? 1
        : now >= after.length
          ? -1
          : before.compare(after, now, now + sizeBytes, old, old + sizeBytes)
    if (order < 0) gone.push(before.subarray(old, old + sizeBytes))
    else if (order > 0) come.push(after.subarray(now, now + sizeBytes))
    if (order <= 0) old += sizeBytes
    if (order >= 0) now += sizeBytes
  }
  return { gone: Buffer.concat(gone), come: Buffer.concat(come) }
}

const holds = (bytes: Buffer, at: number, record: Buffer): boolean =>
  at < bytes.length && bytes.compare(record, 0, record.length, at, at + record.length) === 0

/** The number of records that come before `prefix`. */
function lowerBound(bytes: Buffer, sizeBytes: number, prefix: Buffer): number {
  let low = 0
  let high = bytes.length / sizeBytes
  while (low < high) {
    const middle = (low + high) >>> 1
    const start = middle * sizeBytes
    // `compare` says how `bytes` stands to `prefix`.
    if (bytes.compare(prefix, 0, prefix.length, start, start + prefix.length) < 0) low = middle + 1
    else high = middle
  }
  return low
}
