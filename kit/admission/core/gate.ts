/**
 * Who may begin now, who waits, and who is turned away. Pure: it knows no clock, no timer and no network; whoever drives
 * it says what time it is and asks for the next in line when something has ended.
 *
 * What holds at every moment:
 * - while more comes than can be served, none is admitted while one of a higher class, who could be, waits; before that,
 *   each class goes ahead of those who came a moment earlier in the next one, so that a burst keeps nobody out for good;
 *   what goes on with what has begun goes before all;
 * - class 0 is counted apart: it never waits for what lower classes have under way;
 * - none is admitted who could not be answered before its deadline, and none waits longer than the bound of its class;
 * - what is kept in memory is bounded, however much comes.
 */
import * as bounds from './bounds.ts'
import { Costs } from './costs.ts'
import { Cut } from './cut.ts'
import { ConcurrencyLimit, type LimitOptions } from './limit.ts'
import { BEGUN_LINE, Line, LINES, lineOf, PATIENT_LINE } from './line.ts'
import { Returners } from './returners.ts'
import { Tally } from './tally.ts'
import type { Ticket } from './ticket.ts'
import type { PriorityClass, Refusal } from './types.ts'

export interface GateOptions extends LimitOptions {
  /** Hold the limit at `initial`: for comparisons, and where something else sets it. @default false */
  readonly isFixed?: boolean
  /** Whether persons are wholly in or wholly out while more comes than can be served. @default true */
  readonly isCutting?: boolean
  /** Kept waiting at most, all classes together. @default 1000 */
  readonly maxWaiting?: number
  /** Nobody waits for longer. @default 250 */
  readonly waitMs?: number
  /** How long in all the thread that does the work had nothing to do. @default the thread is not the bottleneck */
  readonly threadIdleMs?: (() => number) | undefined
}

export class Gate {
  /** How long a turn of the thread takes that begins them: whoever drives says it. 0: they begin at once. */
  turnMs = 0
  readonly #limit: ConcurrencyLimit
  readonly #cut: Cut
  readonly #returners: Returners
  readonly #costs = new Costs()
  readonly #isFixed: boolean
  readonly #isCutting: boolean
  readonly #maxWaiting: number
  readonly #waitMs: number
  readonly #lines: readonly Line[] = Array.from({ length: LINES + 1 }, () => new Line())
  #waiting = 0
  #inFlight = 0
  #inFlightTop = 0
  #countsFromMs = -Infinity
  #seenAtMs = 0
  readonly #tally = new Tally()

  constructor(options: GateOptions) {
    this.#limit = new ConcurrencyLimit(options)
    this.#returners = new Returners(options.random)
    this.#isFixed = options.isFixed ?? false
    this.#isCutting = options.isCutting ?? true
    this.#maxWaiting = options.maxWaiting ?? 1_000
    this.#waitMs = options.waitMs ?? 250
    this.#cut = new Cut(options.random, this.#costs, this.#waitMs, options.threadIdleMs)
  }

  get limit(): number {
    return this.#isFixed ? Math.floor(this.#limit.settled) : this.#limit.value
  }
  /** The limit that was found, without what a re-take of the baseline takes off for a moment. */
  get settledLimit(): number {
    return this.#limit.settled
  }
  /** What a request takes in quiet, in milliseconds; 0 before anything is known. */
  get usualMs(): number {
    return this.#limit.usualMs
  }
  get inFlight(): number {
    return this.#inFlight
  }
  get waiting(): number {
    return this.#waiting
  }
  get isCutInForce(): boolean {
    return this.#cut.isInForce
  }

  admittedOf(priorityClass: PriorityClass): number {
    return this.#tally.admittedOf(priorityClass)
  }
  refusedOf(priorityClass: PriorityClass, refusal?: Refusal): number {
    return this.#tally.refusedOf(priorityClass, refusal)
  }
  waitingOf(priorityClass: PriorityClass): number {
    return this.#lines[priorityClass * 2]!.size + this.#lines[priorityClass * 2 + 1]!.size
  }
  /** For how long the first of a class has waited; 0: nobody does. */
  longestWaitMsOf(priorityClass: PriorityClass, nowMs: number): number {
    const waitMs = (line: Line) => nowMs - (line.oldest()?.arrivedAtMs ?? nowMs)
    return Math.max(waitMs(this.#lines[priorityClass * 2]!), waitMs(this.#lines[priorityClass * 2 + 1]!))
  }

  /** For how long the driver has to hold an arrival before it asks for it; 0: it asks now. */
  holdMsOf(ticket: Ticket, nowMs: number): number {
    return this.#returners.holdMsOf(ticket, nowMs)
  }

  /**
   * Takes an arrival; its state says what became of it: admitted, waiting (its `onTurn` is called later) or refused.
   *
   * @param mayBeginNow false: it has to wait even where there is room; the driver asks for it with `next`.
   * @returns why it was refused, else null.
   */
  ask(ticket: Ticket, nowMs: number, mayBeginNow = true): Refusal | null {
    this.#noteTime(nowMs)
    const refusal = this.#judge(ticket, nowMs)
    if (refusal) return refusal
    const index = lineOf(ticket)
    if (mayBeginNow && this.#hasRoom(ticket.class) && !this.#isAnyoneBefore(index)) {
      this.#admit(ticket, nowMs)
      return null
    }
    if (!this.#hasRoom(ticket.class)) this.#limit.markBinding()
    const line = this.#lines[index]!
    if (
      (!ticket.isBegun && this.#isClosed(index, nowMs)) ||
      (this.#waiting >= this.#maxWaiting && !this.#displaceBelow(index, nowMs))
    ) {
      this.#cut.noteShed()
      return this.#refuse(ticket, 'full', nowMs)
    }
    ticket.state = 'waiting'
    line.push(ticket)
    this.#waiting += 1
    return null
  }

  /**
   * Whether an arrival is turned away already as things are; it takes no place, and has to `ask` later. For requests whose
   * body has yet to come: nobody should hold a place by sending slowly, and nobody should send for nothing.
   *
   * @returns why it was refused, else null.
   */
  screen(ticket: Ticket, nowMs: number): Refusal | null {
    const refusal = this.#judge(ticket, nowMs)
    if (refusal || this.#hasRoom(ticket.class)) return refusal
    const index = lineOf(ticket)
    const isFull = this.#waiting >= this.#maxWaiting && !this.#isAnyoneBelow(index)
    if (!isFull && !this.#isClosed(index, nowMs)) return null
    this.#cut.noteShed()
    return this.#refuse(ticket, 'full', nowMs)
  }

  /** Admits the next of those who wait, if there is room, and calls its `onTurn`. */
  next(nowMs: number): Ticket | null {
    while (this.#waiting > 0) {
      const line = this.#nextLine()
      if (!line) return null
      const oldest = line.oldest()!
      const isLong = this.#waitedMs(oldest, nowMs) > this.#boundMs(oldest) * bounds.LONG_AT
      const ticket = isLong ? line.newest()! : oldest
      line.take(isLong ? 'newest' : 'oldest')
      this.#waiting -= 1
      if (this.#waitedMs(ticket, nowMs) > this.#boundMs(ticket)) this.#shed(ticket, 'waited', nowMs)
      else if (this.#isTooLate(ticket, nowMs)) this.#shed(ticket, 'deadline', nowMs)
      else {
        this.#admit(ticket, nowMs)
        ticket.onTurn?.(ticket)
        return ticket
      }
    }
    return null
  }

  /** The line whose turn it is; null: there is no room for any of those who wait. */
  #nextLine(): Line | null {
    const begun = this.#lines[BEGUN_LINE]!.oldest()
    if (begun && this.#hasRoom(begun.class)) return this.#lines[BEGUN_LINE]!
    let first: Line | null = null
    let firstMs = Infinity
    for (let index = 0; index < LINES; index++) {
      const line = this.#lines[index]!
      const oldest = line.oldest()
      if (!oldest) continue
      if (!this.#hasRoom(oldest.class)) break
      if (this.#cut.isInForce || oldest.class === 0) return line
      const countsFromMs = oldest.arrivedAtMs + bounds.COMES_LATER_MS[oldest.class]
      if (countsFromMs >= firstMs) continue
      first = line
      firstMs = countsFromMs
    }
    return first
  }

  /** The driver itself stood still: those who wait have not waited for others, and begin to wait now. */
  forgive(nowMs: number): void {
    this.#countsFromMs = nowMs
  }

  /**
   * Turns away who has waited for too long. To be called every few milliseconds while somebody waits.
   *
   * @param nextLookMs in about so long it will be called again: who will have waited for too long by then goes now.
   */
  expire(nowMs: number, nextLookMs = 0): void {
    for (const line of this.#lines) {
      for (;;) {
        const ticket = line.oldest()
        if (!ticket) break
        const isOver = this.#waitedMs(ticket, nowMs) + nextLookMs > this.#boundMs(ticket)
        if (!isOver && !this.#isTooLate(ticket, nowMs)) break
        line.take('oldest')
        this.#waiting -= 1
        this.#shed(ticket, isOver ? 'waited' : 'deadline', nowMs)
      }
    }
  }

  /**
   * What was admitted goes on elsewhere, behind a door of its own: it holds no place until it has come back as often as it
   * went, and its round trip does not count that time. Otherwise whatever waits for one dependency would take the places of those who need none.
   */
  stepAway(ticket: Ticket, nowMs: number): void {
    if (ticket.state !== 'admitted' || ticket.awayCount++ > 0) return
    ticket.awaySinceMs = nowMs
    this.#giveUpPlace(ticket)
  }

  /** It has come back, and goes on whether there is room or not. */
  stepBack(ticket: Ticket, nowMs: number): void {
    if (ticket.state !== 'admitted' || ticket.awayCount === 0 || --ticket.awayCount > 0) return
    ticket.awayMs += nowMs - ticket.awaySinceMs
    this.#inFlight += 1
    if (ticket.class === 0) this.#inFlightTop += 1
  }

  #giveUpPlace(ticket: Ticket): void {
    this.#inFlight -= 1
    if (ticket.class === 0) this.#inFlightTop -= 1
  }

  /**
   * What was admitted has ended, or whoever waited has gone away. Calling it again changes nothing.
   *
   * @param isSample whether its round trip says something of how much may be under way.
   */
  leave(ticket: Ticket, nowMs: number, isSample = true): void {
    if (ticket.state === 'waiting') {
      ticket.state = 'left'
      this.#waiting -= 1
      this.#lines[lineOf(ticket)]!.noteGone()
      return
    }
    if (ticket.state !== 'admitted') return
    this.#noteTime(nowMs)
    if (ticket.awayCount > 1) ticket.awayCount = 1
    this.stepBack(ticket, nowMs)
    ticket.state = 'left'
    this.#giveUpPlace(ticket)
    if (!ticket.isPatient) this.#costs.noteHeld(ticket.class, nowMs - ticket.admittedAtMs - ticket.awayMs)
    if (isSample && !this.#isFixed) this.#limit.sample(ticket, nowMs, this.#inFlight)
  }

  #noteTime(nowMs: number): void {
    if (this.#hasMuchRoom) this.#cut.noteIdle(nowMs - this.#seenAtMs)
    this.#seenAtMs = nowMs
  }

  get #hasMuchRoom(): boolean {
    return this.#waiting === 0 && this.#inFlight * 2 < this.limit
  }

  /** Nothing is to be gained by a refusal now, whatever the cut says of a moment ago. */
  #isQuiet(): boolean {
    return this.#waiting === 0 && this.#inFlight * 2 <= this.#limit.settled && !this.#cut.isThreadBusy
  }

  #judge(ticket: Ticket, nowMs: number): Refusal | null {
    ticket.arrivedAtMs = nowMs
    if (!ticket.isJudged && this.#isCutting && !ticket.isPatient && !ticket.isBegun) {
      const verdict = this.#cut.judge(ticket, nowMs)
      if (verdict === 'out' && !this.#isQuiet()) return this.#refuse(ticket, 'cut', nowMs)
      ticket.isAtMargin =
        verdict !== 'in' && (ticket.class > this.#cut.lastClass || this.#tally.turns < bounds.SEVERAL_TURNS)
    }
    ticket.isJudged = true
    return this.#isTooLate(ticket, nowMs) ? this.#refuse(ticket, 'deadline', nowMs) : null
  }

  #hasRoom(priorityClass: PriorityClass): boolean {
    const { limit } = this
    return this.#inFlight < limit || (priorityClass === 0 && this.#inFlightTop < limit)
  }

  #isAnyoneBefore(index: number): boolean {
    if (this.#waiting === 0) return false
    if (this.#lines[BEGUN_LINE]!.size > 0) return true
    for (let before = 0; before <= index; before++) if (this.#lines[before]!.size > 0) return true
    return false
  }

  #isAnyoneBelow(index: number): boolean {
    for (let below = LINES - 1; below > index; below--) if (this.#lines[below]!.size > 0) return true
    return false
  }

  #isTooLate(ticket: Ticket, nowMs: number): boolean {
    return ticket.deadlineMs !== Infinity && nowMs + this.#limit.usualMsOf(ticket.kind) > ticket.deadlineMs
  }

  #waitedMs(ticket: Ticket, nowMs: number): number {
    return nowMs - Math.max(ticket.arrivedAtMs, this.#countsFromMs)
  }

  #boundMs(ticket: Ticket): number {
    if (ticket.isPatient) return Infinity
    if (ticket.isBegun) return this.#waitMs * bounds.STANDSTILL_TIMES
    if (!this.#cut.isInForce || ticket.class === 0) {
      const waitMs =
        ticket.class === 3 && this.#isCutting ? this.#waitMs * bounds.LAST_CLASS_WAITS : this.#waitMs
      if (this.#limit.usualMs === 0 && !this.#isFixed) return waitMs * bounds.COLD_TIMES
      return this.#cut.couldAllWait && this.#isCutting ? waitMs * bounds.STANDSTILL_TIMES : waitMs
    }
    // What lasts is no burst that waiting could carry over: it would only make everybody late.
    const { lastClass } = this.#cut
    if (ticket.isAtMargin || ticket.isBeyondShare || ticket.class > lastClass)
      return Math.min(this.#waitMs, bounds.marginWaitMs(this.#usualWholeMs, this.turnMs))
    return Math.min(
      this.#waitMs,
      bounds.cutWaitMs(ticket.class === lastClass, this.#usualWholeMs, this.turnMs),
    )
  }

  /** Whether a line takes no newcomers. */
  #isClosed(index: number, nowMs: number): boolean {
    const line = this.#lines[index]!
    const first = line.oldest()
    if (!first) return false
    if (this.#isForeseenLate(index, nowMs)) return true
    const isSlow = first.class > 0 && this.#waitedMs(first, nowMs) > this.#boundMs(first) * bounds.CLOSED_AT
    return isSlow || line.places >= this.#maxWaiting * 2
  }

  /** By how many go before, at the rate at which requests are let in lately. */
  #isForeseenLate(index: number, nowMs: number): boolean {
    const { isInForce, lastClass, servedPerMs, leftPerMs } = this.#cut
    const priorityClass = index >> 1
    if (!isInForce || index >= PATIENT_LINE || priorityClass === 0) return false
    let before = 0
    for (let line = 0; line <= index; line++) before += this.#lines[line]!.size
    if (priorityClass > lastClass) return before > 0
    if (priorityClass < lastClass)
      return this.#cut.isSettled(nowMs) && before > bounds.placesBefore(this.#usualWholeMs, servedPerMs)
    return before > bounds.placesBeforeLast(index % 2 === 1, this.#usualWholeMs, leftPerMs)
  }

  /** What a request takes in quiet with all the turns that it takes here, one after the other. */
  get #usualWholeMs(): number {
    return this.#limit.usualMs * this.#tally.turns
  }

  /** Turns away the oldest of the lowest line below this one. */
  #displaceBelow(index: number, nowMs: number): boolean {
    for (let below = LINES - 1; below > index; below--) {
      const line = this.#lines[below]!
      const oldest = line.oldest()
      if (!oldest) continue
      line.take('oldest')
      this.#waiting -= 1
      this.#shed(oldest, 'full', nowMs)
      return true
    }
    return false
  }

  #admit(ticket: Ticket, nowMs: number): void {
    ticket.state = 'admitted'
    ticket.admittedAtMs = nowMs
    this.#inFlight += 1
    if (ticket.class === 0) this.#inFlightTop += 1
    this.#tally.noteAdmitted(ticket)
    this.#returners.noteAdmitted()
    if (ticket.isBegun || ticket.isPatient) return
    this.#cut.noteServed(ticket.class)
    this.#costs.noteBegun(ticket.class)
  }

  #shed(ticket: Ticket, refusal: Refusal, nowMs: number): void {
    if (refusal !== 'deadline') this.#cut.noteShed()
    this.#refuse(ticket, refusal, nowMs)
    ticket.onTurn?.(ticket)
  }

  #refuse(ticket: Ticket, refusal: Refusal, nowMs: number): Refusal {
    this.#returners.noteRefused(ticket, nowMs)
    ticket.state = 'refused'
    ticket.refusal = ticket.isBeyondShare ? 'share' : refusal
    this.#tally.noteRefused(ticket.class, ticket.refusal)
    return ticket.refusal
  }
}
