/**
 * How much one person may ask for while not everybody can be served: nobody's share is taken by somebody who asks a
 * hundred times as often. What a person asks beyond a fair share comes after everybody else's, and so is served only where
 * something is left; the rest of that person's requests count like anybody's.
 *
 * Rates are kept in two rows of counters (a count-min sketch: Cormode & Muthukrishnan, 2005), so memory doesn't grow with
 * the number of persons, and a chance meeting of two in one row seldom is one in the other.
 */

import type { Ticket } from './ticket.ts'

/** A power of two. */
const SLOTS = 2_048
const ROWS = 2
/** Rates are means over about so long. */
const MEMORY_MS = 1_000
/** Slots below this rate are nobody's. */
const ACTIVE_PER_MS = 0.0002
/** Nobody asks for too much who asks for less than this many times what the one in the middle asks for… */
const TIMES_MEDIAN = 8
/** …or for less than this. */
const FREE_PER_MS = 0.02

export class FairShare {
  readonly #random: () => number
  readonly #counts = new Float64Array(ROWS * SLOTS)
  /** Requests a millisecond. */
  readonly #rates = new Float64Array(ROWS * SLOTS)
  readonly #active = new Float64Array(SLOTS)
  /** Requests a millisecond that are one person's share; Infinity: nobody takes another's. */
  #share = Infinity

  constructor(random: () => number) {
    this.#random = random
  }

  /**
   * Counts a request and says whether it lies beyond its person's share of its class.
   */
  isBeyond({ class: priorityClass, person, persons }: Ticket): boolean {
    // By class: whoever shares an address with somebody who floods one goes on in the others.
    const key = person ^ Math.imul(priorityClass, 0x9e3779b1)
    const first = key & (SLOTS - 1)
    const second = SLOTS + (Math.imul(key ^ (key >>> 15), 0x2c1b3c6d) >>> 21)
    this.#counts[first]! += 1
    this.#counts[second]! += 1
    const share = this.#share * persons
    const rate = Math.min(this.#rates[first]!, this.#rates[second]!)
    return rate > share && this.#random() * rate >= share
  }

  /** @param capacity what is served, a millisecond; 0: there is enough for everybody. */
  closeWindow(tookMs: number, capacity: number): void {
    const weight = tookMs / (tookMs + MEMORY_MS)
    let active = 0
    let sum = 0
    for (let slot = 0; slot < ROWS * SLOTS; slot++) {
      const rate = this.#rates[slot]! + weight * (this.#counts[slot]! / tookMs - this.#rates[slot]!)
      this.#rates[slot] = rate
      this.#counts[slot] = 0
      if (slot >= SLOTS || rate < ACTIVE_PER_MS) continue
      this.#active[active++] = rate
      sum += rate
    }
    const isEnough = capacity === 0 || sum <= capacity
    if (isEnough || active === 0) this.#share = Infinity
    else {
      const rates = this.#active.subarray(0, active).sort()
      this.#share = Math.max(FREE_PER_MS, TIMES_MEDIAN * rates[(active - 1) >> 1]!)
    }
  }
}
