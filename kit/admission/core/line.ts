/** A waiting line that is served from its old end, or, once it has become long, from its new end. */
import type { Ticket } from './ticket.ts'
import { CLASS_COUNT } from './types.ts'

export const PATIENT_LINE = CLASS_COUNT * 2
export const LINES = PATIENT_LINE + 1
/** What goes on with what has begun goes before all: it is nearest to its end. */
export const BEGUN_LINE = PATIENT_LINE + 1

/** What lies beyond a person's share waits behind all others but those who are patient. */
const BEYOND_LINE = PATIENT_LINE - 1

/** In which line it waits: lower ones go first, but for what has begun. */
export function lineOf(ticket: Ticket): number {
  if (ticket.isPatient) return PATIENT_LINE
  if (ticket.isBegun) return BEGUN_LINE
  return ticket.isBeyondShare ? BEYOND_LINE : ticket.class * 2 + (ticket.isAtMargin ? 1 : 0)
}

export class Line {
  #tickets: (Ticket | undefined)[] = []
  #head = 0
  #waiting = 0

  /** Who waits; those who have gone away meanwhile are left out. */
  get size(): number {
    return this.#waiting
  }

  /** Places taken in memory: those who have gone away hold theirs until the ones before them are served. */
  get places(): number {
    return this.#tickets.length - this.#head
  }

  push(ticket: Ticket): void {
    this.#tickets.push(ticket)
    this.#waiting += 1
  }

  oldest(): Ticket | undefined {
    while (this.#head < this.#tickets.length) {
      const ticket = this.#tickets[this.#head]!
      if (ticket.state === 'waiting') return ticket
      this.#dropHead()
    }
    this.#reset()
    return undefined
  }

  newest(): Ticket | undefined {
    while (this.#tickets.length > this.#head) {
      const ticket = this.#tickets.at(-1)!
      if (ticket.state === 'waiting') return ticket
      this.#tickets.pop()
    }
    this.#reset()
    return undefined
  }

  /** Takes out the one that `oldest` or `newest` has just given; its state is the caller's to set. */
  take(end: 'oldest' | 'newest'): void {
    if (end === 'oldest') this.#dropHead()
    else this.#tickets.pop()
    this.#waiting -= 1
  }

  /** One who waits has gone away; its place is given up later. */
  noteGone(): void {
    this.#waiting -= 1
  }

  #dropHead(): void {
    this.#tickets[this.#head] = undefined
    this.#head += 1
    if (this.#head < 256 || this.#head * 2 < this.#tickets.length) return
    this.#tickets = this.#tickets.slice(this.#head)
    this.#head = 0
  }

  #reset(): void {
    if (this.#tickets.length === 0) return
    this.#tickets.length = 0
    this.#head = 0
  }
}
