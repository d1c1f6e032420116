import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { seal, SealBrokenError, unseal } from './sealed-stream.ts'

const MIB = 1024 * 1024
const key = randomBytes(32)

async function* inPieces(bytes: Uint8Array, size = 65_537): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function gather(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}
const sealed = (bytes: Uint8Array, purpose = 'a') => gather(seal(inPieces(bytes), key, purpose))
const opened = (bytes: Uint8Array, purpose = 'a', by = key) => gather(unseal(inPieces(bytes), by, purpose))

test.each([0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 7])(
  '%i bytes come back as they were',
  async (size) => {
    const bytes = randomBytes(size)
    expect((await opened(await sealed(bytes))).equals(bytes)).toBe(true)
  },
)

test('the same bytes are never sealed to the same', async () => {
  const bytes = randomBytes(100)
  expect((await sealed(bytes)).equals(await sealed(bytes))).toBe(false)
})

test('another key and another purpose open nothing', async () => {
  const bytes = await sealed(randomBytes(100))
  await expect(opened(bytes, 'b')).rejects.toThrow(SealBrokenError)
  await expect(opened(bytes, 'a', randomBytes(32))).rejects.toThrow(SealBrokenError)
})

test('a changed bit is found wherever it is', async () => {
  const whole = await sealed(randomBytes(2 * MIB + 5))
  for (const at of [0, 8, 40, MIB + 30, MIB + 60, whole.length - 1]) {
    const spoilt = Buffer.from(whole)
    spoilt[at]! ^= 1
    await expect(opened(spoilt)).rejects.toThrow(SealBrokenError)
  }
})

test('a stream that was cut off is found, also where a frame ends', async () => {
  const whole = await sealed(randomBytes(2 * MIB))
  for (const length of [0, 39, 40, 41, 40 + MIB + 16, whole.length - 1])
    await expect(opened(whole.subarray(0, length))).rejects.toThrow(SealBrokenError)
})

test('frames that change places are found', async () => {
  const whole = await sealed(randomBytes(3 * MIB))
  const frame = (i: number) => whole.subarray(40 + i * (MIB + 16), 40 + (i + 1) * (MIB + 16))
  const swapped = Buffer.concat([whole.subarray(0, 40), frame(1), frame(0), frame(2)])
  await expect(opened(swapped)).rejects.toThrow(SealBrokenError)
})
