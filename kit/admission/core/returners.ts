/**
 * Those who were turned away and come again at once. Few of them cost little, and hear no once more; where saying no takes most of the
 * thread's time, nothing is left to serve anybody with, so they are heard later: as if they had waited as they were told.
 */
import type { Ticket } from './ticket.ts'

/**
 * What turning one away takes of the thread's time at most: time that could have been spent on serving. Where it is
 * most of the time, it is the refusals that keep the thread busy, and those who come again at once.
 */
export const REFUSAL_MS = 0.1
/** Refusals that would take more than this share of the thread leave too little of it. */
const TOO_MUCH_ABOVE = 0.6
/** So do they where they are this many times what is let in, and this many a second: on a starved thread each takes longer. */
const TOO_MANY_TIMES = 4
const TOO_MANY_PER_MS = 0.5
const WINDOW_MS = 100
/** Whoever comes again within this time after a refusal has not waited: nobody is told to wait for less. */
const AT_ONCE_MS = 1_000
/** From that moment on, so much more at random: they must not come all together. */
const SPREAD_MS = 500
/** With nobody held for so long, nobody is any more. */
const CALM_MS = 2_000
/** One burst of refusals is no crowd that comes again. */
const WINDOWS_MIN = 3

export class Returners {
  readonly #random: () => number
  #windowStartMs = 0
  #refused = 0
  #admitted = 0
  #windows = 0
  #holdsUntilMs = -Infinity

  constructor(random: () => number) {
    this.#random = random
  }

  noteRefused({ asker, class: priorityClass, person }: Ticket, nowMs: number): void {
    this.#refused += 1
    if (nowMs - this.#windowStartMs >= WINDOW_MS) this.#closeWindow(nowMs)
    if (!asker) return
    asker.refusedAtMs = nowMs
    asker.refusedClass = priorityClass
    asker.refusedPerson = person
  }

  noteAdmitted(): void {
    this.#admitted += 1
  }

  /** For how long this one has to be held before it asks; 0: it may ask now. */
  holdMsOf({ asker, class: priorityClass, person }: Ticket, nowMs: number): number {
    if (nowMs >= this.#holdsUntilMs || !asker || asker.refusedPerson !== person) return 0
    if (priorityClass < asker.refusedClass) return 0
    const leftMs = asker.refusedAtMs + AT_ONCE_MS - nowMs
    if (leftMs <= 0) return 0
    this.#holdsUntilMs = nowMs + CALM_MS
    return leftMs + SPREAD_MS * this.#random()
  }

  #closeWindow(nowMs: number): void {
    const tookMs = nowMs - this.#windowStartMs
    const areTooMany =
      this.#refused > this.#admitted * TOO_MANY_TIMES && this.#refused > tookMs * TOO_MANY_PER_MS
    const isTooMuch = areTooMany || this.#refused * REFUSAL_MS > tookMs * TOO_MUCH_ABOVE
    this.#windows = isTooMuch ? this.#windows + 1 : 0
    if (this.#windows >= WINDOWS_MIN) this.#holdsUntilMs = nowMs + CALM_MS
    this.#windowStartMs = nowMs
    this.#refused = 0
    this.#admitted = 0
  }
}
