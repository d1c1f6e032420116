/** Who is let into a region while it reopens. Pure. */

/** The stages by which a closed region reopens: of its people, how many are let in. */
export const REOPENING_SHARES = [0.05, 0.25, 1] as const

/**
 * Whether this one is let in at the share: always the same answer, and who is let in at one share is at each higher one.
 *
 * @param key who asks, by what does not change with signing in
 * @param share 0 to 1
 */
export function isLetIntoRegion(region: string, key: string, share: number): boolean {
  return share >= 1 || (share > 0 && pointOf(`${region}\0${key}`) < share)
}

/** Uniform in [0, 1): FNV-1a, its bits mixed as MurmurHash3 does in the end, for texts that differ in their last digit. */
function pointOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
