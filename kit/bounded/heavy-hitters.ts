/**
 * Who asks most, in bounded memory: Space-Saving (Metwally, Agrawal & El Abbadi, "Efficient Computation of Frequent and
 * Top-k Elements in Data Streams", 2005), fading with time. Whoever makes more than 1/maxKeys of all is surely in it.
 */
import type { Clock } from '../clock.ts'

export interface HeavyHitter {
  readonly key: string
  /** As often as it asks, at most. */
  readonly perS: number
}

export interface HeavyHitters {
  add(key: string, weight?: number): void
  forget(key: string): void
  /** The heaviest first. */
  top(count: number): readonly HeavyHitter[]
}

export interface HeavyHittersOptions {
  readonly maxKeys: number
  /** What was counted so long ago counts for a third. */
  readonly memoryMs: number
  readonly clock: Clock
}

/** So many are compared when a place is needed: the least of a sample stands for the least of all. */
const SAMPLED = 8

/** Begins with nobody. A call costs a few look-ups, however many keys there were. */
export function createHeavyHitters({ maxKeys, memoryMs, clock }: HeavyHittersOptions): HeavyHitters {
  const places = new Map<string, number>()
  const keys: string[] = []
  const weights = new Float64Array(maxKeys)
  const atMs = new Float64Array(maxKeys)
  let hand = 0

  const fade = (place: number, nowMs: number): number =>
    weights[place]! * Math.exp((atMs[place]! - nowMs) / memoryMs)

  /** The lightest of some, in turns: each is looked at again before long. */
  function findLight(nowMs: number): number {
    let lightest = hand
    let least = Infinity
    for (let looked = 0; looked < Math.min(SAMPLED, maxKeys); looked++) {
      const weight = fade(hand, nowMs)
      if (weight < least) [lightest, least] = [hand, weight]
      hand = (hand + 1) % maxKeys
    }
    return lightest
  }

  function placeOf(key: string, nowMs: number): number {
    const known = places.get(key)
    if (known !== undefined) return known
    const place = keys.length < maxKeys ? keys.length : findLight(nowMs)
    const before = keys[place]
    // The newcomer inherits what was counted there: it is told too high, never too low.
    if (before !== undefined) places.delete(before)
    keys[place] = key
    places.set(key, place)
    return place
  }

  return {
    add(key, weight = 1) {
      const nowMs = clock.monotonicMs()
      const place = placeOf(key, nowMs)
      weights[place] = fade(place, nowMs) + weight
      atMs[place] = nowMs
    },
    forget(key) {
      const place = places.get(key)
      if (place !== undefined) weights[place] = 0
    },
    top(count) {
      const nowMs = clock.monotonicMs()
      return keys
        .map((key, place) => ({ key, perS: (fade(place, nowMs) / memoryMs) * 1_000 }))
        .filter(({ perS }) => perS > 0)
        .toSorted((a, b) => b.perS - a.perS)
        .slice(0, count)
    },
  }
}
