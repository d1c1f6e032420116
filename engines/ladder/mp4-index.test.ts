import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoxError } from './boxes.ts'
import { composeEarlyStream, readLongestKeyframeGapS, readMp4Layout, shiftChunkOffsets } from './mp4-index.ts'

const u32 = (...values: number[]) => {
  const bytes = new Uint8Array(values.length * 4)
  values.forEach((value, i) => new DataView(bytes.buffer).setUint32(i * 4, value))
  return bytes
}
const ascii = (value: string) => new TextEncoder().encode(value)

function box(type: string, ...content: Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content)
  return Buffer.concat([u32(8 + body.length), ascii(type), body])
}

const stco = (offsets: number[]) => box('stco', u32(0, offsets.length, ...offsets))
const co64 = (offsets: bigint[]) =>
  box('co64', u32(0, offsets.length), ...offsets.map((o) => u32(Number(o >> 32n), Number(o & 0xffff_ffffn))))
const dref = (flags: number) => box('dref', u32(0, 1), box('url ', u32(flags)))

function moovOf(tables: Uint8Array[], options: { flags?: number; extra?: Uint8Array[] } = {}): Uint8Array {
  const traks = tables.map((table) =>
    box('trak', box('mdia', box('minf', box('dinf', dref(options.flags ?? 1)), box('stbl', table)))),
  )
  return box('moov', box('mvhd', new Uint8Array(100)), ...traks, ...(options.extra ?? []))
}

function readOffsets(moov: Uint8Array, type: 'stco' | 'co64'): number[] {
  const buffer = Buffer.from(moov)
  const found: number[] = []
  for (let at = buffer.indexOf(type); at !== -1; at = buffer.indexOf(type, at + 4)) {
    const count = buffer.readUInt32BE(at + 8)
    for (let i = 0; i < count; i++)
      found.push(
        type === 'stco'
          ? buffer.readUInt32BE(at + 12 + i * 4)
          : Number(buffer.readBigUInt64BE(at + 12 + i * 8)),
      )
  }
  return found
}

describe('layout', () => {
  const ftyp = box('ftyp', ascii('isom'))

  test('an index after the data is at the end', () => {
    const head = Buffer.concat([ftyp, box('free'), u32(5000), ascii('mdat'), new Uint8Array(40)])
    expect(readMp4Layout(head)).toMatchObject({
      isIndexAtEnd: true,
      nextBoxAt: 20 + 5000,
      mdat: { start: 20 },
    })
  })

  test('an index before the data is not', () => {
    const head = Buffer.concat([ftyp, box('moov', new Uint8Array(10)), u32(5000), ascii('mdat')])
    expect(readMp4Layout(head)).toMatchObject({ isIndexAtEnd: false, moov: { start: 12, sizeBytes: 18 } })
  })

  test('data of 64-bit size are understood', () => {
    const head = Buffer.concat([ftyp, u32(1), ascii('mdat'), u32(1, 16), new Uint8Array(8)])
    expect(readMp4Layout(head).mdat).toMatchObject({ headerBytes: 16, sizeBytes: 2 ** 32 + 16 })
  })

  test('data to the end of the file have no known size', () => {
    expect(readMp4Layout(Buffer.concat([ftyp, u32(0), ascii('mdat')]))).toMatchObject({
      mdat: { sizeBytes: null },
      nextBoxAt: null,
    })
  })

  test('no bytes at all make it loop or read outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readMp4Layout(bytes)
          composeEarlyStream(bytes, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(BoxError)
        }
      }),
    )
  })
})

describe('shifting chunk offsets', () => {
  test('moves every track by the same, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 100, max: 2 ** 31 }), { maxLength: 20 }), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.integer({ min: 0, max: 2 ** 30 }),
        (tracks, delta) => {
          const moov = moovOf(tracks.map(stco))
          const shifted = shiftChunkOffsets(moov, delta, 100)
          expect(readOffsets(shifted, 'stco')).toEqual(tracks.flat().map((offset) => offset + delta))
          expect(shiftChunkOffsets(shifted, -delta)).toEqual(new Uint8Array(moov))
        },
      ),
    )
  })

  test('moves 64-bit offsets', () => {
    const moov = moovOf([co64([5_000_000_000n, 7n])])
    expect(readOffsets(shiftChunkOffsets(moov, 93), 'co64')).toEqual([5_000_000_093, 100])
  })

  test('refuses an offset that would overflow 32 bits, and takes the last one that does not', () => {
    expect(readOffsets(shiftChunkOffsets(moovOf([stco([2 ** 32 - 2])]), 1), 'stco')).toEqual([2 ** 32 - 1])
    expect(() => shiftChunkOffsets(moovOf([stco([2 ** 32 - 1])]), 1)).toThrow(/does not fit/)
  })

  test.each([
    ['media in another file', moovOf([stco([1])], { flags: 0 }), /another file/],
    ['a compressed index', moovOf([stco([1])], { extra: [box('cmov')] }), /compressed/],
    ['a fragmented file', moovOf([stco([1])], { extra: [box('mvex')] }), /fragmented/],
    ['a table that claims more than it has', moovOf([box('stco', u32(0, 2 ** 31, 5))]), /cut/],
    ['a chunk before the data', moovOf([stco([3])]), /before the media data/],
    ['an index without tracks', box('moov'), /no track/],
    ['more than one box', Buffer.concat([moovOf([stco([1])]), box('free')]), /not exactly one index/],
    ['a child that reaches over its parent', box('moov', u32(400), ascii('trak')), /reaches over/],
  ])('refuses %s', (_, moov, message) => {
    expect(() => shiftChunkOffsets(moov, 10, 50)).toThrow(message)
  })

  test('survives any damage to a good index', () => {
    const moov = moovOf([stco([100, 200]), co64([300n])])
    fc.assert(
      fc.property(fc.nat(moov.length - 1), fc.nat(255), (at, value) => {
        const damaged = moov.slice()
        damaged[at] = value
        try {
          shiftChunkOffsets(damaged, 10)
          readLongestKeyframeGapS(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(BoxError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('an early stream is what stands before the data, the shifted index, and then the file goes on', () => {
  const ftyp = box('ftyp', ascii('isom'))
  const head = Buffer.concat([ftyp, box('mdat', new Uint8Array(1000))])
  const moov = moovOf([stco([20, 500])])

  const early = composeEarlyStream(head, moov)

  expect(early.continueAt).toBe(ftyp.length)
  expect(early.head.subarray(0, ftyp.length)).toEqual(new Uint8Array(ftyp))
  expect(readOffsets(early.head, 'stco')).toEqual([20 + moov.length, 500 + moov.length])
})

test('the longest way between keyframes counts the end, and is unknown without times', () => {
  const hdlr = box('hdlr', u32(0, 0), ascii('vide'), new Uint8Array(13))
  const mdhd = box('mdhd', u32(0, 0, 0, 1000, 0, 0))
  const make = (...tables: Uint8Array[]) =>
    new Uint8Array(box('moov', box('trak', box('mdia', mdhd, hdlr, box('minf', box('stbl', ...tables))))))
  const stts = box('stts', u32(0, 1, 100, 100))

  expect(readLongestKeyframeGapS(make(stts, box('stss', u32(0, 3, 1, 21, 31))))).toBe(7)
  expect(readLongestKeyframeGapS(make(stts))).toBe(0.1)
  expect(readLongestKeyframeGapS(make())).toBeNull()
})

test('a table of times with a million entries is read like a short one', () => {
  const hdlr = box('hdlr', u32(0, 0), ascii('vide'), new Uint8Array(13))
  const mdhd = box('mdhd', u32(0, 0, 0, 1000, 0, 0))
  const entries = new Uint8Array(8 * 1_000_000)
  new DataView(entries.buffer).setUint32(4, 300)
  const stbl = box('stbl', box('stts', u32(0, 1_000_000), entries))
  const moov = box('moov', box('trak', box('mdia', mdhd, hdlr, box('minf', stbl))))

  expect(readLongestKeyframeGapS(moov)).toBe(0.3)
})
