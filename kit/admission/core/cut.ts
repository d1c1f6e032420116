/**
 * Where the cut goes through classes and persons while more comes than can be served: whoever lies before it is served in
 * every request of that class, whoever lies behind it in none. After DAGOR (Zhou et al., "Overload control for scaling
 * WeChat microservices", SoCC 2018), with the capacity measured instead of stepped through.
 */
import type { Costs } from './costs.ts'
import { FairShare } from './fair-share.ts'
import { REFUSAL_MS } from './returners.ts'
import type { Ticket } from './ticket.ts'
import { CLASS_COUNT, RANK_COUNT, type PriorityClass } from './types.ts'

/** What lies beyond a person's share comes after the last class, as a class of its own. */
const BEYOND_LEVEL = CLASS_COUNT * RANK_COUNT
const LEVEL_COUNT = BEYOND_LEVEL + RANK_COUNT

/** Levels that fill so much of the capacity are served before those at the margin of their class… */
const INNER = 0.94
/** …and levels beyond so much of it are turned away at once. What lies between keeps the line from running dry. */
const OUTER = 1.3
/** …but where that reaches into the next class, only what is served is let in of it: whoever is turned away at the margin should not see lower classes served. */
const OUTER_NEXT_CLASS = 1.25
/** …further out where few are served in the time that one may wait: a line of one or two soon runs dry. */
const OUTER_FEW_MS = 60

const WINDOW_MIN_MS = 100
const WINDOW_MAX_MS = 1_000
const WINDOW_MIN_SERVED = 25
const QUIET_ABOVE = 0.35
/** Rates are means over about so long. */
const RATE_MEMORY_MS = 2_000
/** A count that lies so many times its own spread off what was expected is no chance. */
const JUMPS_BEYOND = 4
const CAPACITY_MEMORY_MS = 600
/** More than this many times the capacity was served, and nobody turned away for want of room: then it has grown. */
const EXCEEDED_ABOVE = 1.1
/** Turned away in the line beyond this share: more comes than can be served. */
const OVERLOADED_ABOVE = 0.01
/** Who is turned away while there is room for this share of the time shows nothing. */
const ROOMY_ABOVE = 0.25
/** A capacity that was seen idle is taken for this much of the idle share larger: what was cut too deep is soon let in again. */
const PROBE_BY_IDLE = 0.5
/** More than this share of the thread is never said to be taken by them: what is left shows too little. */
const REFUSALS_TAKE_MAX = 0.75
/**
 * Who asks is counted over times as long as the bound of the line: each has one request at a time, so where all of them together are served
 * within this share of the bound, no line can get too long, however often they come again.
 */
const ALL_IN_TIME = 0.8
/** Nobody comes for so long, though so many should have. */
const SILENCE_MS = 30
const SILENCE_MISSED = 15
/** As many windows without any need of a cut end it. */
const CALM_WINDOWS = 3

export type Verdict = 'in' | 'margin' | 'out'

export class Cut {
  readonly #random: () => number
  readonly #readThreadIdleMs: (() => number) | null
  readonly #waitMs: number
  readonly #fairShare: FairShare
  readonly #costs: Costs
  readonly #counts = new Float64Array(LEVEL_COUNT)
  /** Arrivals a millisecond, by level. */
  readonly #rates = new Float64Array(LEVEL_COUNT)
  readonly #classRates = new Float64Array(CLASS_COUNT + 1)
  /** In the last window, the thread that does the work had hardly any rest. */
  isThreadBusy = false
  /** All who ask lately, each once, are served within the bound of the line. */
  couldAllWait = false
  #windowStartMs = -1
  /** A time in which each who asks is counted once, and how many did in the one before and in this one. */
  #round = 0
  #roundStartMs = 0
  #askersBefore = Infinity
  #askers = 0
  #served = 0
  #servedCost = 0
  #shed = 0
  #idleMs = 0
  #turnedAway = 0
  #threadIdleMs = 0
  /** What is served, a millisecond, by what it costs; 0: no cut is in force. */
  #capacity = 0
  /** How many are. */
  #servedPerMs = 0
  #beganAtMs = 0
  #calmWindows = 0
  #innerLevel = LEVEL_COUNT
  #outerLevel = LEVEL_COUNT
  #leftPerMs = 0
  /** Of the level that the outer bound goes through, this share is let into the line. */
  #outerShare = 1

  /**
   * @param costs what a request of each class costs.
   * @param waitMs nobody waits in the line for longer.
   * @param readThreadIdleMs how long in all the thread that does the work had nothing to do.
   */
  constructor(random: () => number, costs: Costs, waitMs: number, readThreadIdleMs?: () => number) {
    this.#random = random
    this.#costs = costs
    this.#waitMs = waitMs
    this.#fairShare = new FairShare(random)
    this.#readThreadIdleMs = readThreadIdleMs ?? null
  }

  get isInForce(): boolean {
    return this.#capacity > 0
  }

  /** Those who came before it began wait no more. */
  isSettled(nowMs: number): boolean {
    return this.isInForce && nowMs - this.#beganAtMs >= this.#waitMs
  }

  /** How many requests are served, a millisecond; 0: no cut is in force. */
  get servedPerMs(): number {
    return this.#servedPerMs
  }

  /** How many requests of the class that the cut goes through there is something left for, a millisecond. */
  get leftPerMs(): number {
    return this.#leftPerMs
  }

  /** The share of this class's ranks that is served wholly; 1 without a cut. */
  shareOf(priorityClass: PriorityClass): number {
    const ranks = this.#innerLevel - priorityClass * RANK_COUNT
    return Math.min(1, Math.max(0, ranks / RANK_COUNT))
  }

  /** The class from which on not all are served wholly. */
  get lastClass(): number {
    return Math.floor(this.#innerLevel / RANK_COUNT)
  }

  /** Counts an arrival and says where it lies. */
  judge(ticket: Ticket, nowMs: number): Verdict {
    if (this.#windowStartMs < 0) this.#windowStartMs = this.#roundStartMs = nowMs
    this.#countAsker(ticket, nowMs)
    ticket.isBeyondShare = this.#fairShare.isBeyond(ticket)
    const level = ticket.isBeyondShare ? BEYOND_LEVEL : ticket.class * RANK_COUNT + ticket.rank
    this.#counts[level]! += 1
    if (nowMs - this.#windowStartMs >= WINDOW_MIN_MS) this.#closeWindow(nowMs)
    if (level < this.#innerLevel) return 'in'
    if (level < this.#outerLevel) return 'margin'
    if (level === this.#outerLevel && this.#random() < this.#outerShare) return 'margin'
    this.#turnedAway += 1
    return 'out'
  }

  #countAsker({ asker, person }: Ticket, nowMs: number): void {
    if (nowMs - this.#roundStartMs >= this.#waitMs) {
      this.#askersBefore = nowMs - this.#roundStartMs < 2 * this.#waitMs ? this.#askers : 0
      this.#askers = 0
      this.#round += 1
      this.#roundStartMs = nowMs
    }
    // A connection that carries one person after the other, a proxy's say, is no bound for how many there are.
    if (asker?.seenIn === this.#round && asker.seenPerson === person) return
    if (asker) {
      asker.seenIn = this.#round
      asker.seenPerson = person
    }
    this.#askers += 1
  }

  noteServed(priorityClass: PriorityClass): void {
    this.#served += 1
    this.#servedCost += this.#costs.of(priorityClass)
  }

  /** One that had been let into the line was not served after all. */
  noteShed(): void {
    this.#shed += 1
    this.#turnedAway += 1
  }

  /** There was room and nobody waited for so long. */
  noteIdle(idleMs: number): void {
    this.#idleMs += idleMs
    if (this.isInForce && !this.#readThreadIdleMs && this.#isOver(idleMs)) this.#end()
  }

  /** So long a silence is no chance: the load that the cut was made for has ended, and what comes now may be other people. */
  #isOver(idleMs: number): boolean {
    const perMs = this.#classRates.reduce((sum, rate) => sum + rate, 0)
    return idleMs >= SILENCE_MS && idleMs * perMs >= SILENCE_MISSED
  }

  #end(): void {
    this.#capacity = this.#servedPerMs = 0
    this.#rates.fill(0)
    this.#classRates.fill(0)
    this.#placeLevels()
  }

  #closeWindow(nowMs: number): void {
    const tookMs = nowMs - this.#windowStartMs
    // Where there was room for most of the time, little is known soon enough: a cut that nobody needs keeps people out.
    const isQuiet = this.#idleMs > tookMs * QUIET_ABOVE
    if (this.#served < WINDOW_MIN_SERVED && tookMs < WINDOW_MAX_MS && !isQuiet) return
    const arrivalRate = this.#updateRates(tookMs)
    const rate = this.#servedCost / tookMs
    const weight = tookMs / (tookMs + CAPACITY_MEMORY_MS)
    const idleShare = this.#idleShare(tookMs)
    const isShedding = this.#shed > OVERLOADED_ABOVE * (this.#served + this.#shed)
    this.couldAllWait = this.#areAllInTime(tookMs)
    const isOverloaded = isShedding && idleShare <= ROOMY_ABOVE && !this.couldAllWait
    if (isOverloaded) {
      // Before a single worker, chance alone leaves nobody to serve for a moment.
      const canServe = this.#readThreadIdleMs ? rate / (1 - idleShare) : rate
      this.#capacity = this.#capacity === 0 ? canServe : this.#capacity + weight * (canServe - this.#capacity)
      this.#servedPerMs +=
        (this.#servedPerMs === 0 ? 1 : weight) * (this.#served / tookMs - this.#servedPerMs)
      this.#calmWindows = 0
    } else if (this.isInForce) {
      if (rate > this.#capacity * EXCEEDED_ABOVE) this.#capacity += weight * (rate - this.#capacity)
      if (idleShare > 0) this.#capacity = Math.max(this.#capacity * (1 + PROBE_BY_IDLE * idleShare), rate)
      const isCalm = this.#capacity * INNER >= arrivalRate || idleShare > QUIET_ABOVE || this.couldAllWait
      this.#calmWindows = isCalm ? this.#calmWindows + 1 : 0
      if (this.#calmWindows >= CALM_WINDOWS) this.#capacity = this.#servedPerMs = 0
    }
    this.#fairShare.closeWindow(tookMs, this.#servedPerMs)
    this.#costs.weigh()
    this.#placeLevels()
    this.#windowStartMs = nowMs
    this.#served = 0
    this.#servedCost = 0
    this.#shed = 0
    this.#idleMs = 0
    this.#turnedAway = 0
  }

  #areAllInTime(tookMs: number): boolean {
    const refusalsTake = Math.min(REFUSALS_TAKE_MAX, (this.#turnedAway * REFUSAL_MS) / tookMs)
    const couldServePerMs = this.#served / tookMs / (this.#readThreadIdleMs ? 1 - refusalsTake : 1)
    return Math.max(this.#askers, this.#askersBefore) < couldServePerMs * this.#waitMs * ALL_IN_TIME
  }

  /** Of the window: there was room at the gate, and the thread had nothing to do but turn away. */
  #idleShare(tookMs: number): number {
    const share = Math.min(1, this.#idleMs / tookMs)
    if (!this.#readThreadIdleMs) return share
    const threadIdleMs = this.#readThreadIdleMs()
    const threadMs = threadIdleMs - this.#threadIdleMs + this.#turnedAway * REFUSAL_MS
    this.isThreadBusy = threadMs < tookMs * ROOMY_ABOVE
    this.#threadIdleMs = threadIdleMs
    return Math.min(share, threadMs / tookMs)
  }

  /** @returns all arrivals a millisecond, by what they cost. */
  #updateRates(tookMs: number): number {
    const weight = tookMs / (tookMs + RATE_MEMORY_MS)
    let sum = 0
    for (let each = 0; each <= CLASS_COUNT; each++)
      sum += this.#updateClass(each, tookMs, weight) * this.#costs.of(each)
    return sum
  }

  /** A rate that has jumped is taken as it is; one that wanders is smoothed. How persons share in it is always smoothed. */
  #updateClass(priorityClass: number, tookMs: number, weight: number): number {
    const from = priorityClass * RANK_COUNT
    let count = 0
    for (let level = from; level < from + RANK_COUNT; level++) {
      count += this.#counts[level]!
      this.#rates[level]! += weight * (this.#counts[level]! / tookMs - this.#rates[level]!)
      this.#counts[level] = 0
    }
    const before = this.#classRates[priorityClass]!
    const expected = before * tookMs
    const hasJumped = Math.abs(count - expected) > JUMPS_BEYOND * Math.sqrt(expected + 1)
    const rate = before + (hasJumped ? 1 : weight) * (count / tookMs - before)
    this.#classRates[priorityClass] = rate
    return rate
  }

  /** How much the rates of a class's levels have to be multiplied by to sum up to that of the class. */
  #scaleOf(priorityClass: number): number {
    const from = priorityClass * RANK_COUNT
    let sum = 0
    for (let level = from; level < from + RANK_COUNT; level++) sum += this.#rates[level]!
    return sum > 0 ? this.#classRates[priorityClass]! / sum : 0
  }

  #costBefore(priorityClass: number): number {
    let sum = 0
    for (let each = 0; each < priorityClass; each++) sum += this.#classRates[each]! * this.#costs.of(each)
    return sum
  }

  #placeLevels(): void {
    this.#innerLevel = LEVEL_COUNT
    this.#outerLevel = LEVEL_COUNT
    this.#outerShare = 1
    if (!this.isInForce) return
    const inner = this.#capacity * INNER
    const outerOf = (level: number) =>
      Math.floor(level / RANK_COUNT) > this.lastClass
        ? this.#capacity * OUTER_NEXT_CLASS
        : this.#capacity * OUTER + 1 / OUTER_FEW_MS
    let sum = 0
    let scale = 0
    for (let level = 0; level < LEVEL_COUNT; level++) {
      const priorityClass = level / RANK_COUNT
      if (level % RANK_COUNT === 0) scale = this.#scaleOf(priorityClass) * this.#costs.of(priorityClass)
      const rate = this.#rates[level]! * scale
      if (sum + rate > inner && this.#innerLevel === LEVEL_COUNT) this.#innerLevel = level
      const outer = outerOf(level)
      if (sum + rate > outer) {
        this.#outerLevel = level
        this.#outerShare = Math.max(0, outer - sum) / rate
        break
      }
      sum += rate
    }
    const { lastClass } = this
    this.#leftPerMs =
      (this.#capacity - this.#costBefore(lastClass)) / this.#costs.of(Math.min(lastClass, CLASS_COUNT))
  }
}
