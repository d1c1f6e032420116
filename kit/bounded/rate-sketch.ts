/**
 * Token buckets for any number of keys in memory of fixed size: a count-min sketch (Cormode & Muthukrishnan, "An Improved
 * Data Stream Summary", 2005) whose counters are leaky buckets, added to conservatively (Estan & Varghese, "New Directions
 * in Traffic Measurement", 2002).
 *
 * A key is never taken for emptier than it is, so a limit holds for sure. It may be taken for fuller, when others share its
 * counters in every row: by no more than what all keys together add during a refill, divided by the columns of a row.
 */
import type { Clock } from '../clock.ts'
import type { RateBucket } from './rate-bucket.ts'

export interface RateSketchOptions {
  /** Tokens a full bucket holds: the largest burst. */
  readonly burst: number
  /** How long an empty bucket takes to fill. */
  readonly refillMs: number
  /** A power of two. 65,536 take 3 MiB in four rows. @default 65536 */
  readonly columns?: number
  readonly clock: Clock
  /** At random: nobody outside can find keys that share their counters. */
  readonly seed: number
}

export interface RateSketch extends RateBucket {
  /** Tokens that are taken now, as far as is known: 0 for a key that nobody has asked for. */
  levelOf(key: string): number
  /** All that it will ever take. */
  readonly sizeBytes: number
}

const ROWS = 4
const COLUMNS = 65_536
/** Of a counter: a level and the time when it was true. */
const COUNTER_BYTES = Float32Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT

/** All buckets are full. A call costs two hashes of the key and four counters, whatever was asked before. */
export function createRateSketch(options: RateSketchOptions): RateSketch {
  const { burst, refillMs, columns = COLUMNS, clock, seed } = options
  if (columns < 1 || (columns & (columns - 1)) !== 0) throw new RangeError('columns is no power of two.')
  const leakPerMs = burst / refillMs
  const levels = new Float32Array(ROWS * columns)
  const atMs = new Float64Array(ROWS * columns)
  const mask = columns - 1
  // Of the key that was looked at last: one thread asks, one key at a time.
  const slots = new Uint32Array(ROWS)

  /** Finds the key's counters; answers its level, the least that they say. */
  function look(key: string, nowMs: number): number {
    const first = hashOf(key, seed)
    const step = mix(first ^ 0x9e3779b1) | 1
    let least = Infinity
    for (let row = 0; row < ROWS; row++) {
      const slot = row * columns + ((first + Math.imul(row, step)) & mask)
      slots[row] = slot
      least = Math.min(least, levels[slot]! - (nowMs - atMs[slot]!) * leakPerMs)
    }
    return Math.max(0, least)
  }

  /** Raises the counters that say less than this; those that others have filled further stay as they are. */
  function raiseTo(level: number, nowMs: number): void {
    for (const slot of slots) {
      if (levels[slot]! - (nowMs - atMs[slot]!) * leakPerMs >= level) continue
      levels[slot] = level
      atMs[slot] = nowMs
    }
  }

  return {
    sizeBytes: ROWS * columns * COUNTER_BYTES,
    take(key) {
      const nowMs = clock.monotonicMs()
      const level = look(key, nowMs)
      if (level + 1 > burst) return Math.ceil((level + 1 - burst) / leakPerMs)
      raiseTo(level + 1, nowMs)
      return 0
    },
    giveBack(key) {
      const nowMs = clock.monotonicMs()
      const level = look(key, nowMs)
      for (const slot of slots) {
        const now = levels[slot]! - (nowMs - atMs[slot]!) * leakPerMs
        // A counter that says more is another's, too: taking from it could empty that one's bucket.
        if (now > level + 0.5) continue
        levels[slot] = Math.max(0, now - 1)
        atMs[slot] = nowMs
      }
    },
    levelOf: (key) => look(key, clock.monotonicMs()),
  }
}

/** FNV-1a, then mixed so that each bit depends on all. */
function hashOf(key: string, seed: number): number {
  let hash = seed | 0
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/** The finaliser of MurmurHash3. */
function mix(bits: number): number {
  let hash = bits
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
