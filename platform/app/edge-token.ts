/** How an edge proves to its origin that it is one. */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Made of the media key, which every edge has that checks tokens. */
export const edgeTokenOf = (mediaKey: string): string =>
  createHmac('sha256', mediaKey).update('edge-changes\0').digest('base64url')

/** Compares in constant time. @param header `Authorization`, as it came */
export function isEdge(mediaKey: string, header: string | undefined): boolean {
  const expected = Buffer.from(`Bearer ${edgeTokenOf(mediaKey)}`)
  const given = Buffer.from(header ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
