/**
 * The bytes of a segment: a header, then records one after the other.
 *
 * Header, 32 bytes: `journal` and a version byte · the first sequence (u64) · a salt (8 bytes) · zeros (4) · CRC-32C (u32).
 * Record: mark (4 bytes) · length of the payload (u32) · sequence (u64) · CRC-32C (u32) · payload. Little-endian throughout.
 *
 * The checksum of a record covers salt, length, sequence and payload. Salts are random, a segment each, and stand in the
 * file's name as well: bytes of a payload, or of another segment, never pass for a record, and a header that is damaged
 * takes no record with it.
 */
import { crc32c } from './crc32c.ts'

export const FORMAT_VERSION = 1
export const HEADER_BYTES = 32
export const RECORD_HEADER_BYTES = 20
export const SALT_BYTES = 8

const NAME = Buffer.from('journal', 'latin1')
/** No byte of it stands in UTF-8. */
const MARK = Buffer.from([0xff, 0xfb, 0xfe, 0xf9])

export interface SegmentId {
  /** No record of the segment has a lower one. */
  readonly firstSequence: number
  readonly salt: Buffer
}

/** The first HEADER_BYTES of a segment, with a checksum of their own. */
export function encodeHeader({ firstSequence, salt }: SegmentId): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  NAME.copy(header)
  header.writeUInt8(FORMAT_VERSION, NAME.length)
  header.writeBigUInt64LE(BigInt(firstSequence), 8)
  salt.copy(header, 16)
  header.writeUInt32LE(crc32c(header.subarray(0, 28)), 28)
  return header
}

export type HeaderState = 'intact' | 'damaged' | 'newer'

/** What the first bytes of a segment say: `newer` is a version that this code does not read. */
export function readHeaderState(bytes: Buffer): HeaderState {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, NAME.length).equals(NAME)) return 'damaged'
  if (crc32c(bytes.subarray(0, 28)) !== bytes.readUInt32LE(28)) return 'damaged'
  return bytes.readUInt8(NAME.length) > FORMAT_VERSION ? 'newer' : 'intact'
}

/** A record as it lies in the file; another segment's salt makes it none. */
export function encodeRecord(salt: Buffer, sequence: number, payload: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + payload.length)
  MARK.copy(record)
  record.writeUInt32LE(payload.length, 4)
  record.writeBigUInt64LE(BigInt(sequence), 8)
  record.set(payload, RECORD_HEADER_BYTES)
  record.writeUInt32LE(checksumOf(record, salt), 16)
  return record
}

function checksumOf(record: Buffer, salt: Buffer): number {
  return crc32c(record.subarray(RECORD_HEADER_BYTES), crc32c(record.subarray(4, 16), crc32c(salt)))
}

export interface StoredRecord {
  readonly kind: 'record'
  readonly sequence: number
  readonly payload: Buffer
  /** Where the record ends in the segment. */
  readonly end: number
}

/** Bytes that are no record. */
export interface Damage {
  readonly kind: 'damage'
  readonly start: number
  readonly end: number
  /**
   * `torn`: the end of a record whose writing was cut off, so that it was never acknowledged. `bad`: anything else; a record
   * that was acknowledged may have stood there.
   */
  readonly how: 'torn' | 'bad'
}

/** Reads what a segment holds, in its order. Goes on behind damage at the next record that is intact. */
export function* scanSegment(bytes: Buffer, salt: Buffer): Generator<StoredRecord | Damage> {
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const record = readRecord(bytes, at, salt)
    if (record) {
      yield record
      at = record.end
      continue
    }
    const next = findNextRecord(bytes, at + 1, salt)
    yield { kind: 'damage', start: at, end: next, how: howDamaged(bytes, at, next) }
    at = next
  }
}

function readRecord(bytes: Buffer, at: number, salt: Buffer): StoredRecord | null {
  if (at + RECORD_HEADER_BYTES > bytes.length || !isMarked(bytes, at)) return null
  const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 4)
  if (end > bytes.length) return null
  const record = bytes.subarray(at, end)
  if (checksumOf(record, salt) !== record.readUInt32LE(16)) return null
  const sequence = Number(record.readBigUInt64LE(8))
  return { kind: 'record', sequence, payload: record.subarray(RECORD_HEADER_BYTES), end }
}

const isMarked = (bytes: Buffer, at: number): boolean =>
  bytes.compare(MARK, 0, MARK.length, at, at + MARK.length) === 0

/** Where the next intact record begins; the end of the segment when there is none. */
function findNextRecord(bytes: Buffer, from: number, salt: Buffer): number {
  for (let at = bytes.indexOf(MARK, from); at >= 0; at = bytes.indexOf(MARK, at + 1))
    if (readRecord(bytes, at, salt)) return at
  return bytes.length
}

/** What a writer leaves that is cut off begins as a record does, or is all zeros, and ends with the file before its length does. */
function howDamaged(bytes: Buffer, start: number, end: number): Damage['how'] {
  if (end < bytes.length) return 'bad'
  const rest = bytes.subarray(start)
  const mark = Math.min(rest.length, MARK.length)
  if (rest.subarray(0, mark).equals(MARK.subarray(0, mark))) {
    if (rest.length < RECORD_HEADER_BYTES) return 'torn'
    return RECORD_HEADER_BYTES + rest.readUInt32LE(4) > rest.length ? 'torn' : 'bad'
  }
  return rest.every((byte) => byte === 0) ? 'torn' : 'bad'
}
