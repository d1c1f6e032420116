import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffRecords, readSortedRecords, withoutRecord, withRecord } from './sorted-records.ts'

const records = fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { maxLength: 40 })
const built = (all: readonly Uint8Array[]): Buffer =>
  all.reduce<Buffer>((bytes, one) => withRecord(bytes, Buffer.from(one)), Buffer.alloc(0))

test('records stay sorted and single, in whatever order they come', () => {
  fc.assert(
    fc.property(records, (all) => {
      const expected = [...new Set(all.map((one) => Buffer.from(one).toString('hex')))].sort()
      expect(built(all).toString('hex')).toBe(expected.join(''))
    }),
  )
})

test('what is there is found by its beginning, and what is not there is not', () => {
  fc.assert(
    fc.property(records, fc.uint8Array({ minLength: 2, maxLength: 2 }), (all, prefix) => {
      const wanted = Buffer.from(prefix)
      const expected = new Set(
        all
          .map((one) => Buffer.from(one).toString('hex'))
          .filter((hex) => hex.startsWith(wanted.toString('hex'))),
      )
      const found = [...readSortedRecords(built(all), 4).all(wanted)].map((one) => one.toString('hex'))
      expect(new Set(found)).toEqual(expected)
      expect(readSortedRecords(built(all), 4).find(wanted) !== null).toBe(expected.size > 0)
    }),
  )
})

test('one that is taken out is gone, and the others stay', () => {
  const bytes = built([Buffer.from('aaaa'), Buffer.from('bbbb'), Buffer.from('cccc')])
  expect(withoutRecord(bytes, Buffer.from('bbbb')).toString()).toBe('aaaacccc')
  expect(withoutRecord(bytes, Buffer.from('bbba')).toString()).toBe('aaaabbbbcccc')
})

test('a piece that is not made of whole records is refused', () => {
  expect(() => readSortedRecords(Buffer.from('aaaab'), 4)).toThrow(RangeError)
})

test('the difference of two pieces is what one has to lose and to get to become the other', () => {
  fc.assert(
    fc.property(records, records, (some, others) => {
      const [before, after] = [built(some), built(others)]
      const { gone, come } = diffRecords(before, after, 4)
      let made = before
      for (const one of readSortedRecords(gone, 4).all(Buffer.alloc(0))) made = withoutRecord(made, one)
      for (const one of readSortedRecords(come, 4).all(Buffer.alloc(0))) made = withRecord(made, one)
      expect(made).toEqual(after)
      expect(gone.length + come.length).toBeLessThanOrEqual(before.length + after.length)
    }),
  )
  const same = built([Uint8Array.of(1, 2, 3, 4)])
  expect(diffRecords(same, same, 4)).toEqual({ gone: Buffer.alloc(0), come: Buffer.alloc(0) })
})
