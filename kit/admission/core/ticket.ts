/** One request at the gate, from its arrival until it has left. */
import type { PriorityClass, Refusal } from './types.ts'

export type TicketState = 'new' | 'waiting' | 'admitted' | 'refused' | 'left'

export class Ticket {
  readonly class: PriorityClass
  /** What is asked for, as a small whole number: round trips are compared within one kind. */
  readonly kind: number
  /** Of the person, in [0, RANK_COUNT). */
  readonly rank: number
  /** When the answer is of no more use; Infinity: never. */
  readonly deadlineMs: number
  state: TicketState = 'new'
  /** Why it was refused. */
  refusal: Refusal | null = null
  /** The cut has been asked about it. */
  isJudged = false
  /** Nobody waits for it on the line: it is never turned away for how long it takes, and comes after those who are. */
  isPatient = false
  /** It waits behind those of its class that are served wholly. */
  isAtMargin = false
  arrivedAtMs = 0
  admittedAtMs = 0
  /** Called once, when a ticket that had to wait is admitted or refused. */
  onTurn: ((ticket: Ticket) => void) | null = null

  constructor(priorityClass: PriorityClass, kind = 0, rank = 0, deadlineMs = Infinity) {
    this.class = priorityClass
    this.kind = kind
    this.rank = rank
    this.deadlineMs = deadlineMs
  }
}
