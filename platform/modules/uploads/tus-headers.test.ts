import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeMetadata } from '../../../tests/support/ingest.ts'
import { AppError } from '../../app/errors.ts'
import { readByteCount, readUploadMetadata } from './tus-headers.ts'

test('any text survives the way through Upload-Metadata', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.string({ minLength: 1, maxLength: 100 }),
      (caption, filename) => {
        expect(readUploadMetadata(encodeMetadata({ caption, filename }))).toMatchObject({ caption, filename })
      },
    ),
  )
})

test('whatever is sent as Upload-Metadata is understood or refused with a reason', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (header) => {
      try {
        readUploadMetadata(header)
      } catch (error) {
        expect(error).toBeInstanceOf(AppError)
        expect((error as AppError).code).toBe('invalid-input')
      }
    }),
  )
})

test('a key without a value is an empty text', () => {
  const filename = Buffer.from('a.mp4').toString('base64')
  expect(readUploadMetadata(`filename ${filename}, caption`)).toMatchObject({
    filename: 'a.mp4',
    caption: '',
  })
})

test('byte counts are whole numbers that can be told exactly', () => {
  const read = (value?: string) => readByteCount({ 'upload-offset': value }, 'Upload-Offset')
  expect([read('0'), read('9007199254740991')]).toEqual([0, 9_007_199_254_740_991])
  for (const value of [undefined, '', '-1', '1.5', '1e3', ' 1', '0x10', '9007199254740993'])
    expect(() => read(value)).toThrow('whole number')
})
