/**
 * Counts by key that fall to nothing over a window, in memory of fixed size that nothing is allocated in: for what is asked
 * of each request of a crowd. Laid out as a processor's cache is: a key has four slots to be in, and takes that of the one
 * counted longest ago.
 */
import type { Clock } from '../clock.ts'

export interface FadingCounts {
  /** Adds one; answers how many there are now, rounded. */
  add(key: string): number
  /** How many there are; 0 for a key that is not known, or not any longer. */
  count(key: string): number
}

export interface FadingCountsOptions {
  readonly clock: Clock
  readonly windowMs: number
  /** A power of two. At 65,536 keys it takes 1 MiB. */
  readonly maxKeys: number
  /** At random: nobody outside can find keys that share their slots. */
  readonly seed: number
}

const WAYS = 4

/** Begins with nothing counted. Two keys in some four thousand million pass for one another. */
export function createFadingCounts({ clock, windowMs, maxKeys, seed }: FadingCountsOptions): FadingCounts {
  const tags = new Uint32Array(maxKeys)
  const values = new Float32Array(maxKeys)
  const atMs = new Float64Array(maxKeys).fill(-Infinity)
  const mask = maxKeys / WAYS - 1

  /** The key's slot, or that which it may take, then with another's tag. */
  function find(key: string, tag: number): number {
    const first = (mix(tag ^ key.length) & mask) * WAYS
    let oldest = first
    for (let slot = first; slot < first + WAYS; slot++) {
      if (tags[slot] === tag) return slot
      if (atMs[slot]! < atMs[oldest]!) oldest = slot
    }
    return oldest
  }

  const fade = (slot: number, nowMs: number): number =>
    Math.max(0, values[slot]! * (1 - (nowMs - atMs[slot]!) / windowMs))

  return {
    add(key) {
      const tag = tagOf(key, seed)
      const slot = find(key, tag)
      const nowMs = clock.monotonicMs()
      values[slot] = (tags[slot] === tag ? fade(slot, nowMs) : 0) + 1
      tags[slot] = tag
      atMs[slot] = nowMs
      return Math.round(values[slot]!)
    },
    count(key) {
      const tag = tagOf(key, seed)
      const slot = find(key, tag)
      return tags[slot] === tag ? fade(slot, clock.monotonicMs()) : 0
    },
  }
}

/** FNV-1a, then mixed so that each bit depends on all. */
function tagOf(key: string, seed: number): number {
  let hash = seed | 0
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  // 0 is the tag of an empty slot.
  return mix(hash) || 1
}

/** The finaliser of MurmurHash3. */
function mix(bits: number): number {
  let hash = bits
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
