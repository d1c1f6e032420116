/**
 * How many may be under way at once, found by itself in the way of TCP Vegas (Brakmo & Peterson, 1995): while round
 * trips take as long as they do in quiet, there is room for more; as they take longer, that many more wait inside.
 *
 * Round trips are timed from admission, so that waiting before the gate never counts as slowness behind it. What they
 * take in quiet is taken anew every half minute or so, at random times, with the limit halved for a moment: a limit that
 * never lets go of its own load would take that load for the usual.
 */
import { Baseline } from './baseline.ts'
import type { Ticket } from './ticket.ts'

export interface LimitOptions {
  /** @default 64 */
  readonly initial?: number
  /** @default 2 */
  readonly min?: number
  /** @default 1000 */
  readonly max?: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Round trips may take this much longer than in quiet before the limit shrinks: a baseline is never exact. */
const TOLERANCE = 1.5
/** …and by so much, however short they are in quiet: nobody notices that, and the noise of a busy thread is as long. */
const SLACK_MS = 4
/** √limit times this may wait inside, so that what is behind the gate never runs dry. */
const HEADROOM = 0.5
/** Round trips this close to the usual mean that there is room. */
const HAS_ROOM_BELOW = 1.15
/** Of the way to the new limit, a window goes this much. */
const STEP = 0.5

const WINDOW_MIN_SAMPLES = 48
const WINDOW_MIN_MS = 40
/** A window of few samples counts when it is as long as this. */
const WINDOW_LONG_MS = 1_000
const WINDOW_FEW_SAMPLES = 6

const FIRST_RETAKE_MS = 1_000
const RETAKE_MS = 30_000
/** This much earlier or later, at random: gates that were opened together must not narrow together. */
const RETAKE_JITTER = 0.25
/** When round trips seem to be longer than is tolerated by this for so many windows, it is the baseline that may be wrong. */
const SUSPECT_BEYOND = 0.7
const SUSPECT_WINDOWS = 3
const SUSPECT_WAIT_MS = 2_000
const STILL_FALLING_BELOW = 0.85
const RETAKE_SAMPLES = 120
/** A re-take ends without enough round trips after so many usual ones. */
const RETAKE_MAX_ROUND_TRIPS = 50
const RETAKE_MAX_MS = 2_000

/**
 * Few are under way, and for so many usual round trips none counts yet: of those that began at one moment the short ones
 * end first, and would pass for all.
 */
const RETAKE_SETTLES = 3

type Retake = 'none' | 'draining' | 'taking'

export class ConcurrencyLimit {
  readonly #baseline = new Baseline()
  readonly #min: number
  readonly #max: number
  readonly #random: () => number
  #limit: number
  /** How many times longer than usual, in the last window. */
  #ratio = 1

  #windowStartMs = -1
  #count = 0
  #sumMs = 0
  #usualSumMs = 0
  #mostInFlight = 0
  #wasBinding = false
  #suspectWindows = 0

  #retake: Retake = 'none'
  #retakeAtMs = Infinity
  #retakeWaitMs = FIRST_RETAKE_MS
  #retakeFromMs = 0
  #takesFromMs = 0
  #lastRetakeMs = 0

  constructor({ initial = 64, min = 2, max = 1_000, random }: LimitOptions) {
    this.#min = min
    this.#max = max
    this.#limit = Math.min(max, Math.max(min, initial))
    this.#random = random
  }

  /** What holds now, a whole number; lower for a moment while the baseline is taken anew. */
  get value(): number {
    const whole = Math.floor(this.#limit)
    return this.#retake === 'none' ? whole : Math.max(1, whole >> 1)
  }

  /** What was found, without what a re-take takes off for a moment. */
  get settled(): number {
    return this.#limit
  }

  /** What a request usually takes in quiet; 0 before anything is known. */
  get usualMs(): number {
    return this.#baseline.mixMs
  }

  /** What one of this kind usually takes in quiet; 0 when that is not known. */
  usualMsOf(kind: number): number {
    return this.#baseline.usualMs(kind)
  }

  /** Somebody had to wait because of the limit. */
  markBinding(): void {
    this.#wasBinding = true
  }

  /** Notes one round trip; `inFlight` counts what is under way without it. Costs some additions. */
  sample({ kind, admittedAtMs, awayMs }: Ticket, nowMs: number, inFlight: number): void {
    const roundTripMs = nowMs - admittedAtMs - awayMs
    if (this.#windowStartMs < 0) this.#beginWindow(nowMs)
    if (inFlight >= this.#mostInFlight) this.#mostInFlight = inFlight + 1
    if (!this.#baseline.meet(kind, roundTripMs, this.#ratio)) return
    const boundedMs = this.#baseline.bounded(kind, roundTripMs)
    this.#count += 1
    this.#sumMs += boundedMs
    this.#usualSumMs += this.#baseline.usualMs(kind)
    if (this.#retake !== 'none') this.#goOnRetaking(kind, boundedMs, admittedAtMs, nowMs, inFlight)
    const tookMs = nowMs - this.#windowStartMs
    if (
      tookMs >= WINDOW_MIN_MS &&
      (this.#count >= WINDOW_MIN_SAMPLES || (tookMs >= WINDOW_LONG_MS && this.#count >= WINDOW_FEW_SAMPLES))
    )
      this.#closeWindow(nowMs)
  }

  #beginWindow(nowMs: number): void {
    this.#windowStartMs = nowMs
    this.#count = 0
    this.#sumMs = 0
    this.#usualSumMs = 0
    this.#mostInFlight = 0
    this.#wasBinding = false
  }

  #closeWindow(nowMs: number): void {
    const ratio = this.#usualSumMs > 0 ? this.#sumMs / this.#usualSumMs : 1
    if (this.#retake === 'none') {
      this.#ratio = ratio
      if (this.#wasBinding)
        this.#adjust(ratio, TOLERANCE + (SLACK_MS * this.#count) / Math.max(0.001, this.#usualSumMs), nowMs)
      else if (this.#mostInFlight <= this.#limit / 2) this.#learnFromQuiet(ratio)
    }
    this.#beginWindow(nowMs)
  }

  #adjust(ratio: number, tolerance: number, nowMs: number): void {
    const { sqrt } = Math
    const target =
      ratio < HAS_ROOM_BELOW
        ? this.#limit + Math.max(1, this.#limit / 4)
        : this.#limit * Math.min(1, tolerance / ratio) + HEADROOM * sqrt(this.#limit)
    const next = this.#limit + STEP * (target - this.#limit)
    this.#limit = Math.min(this.#max, Math.max(this.#min, next))
    this.#suspectWindows = ratio > tolerance + SUSPECT_BEYOND ? this.#suspectWindows + 1 : 0
    if (this.#retakeAtMs === Infinity) this.#planRetake(nowMs)
    const isSuspect = this.#suspectWindows >= SUSPECT_WINDOWS && nowMs - this.#lastRetakeMs >= SUSPECT_WAIT_MS
    // At a ceiling that somebody knows to be right, a baseline that has grown too long lets nothing in that shouldn't be.
    const isDue = nowMs >= this.#retakeAtMs && this.#limit < this.#max
    if (isDue || isSuspect) this.#beginRetake(nowMs)
  }

  /** Nothing waits and little is under way: what round trips take now is what they take. */
  #learnFromQuiet(ratio: number): void {
    this.#baseline.drift(ratio)
    this.#suspectWindows = 0
    this.#retakeAtMs = Infinity
    this.#retakeWaitMs = FIRST_RETAKE_MS
  }

  #planRetake(nowMs: number): void {
    const jitter = 1 + RETAKE_JITTER * (2 * this.#random() - 1)
    this.#retakeAtMs = nowMs + this.#retakeWaitMs * jitter
    this.#retakeWaitMs = Math.min(RETAKE_MS, this.#retakeWaitMs * 2)
  }

  #beginRetake(nowMs: number): void {
    this.#retake = 'draining'
    this.#retakeFromMs = nowMs
    this.#suspectWindows = 0
    this.#baseline.forgetTaken()
  }

  #goOnRetaking(
    kind: number,
    boundedMs: number,
    admittedAtMs: number,
    nowMs: number,
    inFlight: number,
  ): void {
    if (this.#retake === 'draining' && inFlight < this.value) {
      this.#retake = 'taking'
      this.#retakeFromMs = nowMs
      this.#takesFromMs = nowMs + RETAKE_SETTLES * this.#baseline.mixMs
    } else if (
      this.#retake === 'taking' &&
      nowMs >= this.#takesFromMs &&
      admittedAtMs >= this.#retakeFromMs
    ) {
      this.#baseline.take(kind, boundedMs)
    }
    const longestMs = Math.min(RETAKE_MAX_MS, RETAKE_MAX_ROUND_TRIPS * Math.max(1, this.#baseline.mixMs))
    if (this.#baseline.takenCount < RETAKE_SAMPLES && nowMs - this.#retakeFromMs < longestMs) return
    // While each re-take finds less than the one before, the next one is not far.
    if (this.#baseline.settle() < STILL_FALLING_BELOW) this.#retakeWaitMs = FIRST_RETAKE_MS
    this.#retake = 'none'
    this.#lastRetakeMs = nowMs
    this.#planRetake(nowMs)
    this.#beginWindow(nowMs)
  }
}
