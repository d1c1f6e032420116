import { expect, test } from 'vitest'
import { encodeMetadata } from './create-upload.ts'
import { fingerprintIn, fingerprintOf } from './fingerprint.ts'

const SIZE = 300_000
const fileWith = (changedAt: number | null) => {
  const bytes = new Uint8Array(SIZE).map((_, at) => at % 251)
  if (changedAt !== null) bytes[changedAt]! ^= 1
  return new Blob([bytes])
}

test('the same bytes have the same mark, whatever the file is called', async () => {
  expect(await fingerprintOf(fileWith(null))).toBe(await fingerprintOf(fileWith(null)))
  expect(await fingerprintOf(new Blob([]))).toMatch(/^a-0-/)
})

test.each([0, SIZE / 2, SIZE - 1])(
  'another file of the same size is told apart by its byte %i',
  async (at) => {
    expect(await fingerprintOf(fileWith(at))).not.toBe(await fingerprintOf(fileWith(null)))
  },
)

test('FNV-1a is computed as it is published', async () => {
  // "foobar" has 0xbf9cf968; it is beginning, middle and end at once, save that the middle begins at "bar".
  const mark = await fingerprintOf(new Blob(['foobar']))
  expect(mark!.split('-').slice(2, 3)).toEqual([(0xbf9cf968).toString(36)])
})

test('the mark comes back out of the metadata of the upload', async () => {
  const fingerprint = (await fingerprintOf(fileWith(null)))!
  expect(fingerprintIn(encodeMetadata({ filename: 'a fingerprint.mp4', fingerprint }))).toBe(fingerprint)
  expect(fingerprintIn(encodeMetadata({ filename: 'a.mp4' }))).toBeNull()
  expect(fingerprintIn(encodeMetadata({ fingerprint: 'b-of-tomorrow' }))).toBeNull()
  expect(fingerprintIn(null)).toBeNull()
})
