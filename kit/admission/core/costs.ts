/**
 * What a request of each class costs beside the others: how long it holds places behind the gate, all its turns together.
 * One feed page may take as much as ten checks of a session, and then letting one in leaves less for the others.
 */
import { CLASS_COUNT, type PriorityClass } from './types.ts'

/** The mean of a class is over about so many of its requests. */
const MEMORY = 200
/** Fewer say too little. */
const KNOWN_FROM = 16
/** One that takes for ever counts as so many of its class. */
const OUTLIER_TIMES = 8

export class Costs {
  readonly #heldMs = new Float64Array(CLASS_COUNT)
  readonly #requests = new Float64Array(CLASS_COUNT)
  /** In means of the classes; what is not known yet, and what lies beyond a person's share, counts as one. */
  readonly #weights = new Float64Array(CLASS_COUNT + 1).fill(1)

  /** What one of the class costs, where 1 is the mean of the classes. */
  of(priorityClass: number): number {
    return this.#weights[priorityClass]!
  }

  noteBegun(priorityClass: PriorityClass): void {
    this.#requests[priorityClass]! += 1
    if (this.#requests[priorityClass]! < MEMORY) return
    this.#requests[priorityClass]! /= 2
    this.#heldMs[priorityClass]! /= 2
  }

  noteHeld(priorityClass: PriorityClass, heldMs: number): void {
    const meanMs = this.#meanMsOf(priorityClass)
    this.#heldMs[priorityClass]! += meanMs === 0 ? heldMs : Math.min(heldMs, OUTLIER_TIMES * meanMs)
  }

  /** To be called once in a while: until then `of` answers the same. */
  weigh(): void {
    let sum = 0
    let known = 0
    for (let each = 0 as PriorityClass; each < CLASS_COUNT; each++) {
      const meanMs = this.#meanMsOf(each)
      sum += meanMs
      if (meanMs > 0) known += 1
    }
    for (let each = 0 as PriorityClass; each < CLASS_COUNT; each++) {
      const meanMs = this.#meanMsOf(each)
      this.#weights[each] = meanMs > 0 ? (meanMs * known) / sum : 1
    }
  }

  /** 0: too few have come. */
  #meanMsOf(priorityClass: PriorityClass): number {
    const requests = this.#requests[priorityClass]!
    return requests < KNOWN_FROM ? 0 : this.#heldMs[priorityClass]! / requests
  }
}
