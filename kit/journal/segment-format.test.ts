import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'
import {
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  readHeaderState,
  RECORD_HEADER_BYTES,
  SALT_BYTES,
  scanSegment,
} from './segment-format.ts'

const salt = Buffer.from('0123456789abcdef', 'hex')
const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 })

/** A segment with these payloads, and where each record begins. */
function write(contents: readonly Uint8Array[], saltOf = salt) {
  const records = contents.map((payload, i) => encodeRecord(saltOf, i + 1, payload))
  const bytes = Buffer.concat([encodeHeader({ firstSequence: 1, salt: saltOf }), ...records])
  let at = HEADER_BYTES
  const starts = records.map((record) => (at += record.length) - record.length)
  return { bytes, starts }
}

const scan = (bytes: Buffer) => [...scanSegment(bytes, salt)]
const sequencesIn = (bytes: Buffer) =>
  scan(bytes).flatMap((found) => (found.kind === 'record' ? [found.sequence] : []))

test('the checksum is that of RFC 3720, appendix B.4, in one piece or in several', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  const counting = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
  expect(crc32c(counting)).toBe(0x46dd794e)
  expect(crc32c(counting.subarray(9), crc32c(counting.subarray(0, 9)))).toBe(0x46dd794e)
})

test('what is written is read, in its order', () => {
  fc.assert(
    fc.property(payloads, (contents) => {
      const { bytes } = write(contents)
      const found = scan(bytes)
      expect(found.map((one) => one.kind === 'record' && [one.sequence, [...one.payload]])).toEqual(
        contents.map((payload, i) => [i + 1, [...payload]]),
      )
    }),
  )
})

test('a segment cut off at any byte gives every record that is whole in it, and the rest as torn', () => {
  fc.assert(
    fc.property(payloads, (contents) => {
      const { bytes, starts } = write(contents)
      for (let length = HEADER_BYTES; length <= bytes.length; length++) {
        const ends = [...starts.slice(1), bytes.length]
        const whole = ends.filter((end) => end <= length).length
        const found = scan(bytes.subarray(0, length))
        expect(found.filter((one) => one.kind === 'record')).toHaveLength(whole)
        const isAtBoundary = length === (ends[whole - 1] ?? HEADER_BYTES)
        expect(found.filter((one) => one.kind === 'damage').map((one) => one.how)).toEqual(
          isAtBoundary ? [] : ['torn'],
        )
      }
    }),
    { numRuns: 25 },
  )
})

test('a file that was made longer before its bytes came ends in zeros, which are torn', () => {
  const { bytes } = write([Buffer.from('one')])
  const longer = Buffer.concat([bytes, Buffer.alloc(100)])
  expect(scan(longer)).toMatchObject([{ kind: 'record' }, { kind: 'damage', how: 'torn' }])
})

test('any byte that is changed costs its own record at most, and is noticed', () => {
  fc.assert(
    fc.property(payloads, fc.nat(), fc.integer({ min: 1, max: 255 }), (contents, where, change) => {
      const { bytes, starts } = write(contents)
      const at = HEADER_BYTES + (where % (bytes.length - HEADER_BYTES))
      bytes[at] = bytes[at]! ^ change
      const hit = starts.findLastIndex((start) => start <= at)
      expect(sequencesIn(bytes)).toEqual(
        contents.map((_, i) => i + 1).filter((sequence) => sequence !== hit + 1),
      )
      expect(scan(bytes).some((found) => found.kind === 'damage')).toBe(true)
    }),
  )
})

test('bytes that are lost or added in the middle cost the records that they touch', () => {
  fc.assert(
    fc.property(
      payloads,
      fc.nat(),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(40),
      (contents, where, added, lost) => {
        const { bytes, starts } = write(contents)
        const at = HEADER_BYTES + (where % (bytes.length - HEADER_BYTES))
        const until = Math.min(bytes.length, at + lost)
        const damaged = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(until)])
        const ends = [...starts.slice(1), bytes.length]
        const untouched = contents.flatMap((_, i) => (ends[i]! <= at || starts[i]! >= until ? [i + 1] : []))
        const isTouched = (i: number) => starts[i - 1]! < at && at < ends[i - 1]!
        const found = sequencesIn(damaged)
        expect(found).toEqual(expect.arrayContaining(untouched.filter((one) => !isTouched(one))))
      },
    ),
  )
})

test('what a person writes never passes for a record, even where the record around it is bad', () => {
  const forged = encodeRecord(Buffer.alloc(SALT_BYTES), 99, Buffer.from('forged'))
  const { bytes, starts } = write([forged, Buffer.from('after')])
  bytes[starts[0]! + RECORD_HEADER_BYTES - 1]! ^= 1
  expect(sequencesIn(bytes)).toEqual([2])
})

test('a header tells what is damaged from what a newer version wrote', () => {
  const header = encodeHeader({ firstSequence: 7, salt })
  expect(readHeaderState(header)).toBe('intact')
  for (let at = 0; at < HEADER_BYTES; at++) {
    const damaged = Buffer.from(header)
    damaged[at]! ^= 0x40
    expect(readHeaderState(damaged)).toBe('damaged')
    expect(readHeaderState(header.subarray(0, at))).toBe('damaged')
  }
  const newer = Buffer.from(header)
  newer[7] = 2
  newer.writeUInt32LE(crc32c(newer.subarray(0, 28)), 28)
  expect(readHeaderState(newer)).toBe('newer')
})
