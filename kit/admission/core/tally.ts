/** How many a gate has let in and turned away so far, by class and reason. */
import { CLASS_COUNT, REFUSALS, type PriorityClass, type Refusal } from './types.ts'

export class Tally {
  readonly #admitted = new Float64Array(CLASS_COUNT)
  readonly #refused = new Float64Array(CLASS_COUNT * REFUSALS.length)

  noteAdmitted(priorityClass: PriorityClass): void {
    this.#admitted[priorityClass]! += 1
  }

  noteRefused(priorityClass: PriorityClass, refusal: Refusal): void {
    this.#refused[priorityClass * REFUSALS.length + REFUSALS.indexOf(refusal)]! += 1
  }

  admittedOf(priorityClass: PriorityClass): number {
    return this.#admitted[priorityClass]!
  }

  /** @param refusal for this reason alone. @default all */
  refusedOf(priorityClass: PriorityClass, refusal?: Refusal): number {
    if (refusal !== undefined)
      return this.#refused[priorityClass * REFUSALS.length + REFUSALS.indexOf(refusal)]!
    return REFUSALS.reduce((sum, each) => sum + this.refusedOf(priorityClass, each), 0)
  }
}
