/**
 * A gate in a running process: gives it the time, calls the next in line when something ends, and turns away in time.
 *
 * One thread does everything, so a request that computes for long holds up all others without ever being "under way"
 * beside them: no limit would see it. So in one turn of the event loop, work is begun for a few milliseconds only; what
 * comes later in the turn waits at the gate, where it is put in order with what comes next.
 */
import { Gate, type GateOptions, type Ticket } from './core/index.ts'

/** Nothing more is begun in a turn of the event loop after this time. */
const TURN_MS = 2
/** Whoever waits is looked after this often. */
const TICK_MS = 4
const BATCH_MAX = 64
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
  #begunInTurn = 0
  /** Of this thread's time, what one that is begun takes before the turn ends. */
  #costMs = 0.5
  #tickedAtMs = 0
  #forgaveAtMs = -Infinity
  #timer: NodeJS.Timeout | null = null

  constructor({ name, isThreadBound = false, ...gate }: DoorOptions) {
    this.name = name
    this.#isThreadBound = isThreadBound
    this.gate = new Gate({ random: Math.random, ...gate })
  }

  /** Whoever has to wait is told by the ticket's `onTurn`; otherwise its state says it now. */
  enter(ticket: Ticket): void {
    const nowMs = performance.now()
    this.gate.ask(ticket, nowMs, this.#mayBegin(nowMs))
    if (ticket.state === 'waiting') {
      if (!this.#timer) this.#plan(nowMs)
    } else if (ticket.state === 'admitted') this.#begunInTurn += 1
  }

  /** Turns it away where it would be in vain to go on; else nothing: it has to `enter` later. */
  screen(ticket: Ticket): void {
    this.gate.screen(ticket, performance.now())
  }

  /** What was admitted has ended, or whoever waited has gone. */
  leave(ticket: Ticket, isSample = true): void {
    const nowMs = performance.now()
    this.gate.leave(ticket, nowMs, isSample)
    if (this.#mayBegin(nowMs) && this.gate.next(nowMs)) this.#begunInTurn += 1
  }

  /** Nobody who waits keeps the process alive for longer than a tick. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #mayBegin(nowMs: number): boolean {
    if (!this.#isThreadBound) return true
    if (!this.#isTurnOpen) this.#openTurn(nowMs)
    return nowMs - this.#turnStartMs < TURN_MS
  }

  #openTurn(nowMs: number): void {
    this.#isTurnOpen = true
    this.#turnStartMs = nowMs
    this.#begunInTurn = 0
    setImmediate(this.#endTurn)
  }

  /** After all that came with this turn has been read. */
  readonly #endTurn = (): void => {
    const nowMs = performance.now()
    this.#isTurnOpen = false
    if (this.#begunInTurn > 0) {
      const costMs = (nowMs - this.#turnStartMs) / this.#begunInTurn
      this.#costMs += 0.2 * (costMs - this.#costMs)
    }
    if (this.gate.waiting > 0) this.#callNext(nowMs)
  }

  #callNext(nowMs: number): void {
    const batch = this.#isThreadBound ? Math.max(1, Math.floor(TURN_MS / this.#costMs)) : BATCH_MAX
    for (let begun = 0; begun < Math.min(batch, BATCH_MAX) && this.gate.next(nowMs); begun++) {
      // Only when something was begun: a turn after each turn would keep the thread busy while everybody waits.
      if (this.#isThreadBound && !this.#isTurnOpen) this.#openTurn(nowMs)
      this.#begunInTurn += 1
    }
  }

  #plan(nowMs: number): void {
    this.#tickedAtMs = nowMs
    this.#timer = setTimeout(this.#tick, TICK_MS)
  }

  readonly #tick = (): void => {
    const nowMs = performance.now()
    this.#timer = null
    if (nowMs - this.#tickedAtMs > STALL_MS && nowMs - this.#forgaveAtMs > FORGIVES_EVERY_MS) {
      this.gate.forgive(nowMs)
      this.#forgaveAtMs = nowMs
    }
    this.gate.expire(nowMs)
    if (!this.#isTurnOpen) this.#callNext(nowMs)
    if (this.gate.waiting > 0) this.#plan(nowMs)
  }
}
