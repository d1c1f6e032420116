/**
 * How long each kind of request takes when nothing waits inside: what round trips are held against.
 *
 * It is a mean, taken over short times in which few are under way, not the least value ever seen: a minimum of noisy
 * values only falls, and a limit that follows it only shrinks.
 */

/** Round trips beyond so many times their kind's usual one count as that many: one long request proves nothing. */
const LONGEST_COUNTED = 8
/** A kind is known after so many round trips. */
const KNOWN_AFTER = 8
/** A kind's own mean weighs as much as the mean of all after so many round trips. */
const HALF_WEIGHT_AT = 8
/** When all take this much longer or shorter than they used to, the world has changed and the old values say nothing. */
const SHORTER_BY = 0.8
const LONGER_BY = 1.5
/** Else a re-take counts for this much: it is a mean of noisy values, and the limit goes where it goes. */
const STEADY = 0.25
/** In quiet, a window moves the baseline by this share of the difference… */
const DRIFT = 0.1
/** …and up by less: what seems quiet may wait inside already, before the limit has been found. */
const DRIFT_UP = 0.01
/** Kinds kept apart; whatever comes beyond them is one kind together. */
const MAX_KINDS = 512

interface Kind {
  /** 0: not known yet. */
  usualMs: number
  count: number
  sumMs: number
}

export class Baseline {
  readonly #kinds: Kind[] = []
  /** Round trips taken anew, those of unknown kinds left out. */
  #count = 0
  #sumMs = 0
  #usualSumMs = 0
  /** Slow mean over all kinds as they come. */
  #mixMs = 0

  /** What a request usually takes, over the kinds as they come lately; 0 before anything is known. */
  get mixMs(): number {
    return this.#mixMs
  }

  get takenCount(): number {
    return this.#count
  }

  usualMs(kind: number): number {
    return this.#kinds[kind < MAX_KINDS ? kind : MAX_KINDS]?.usualMs ?? 0
  }

  /**
   * Learns a kind that is not known yet; `inflation` is how many times longer than usual requests take just now.
   *
   * @returns whether it was known already.
   */
  meet(kind: number, roundTripMs: number, inflation: number): boolean {
    const known = this.#kindOf(kind)
    if (known.usualMs > 0) {
      this.#mixMs += (known.usualMs - this.#mixMs) * 0.01
      return true
    }
    known.count += 1
    known.sumMs += roundTripMs
    if (known.count >= KNOWN_AFTER) {
      known.usualMs = Math.max(known.sumMs / known.count / Math.max(1, inflation), 0.001)
      if (this.#mixMs === 0) this.#mixMs = known.usualMs
      known.count = 0
      known.sumMs = 0
    }
    return false
  }

  /** As it counts: bounded by what is usual for its kind, which has to be known. */
  bounded(kind: number, roundTripMs: number): number {
    return Math.min(roundTripMs, this.usualMs(kind) * LONGEST_COUNTED)
  }

  /** Notes a round trip that was made while few were under way. */
  take(kind: number, boundedMs: number): void {
    const known = this.#kindOf(kind)
    known.count += 1
    known.sumMs += boundedMs
    this.#count += 1
    this.#sumMs += boundedMs
    this.#usualSumMs += known.usualMs
  }

  /** Begins to take anew. */
  forgetTaken(): void {
    for (const kind of this.#kinds) {
      // What is not known yet goes on being learnt.
      if (!kind || kind.usualMs === 0) continue
      kind.count = 0
      kind.sumMs = 0
    }
    this.#count = 0
    this.#sumMs = 0
    this.#usualSumMs = 0
  }

  /**
   * Makes what was taken the new baseline, and begins anew. Few round trips move it by little.
   *
   * @returns how many times longer than the old baseline they took.
   */
  settle(): number {
    let ratio = 1
    if (this.#count > 0 && this.#usualSumMs > 0) {
      ratio = this.#sumMs / this.#usualSumMs
      const hasChanged = ratio < SHORTER_BY || ratio > LONGER_BY
      const trust = this.#count / (this.#count + HALF_WEIGHT_AT)
      const move = 1 + (ratio - 1) * (hasChanged ? trust : trust * STEADY)
      for (const kind of this.#kinds) {
        if (!kind || kind.usualMs === 0) continue
        const own = (kind.count / (kind.count + HALF_WEIGHT_AT)) * (hasChanged ? 1 : STEADY)
        const mean = kind.count > 0 ? kind.sumMs / kind.count : 0
        kind.usualMs = Math.max(own * mean + (1 - own) * kind.usualMs * move, 0.001)
      }
      this.#mixMs *= move
    }
    this.forgetTaken()
    return ratio
  }

  /** Goes along, slowly, with how many times longer than usual requests take in quiet. */
  drift(ratio: number): void {
    const move = 1 + (Math.min(2, Math.max(0.5, ratio)) - 1) * (ratio > 1 ? DRIFT_UP : DRIFT)
    for (const kind of this.#kinds) if (kind && kind.usualMs > 0) kind.usualMs *= move
    this.#mixMs *= move
  }

  #kindOf(kind: number): Kind {
    const index = kind < MAX_KINDS ? kind : MAX_KINDS
    return (this.#kinds[index] ??= { usualMs: 0, count: 0, sumMs: 0 })
  }
}
