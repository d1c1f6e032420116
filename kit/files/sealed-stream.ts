/**
 * Streams sealed by a key: AES-256-GCM in frames, so that a reader gets no byte that was not authenticated, and needs no
 * more memory than a frame.
 *
 * The frames are those of the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015): the nonce counts the
 * frames and marks the last one, so none can be changed, left out, repeated, reordered or cut off. Each stream has a key of
 * its own, derived by HKDF from the given one, a random salt and what the stream is for.
 *
 *   magic (8) · salt (32) · frames of [ciphertext · tag (16)], each of FRAME_BYTES of content but the last
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

export const SEAL_KEY_BYTES = 32
const MAGIC = Buffer.from('UPBSEAL1', 'latin1')
const SALT_BYTES = 32
const TAG_BYTES = 16
const NONCE_BYTES = 12
const FRAME_BYTES = 1024 * 1024
const HEADER_BYTES = MAGIC.length + SALT_BYTES

/** The stream was not sealed by this key for this purpose, or is not as it was sealed. */
export class SealBrokenError extends Error {}

/** Seals what passes. @param purpose what it is: a reader has to name the same */
export async function* seal(
  source: AsyncIterable<Uint8Array>,
  key: Uint8Array,
  purpose: string,
): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(SALT_BYTES)
  const streamKey = deriveKey(key, salt, purpose)
  yield Buffer.concat([MAGIC, salt])
  let index = 0
  for await (const { bytes, isLast } of regroup(source, FRAME_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', streamKey, nonceOf(index++, isLast))
    const sealed = cipher.update(bytes)
    cipher.final()
    yield Buffer.concat([sealed, cipher.getAuthTag()])
  }
}

/**
 * Opens what `seal` has made.
 *
 * @throws {SealBrokenError} before giving a byte that is not authentic; a cut is found at its end.
 */
export async function* unseal(
  source: AsyncIterable<Uint8Array>,
  key: Uint8Array,
  purpose: string,
): AsyncGenerator<Uint8Array> {
  let streamKey: Buffer | null = null
  let index = 0
  for await (const { bytes, isLast } of regroup(
    withoutHeader(source, (salt) => {
      streamKey = deriveKey(key, salt, purpose)
    }),
    FRAME_BYTES + TAG_BYTES,
  )) {
    if (!streamKey || bytes.length < TAG_BYTES) throw new SealBrokenError('It is cut off.')
    const decipher = createDecipheriv('aes-256-gcm', streamKey, nonceOf(index++, isLast))
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
    const opened = decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES))
    try {
      decipher.final()
    } catch (cause) {
      throw new SealBrokenError('It is not as it was sealed, or was sealed by another key.', { cause })
    }
    yield opened
  }
}

const deriveKey = (key: Uint8Array, salt: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `upbeat sealed stream\0${purpose}`, SEAL_KEY_BYTES))

/** 88 bits that count the frames, and one byte that says whether it is the last. */
function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUIntBE(index, 5, 6)
  nonce[NONCE_BYTES - 1] = isLast ? 1 : 0
  return nonce
}

/** Takes magic and salt off the front. */
async function* withoutHeader(
  source: AsyncIterable<Uint8Array>,
  onSalt: (salt: Buffer) => void,
): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0)
  for await (const chunk of source) {
    if (!head) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < HEADER_BYTES) continue
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) throw new SealBrokenError('It is no sealed stream.')
    onSalt(head.subarray(MAGIC.length, HEADER_BYTES))
    const rest = head.subarray(HEADER_BYTES)
    head = null
    yield rest
  }
  if (head) throw new SealBrokenError('It is cut off.')
}

/** The same bytes in pieces of `size`; there is always a last one, of one to `size` bytes, or empty when all is. */
async function* regroup(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<{ bytes: Buffer; isLast: boolean }> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const chunk of source) {
    held.push(chunk)
    heldBytes += chunk.byteLength
    // One byte beyond a piece proves that it is not the last.
    if (heldBytes <= size) continue
    let all = Buffer.concat(held, heldBytes)
    while (all.length > size) {
      yield { bytes: all.subarray(0, size), isLast: false }
      all = all.subarray(size)
    }
    held = [all]
    heldBytes = all.length
  }
  yield { bytes: Buffer.concat(held, heldBytes), isLast: true }
}
