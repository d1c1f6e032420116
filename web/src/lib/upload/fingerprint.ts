/**
 * Knows a film again, on any device: another one of the same size would go on where the first one stopped, and spoil
 * both. No secret and no proof, only against a slip of the finger: FNV-1a over parts of the file, for a page without HTTPS
 * has no better hash.
 */

const PART_BYTES = 64 * 1024
/** Set before each mark: another way to make it gets another name. */
const VERSION = 'a'

/** The mark of a file: its size, and what stands at its beginning, in its middle and at its end. Null: it can't be read. */
export async function fingerprintOf(file: Blob): Promise<string | null> {
  const starts = [0, Math.floor(file.size / 2), Math.max(0, file.size - PART_BYTES)]
  try {
    const parts = await Promise.all(
      starts.map((start) => file.slice(start, start + PART_BYTES).arrayBuffer()),
    )
    return `${VERSION}-${file.size.toString(36)}-${parts.map((part) => hash(new Uint8Array(part))).join('-')}`
  } catch {
    return null
  }
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
function hash(bytes: Uint8Array): string {
  let value = 0x811c9dc5
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193)
  return (value >>> 0).toString(36)
}

/** The mark in an `Upload-Metadata` header; null when there is none, or one made in another way. */
export function fingerprintIn(metadata: string | null): string | null {
  const value = /(?:^|,)\s*fingerprint ([A-Za-z0-9+/=]+)/.exec(metadata ?? '')?.[1]
  if (!value) return null
  try {
    const mark = atob(value)
    return mark.startsWith(`${VERSION}-`) ? mark : null
  } catch {
    return null
  }
}
