/** SHA-256 over a file that grows: of the whole, and of each leaf of 4 MiB, so that rot can be found and placed. */
import { createHash, type Hash } from 'node:crypto'

export const LEAF_BYTES = 4 * 1024 * 1024
export const LEAF_HASH_BYTES = 32

export interface ByteHashes {
  /** Takes in the bytes that follow. */
  update(bytes: Uint8Array): void
  /** Hashes of the full leaves so far. */
  leaves(): readonly Buffer[]
  /** Hashes of all leaves, the last one maybe short, and of everything. Can be asked at any time. */
  digest(): { readonly sha256: Buffer; readonly leaves: readonly Buffer[] }
  /** The same state, from here on on its own. */
  fork(): ByteHashes
}

export function createByteHashes(): ByteHashes {
  return resume(createHash('sha256'), createHash('sha256'), 0, [])
}

function resume(whole: Hash, firstLeaf: Hash, firstLeafBytes: number, done: readonly Buffer[]): ByteHashes {
  let leaf = firstLeaf
  let leafBytes = firstLeafBytes
  const leaves = [...done]
  return {
    update(bytes) {
      whole.update(bytes)
      for (let at = 0; at < bytes.byteLength;) {
        const part = bytes.subarray(at, at + LEAF_BYTES - leafBytes)
        leaf.update(part)
        leafBytes += part.byteLength
        at += part.byteLength
        if (leafBytes < LEAF_BYTES) continue
        leaves.push(leaf.digest())
        leaf = createHash('sha256')
        leafBytes = 0
      }
    },
    leaves: () => leaves,
    digest: () => ({
      sha256: whole.copy().digest(),
      leaves: leafBytes === 0 ? [...leaves] : [...leaves, leaf.copy().digest()],
    }),
    fork: () => resume(whole.copy(), leaf.copy(), leafBytes, leaves),
  }
}
