/** How many a gate has let in and turned away so far, by class and reason, and how often each was let in. */
import type { Ticket } from './ticket.ts'
import { CLASS_COUNT, REFUSALS, type PriorityClass, type Refusal } from './types.ts'

/** The mean of turns is over about so many. */
const TURNS_MEMORY = 1_000

export class Tally {
  readonly #admitted = new Float64Array(CLASS_COUNT)
  readonly #refused = new Float64Array(CLASS_COUNT * REFUSALS.length)
  #turns = 1
  #firstTurns = 1

  /** How often a request is let in from its beginning to its end, in the mean; jobs are left out. */
  get turns(): number {
    return this.#turns / this.#firstTurns
  }

  noteAdmitted(ticket: Ticket): void {
    this.#admitted[ticket.class]! += 1
    if (!ticket.isPatient) this.#noteTurn(ticket.isBegun)
  }

  #noteTurn(isBegun: boolean): void {
    this.#turns += 1
    if (!isBegun) this.#firstTurns += 1
    if (this.#turns <= TURNS_MEMORY) return
    this.#turns /= 2
    this.#firstTurns /= 2
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
