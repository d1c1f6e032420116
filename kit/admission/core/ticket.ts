/** One request at the gate, from its arrival until it has left. */
import { RANK_COUNT, type PriorityClass, type Refusal } from './types.ts'

/** Whoever sends one request at a time, a connection say. What the gate has to remember of it is kept in it. */
export interface Asker {
  seenIn: number
  seenPerson: number
  refusedAtMs: number
  refusedClass: PriorityClass
  refusedPerson: number
}

export const createAsker = (): Asker => ({
  seenIn: -1,
  seenPerson: -1,
  refusedAtMs: -Infinity,
  refusedClass: 0,
  refusedPerson: -1,
})

export type TicketState = 'new' | 'waiting' | 'admitted' | 'refused' | 'left'

export class Ticket {
  readonly class: PriorityClass
  /** What is asked for, as a small whole number: round trips are compared within one kind. */
  readonly kind: number
  /** Who asks, as `personKeyOf` has it. */
  readonly person: number
  /** For how many persons it may stand. */
  persons = 1
  /** When the answer is of no more use; Infinity: never. */
  readonly deadlineMs: number
  /** Who sends it; null: each counts as somebody else. */
  asker: Asker | null = null
  state: TicketState = 'new'
  /** Why it was refused. */
  refusal: Refusal | null = null
  /** The cut has been asked about it. */
  isJudged = false
  /** It goes on with what has begun here before: to turn it away would waste what was done for it. */
  isBegun = false
  /** Nobody waits for it on the line: it is never turned away for how long it takes, and comes after those who are. */
  isPatient = false
  /** Beyond the fair share of its person: it comes after all others. */
  isBeyondShare = false
  /** It waits behind those of its class that are served wholly. */
  isAtMargin = false
  arrivedAtMs = 0
  admittedAtMs = 0
  /** Works for it elsewhere, at once: while there are any, it holds no place. */
  awayCount = 0
  awaySinceMs = 0
  /** For how long it has held no place since it was admitted. */
  awayMs = 0
  /** Called once, when a ticket that had to wait is admitted or refused. */
  onTurn: ((ticket: Ticket) => void) | null = null

  constructor(priorityClass: PriorityClass, kind = 0, person = 0, deadlineMs = Infinity) {
    this.class = priorityClass
    this.kind = kind
    this.person = person
    this.deadlineMs = deadlineMs
  }

  /** In [0, RANK_COUNT): lower ones go first. */
  get rank(): number {
    return this.person % RANK_COUNT
  }
}
