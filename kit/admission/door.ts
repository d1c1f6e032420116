/**
 * A gate in a running process: gives it the time, calls the next in line when something ends, and turns away in time.
 *
 * One thread does everything, so a request that computes for long holds up all others without ever being "under way"
 * beside them: no limit would see it. So in one turn of the event loop, work is begun for a few milliseconds only; what
 * comes later in the turn waits at the gate, where it is put in order with what comes next. While somebody waits for whom
 * there is room, the thread never rests: the next turn comes at once.
 */
import { performance } from 'node:perf_hooks'
import { Gate, type GateOptions, type Ticket } from './core/index.ts'

/** Nothing more is begun in a turn of the event loop after this time… */
const TURN_MS = 2
/** …or, where reading what came takes long, than after so much of a turn: else nothing would be done but read. */
const BEGINS_SHARE = 0.5
/** After a turn as long as this, what came meanwhile is read first: whoever is turned away should hear it soon. */
const LONG_TURN_MS = 4
/** In the mean of how long turns take, each counts so much. */
const TURN_WEIGHT = 0.1
/** Whoever waits is looked after this often. */
const TICK_MS = 4
const LOOKS_EVERY_MAX_MS = 10
/** The thread stood still for this long, by garbage collection say: whoever waited meanwhile was not kept by load… */
const STALL_MS = 60
/** …but where it does so all the time, that is the load. */
const FORGIVES_EVERY_MS = 2_000

export interface DoorOptions extends Partial<GateOptions> {
  /** In metrics and answers: "process", "database"… */
  readonly name: string
  /** Whether work behind it takes this thread's own time. @default false */
  readonly isThreadBound?: boolean
}

export class Door {
  readonly name: string
  readonly gate: Gate
  readonly #isThreadBound: boolean
  #isTurnOpen = false
  #turnStartMs = 0
  /** The turn before this one was long: what came meanwhile is read in this one, and nothing is begun. */
  #isReading = false
  /** Since when those who waited are begun, one after the other; null: that isn't being done. */
  #beginsFromMs: number | null = null
  #tickedAtMs = 0
  /** How long it takes from one look at those who wait to the next: longer where the thread is busy. */
  #looksEveryMs = TICK_MS
  #forgaveAtMs = -Infinity
  #timer: NodeJS.Timeout | null = null

  constructor({ name, isThreadBound = false, ...gate }: DoorOptions) {
    this.name = name
    this.#isThreadBound = isThreadBound
    const threadIdleMs = isThreadBound ? () => performance.eventLoopUtilization().idle : undefined
    this.gate = new Gate({ random: Math.random, threadIdleMs, ...gate })
  }

  /** Whoever has to wait is told by the ticket's `onTurn`; otherwise its state says it now. */
  enter(ticket: Ticket): void {
    const nowMs = performance.now()
    this.gate.ask(ticket, nowMs, this.#mayBegin(nowMs))
    if (ticket.state === 'waiting' && !this.#timer) this.#plan(nowMs)
  }

  /** For how long it has to be held before it may enter; 0: it enters now. */
  holdMsOf(ticket: Ticket): number {
    return this.gate.holdMsOf(ticket, performance.now())
  }

  /** Turns it away where it would be in vain to go on; else nothing: it has to `enter` later. */
  screen(ticket: Ticket): void {
    this.gate.screen(ticket, performance.now())
  }

  /** What was admitted has ended, or whoever waited has gone. */
  leave(ticket: Ticket, isSample = true): void {
    const nowMs = performance.now()
    this.gate.leave(ticket, nowMs, isSample)
    if (this.gate.waiting > 0 && this.#mayBegin(nowMs)) this.gate.next(nowMs)
  }

  /** It goes on behind another door, and holds no place here meanwhile. */
  stepAway(ticket: Ticket): void {
    const nowMs = performance.now()
    this.gate.stepAway(ticket, nowMs)
    if (this.gate.waiting > 0 && this.#mayBegin(nowMs)) this.gate.next(nowMs)
  }

  /** It has come back. */
  stepBack(ticket: Ticket): void {
    this.gate.stepBack(ticket, performance.now())
  }

  /** Nobody who waits keeps the process alive for longer than a tick. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #mayBegin(nowMs: number): boolean {
    if (!this.#isThreadBound) return true
    if (!this.#isTurnOpen) this.#openTurn(nowMs)
    return !this.#isReading && nowMs - this.#turnStartMs < TURN_MS
  }

  #openTurn(nowMs: number): void {
    this.#isTurnOpen = true
    this.#turnStartMs = nowMs
    setImmediate(this.#endTurn)
  }

  /** After all that came with this turn has been read. */
  readonly #endTurn = (): void => {
    this.#isTurnOpen = false
    const nowMs = performance.now()
    const turnMs = nowMs - this.#turnStartMs
    this.gate.turnMs += TURN_WEIGHT * (turnMs - this.gate.turnMs)
    const isLong = this.gate.waiting > 0 && turnMs > LONG_TURN_MS
    this.#isReading = isLong && !this.#isReading
    if (this.#isReading) this.#openTurn(nowMs)
    else this.#callNext()
  }

  #callNext(): void {
    if (this.gate.waiting === 0 || this.#beginsFromMs !== null) return
    const nowMs = performance.now()
    if (!this.#isThreadBound) while (this.gate.next(nowMs));
    else {
      this.#beginsFromMs = nowMs
      this.#beginNext()
    }
  }

  readonly #beginNext = (): void => {
    const nowMs = performance.now()
    const isInTime = nowMs - this.#beginsFromMs! < Math.max(TURN_MS, this.gate.turnMs * BEGINS_SHARE)
    if (!isInTime || !this.gate.next(nowMs)) {
      this.#beginsFromMs = null
      return
    }
    // Only when something was begun: a turn after each turn would keep the thread busy while everybody waits.
    if (!this.#isTurnOpen) this.#openTurn(this.#beginsFromMs!)
    // What it does at once is done in microtasks: how long it takes is known after the last of them.
    queueMicrotask(this.#goOnAfterMicrotasks)
  }

  readonly #goOnAfterMicrotasks = (): void => process.nextTick(this.#beginNext)

  #plan(nowMs: number): void {
    this.#tickedAtMs = nowMs
    this.#timer = setTimeout(this.#tick, TICK_MS)
  }

  readonly #tick = (): void => {
    const nowMs = performance.now()
    const sinceMs = nowMs - this.#tickedAtMs
    this.#timer = null
    this.#looksEveryMs += 0.2 * (Math.min(sinceMs, LOOKS_EVERY_MAX_MS) - this.#looksEveryMs)
    if (sinceMs > STALL_MS && nowMs - this.#forgaveAtMs > FORGIVES_EVERY_MS) {
      this.gate.forgive(nowMs)
      this.#forgaveAtMs = nowMs
    }
    this.gate.expire(nowMs, this.#looksEveryMs)
    if (!this.#isTurnOpen) this.#callNext()
    if (this.gate.waiting > 0) this.#plan(nowMs)
  }
}
