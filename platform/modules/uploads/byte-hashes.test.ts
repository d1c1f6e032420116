import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createByteHashes, LEAF_BYTES } from './byte-hashes.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const hex = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('hex'))

function digestInPieces(bytes: Buffer, pieceBytes: number) {
  const hashes = createByteHashes()
  for (let at = 0; at < bytes.length; at += pieceBytes) hashes.update(bytes.subarray(at, at + pieceBytes))
  return hashes.digest()
}

test.each([0, 1, LEAF_BYTES - 1, LEAF_BYTES, LEAF_BYTES + 1, 2 * LEAF_BYTES, 2 * LEAF_BYTES + 77])(
  'of %i bytes the whole and each leaf are hashed, however they come',
  (sizeBytes) => {
    const bytes = randomBytes(sizeBytes)
    const leaves = []
    for (let at = 0; at < sizeBytes; at += LEAF_BYTES)
      leaves.push(sha256(bytes.subarray(at, at + LEAF_BYTES)))
    for (const pieceBytes of [65_536, LEAF_BYTES, 3_000_001, 3 * LEAF_BYTES]) {
      const digest = digestInPieces(bytes, pieceBytes)
      expect(digest.sha256.toString('hex')).toBe(sha256(bytes))
      expect(hex(digest.leaves)).toEqual(leaves)
    }
  },
)

test('a fork goes its own way, and asking for a digest changes nothing', () => {
  const [first, second] = [randomBytes(LEAF_BYTES - 10), randomBytes(100)]
  const hashes = createByteHashes()
  hashes.update(first)
  const fork = hashes.fork()
  hashes.update(second)
  expect(hashes.leaves()).toHaveLength(1)
  expect(fork.leaves()).toHaveLength(0)
  expect(fork.digest().sha256.toString('hex')).toBe(sha256(first))
  fork.update(second)
  expect(fork.digest()).toEqual(hashes.digest())
})
