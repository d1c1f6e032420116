/**
 * From an order by score to a feed: authors are kept apart, and every so many positions one is given to a new video.
 *
 * An item that comes too soon after its author's last waits and goes in as soon as it may; the distance gives way only
 * when nobody else is left.
 */
import { NEVER_PLACED, type Scratch } from './scratch.ts'

/** At least this many items of others stand between two of one author. */
export const AUTHOR_DISTANCE = 4
/** One position in this many goes to a new video. */
export const RESERVED_EVERY = 7
/** The first of them: not the first thing that is seen, but on the first page. */
const RESERVED_FIRST = 3

/** Items in the order of their score; `at` grows by one each call, and the answer is a slot or -1 at the end. */
export type SlotOrder = (at: number) => number

export function isReserved(position: number): boolean {
  return position % RESERVED_EVERY === RESERVED_FIRST
}

export class AuthorSpacing {
  readonly #scratch: Scratch
  readonly #authorOf: Int32Array
  readonly #isPlaced: (slot: number) => boolean
  readonly #authorAt: number[] = []
  readonly #deferringAuthors: number[] = []
  /** Places in the order, ascending, whose author may be shown again. */
  readonly #ready: number[] = []
  #order: SlotOrder = () => -1
  #slots: number[] = []
  #at = 0
  #isOver = false

  constructor(scratch: Scratch, authorOf: Int32Array, isPlaced: (slot: number) => boolean) {
    this.#scratch = scratch
    this.#authorOf = authorOf
    this.#isPlaced = isPlaced
  }

  /** Goes on with another order; what waited of the last one is over and done with. */
  start(order: SlotOrder): void {
    this.#forgetDeferred()
    this.#order = order
    this.#slots = []
    this.#at = 0
    this.#isOver = false
  }

  /** The slot for the next position; -1 when nothing is left. It must be placed before the next call. */
  next(): number {
    while (this.#ready.length > 0) {
      const author = this.#authorOf[this.#slots[this.#ready.shift()!]!]!
      if (this.isTooSoon(author)) continue
      const slot = this.#takeDeferred(author)
      if (slot >= 0) return slot
    }
    return this.#nextInOrder() ?? this.#leastBad()
  }

  isTooSoon(author: number): boolean {
    return this.#authorAt.length - this.#scratch.lastPosition[author]! <= AUTHOR_DISTANCE
  }

  /** Notes that the next position went to this slot. */
  place(slot: number): void {
    const author = this.#authorOf[slot]!
    this.#scratch.lastPosition[author] = this.#authorAt.length
    this.#authorAt.push(author)
    this.#release(this.#authorAt.length)
  }

  /** Leaves the scratch as it was. */
  finish(): void {
    this.#forgetDeferred()
    for (const author of this.#authorAt) this.#scratch.lastPosition[author] = NEVER_PLACED
  }

  #nextInOrder(): number | null {
    while (!this.#isOver) {
      const at = this.#at++
      const slot = this.#order(at)
      if (slot < 0) {
        this.#isOver = true
        break
      }
      this.#slots.push(slot)
      if (this.#isPlaced(slot)) continue
      const author = this.#authorOf[slot]!
      if (!this.isTooSoon(author)) return slot
      this.#defer(author, at)
    }
    return null
  }

  #defer(author: number, at: number): void {
    const { deferredHead, deferredTail, nextDeferred } = this.#scratch
    nextDeferred[at] = -1
    if (deferredHead[author]! < 0) {
      deferredHead[author] = at
      this.#deferringAuthors.push(author)
    } else nextDeferred[deferredTail[author]!] = at
    deferredTail[author] = at
  }

  /** The author who may be shown again from this position on, if something of theirs waits. */
  #release(position: number): void {
    const author = this.#authorAt[position - AUTHOR_DISTANCE - 1]
    if (author === undefined || this.isTooSoon(author)) return
    const head = this.#scratch.deferredHead[author]!
    if (head < 0) return
    let index = this.#ready.length
    while (index > 0 && this.#ready[index - 1]! > head) index--
    this.#ready.splice(index, 0, head)
  }

  #takeDeferred(author: number): number {
    const { deferredHead, nextDeferred } = this.#scratch
    let head = deferredHead[author]!
    while (head >= 0) {
      const slot = this.#slots[head]!
      head = nextDeferred[head]!
      deferredHead[author] = head
      if (!this.#isPlaced(slot)) return slot
    }
    return -1
  }

  /** Everyone left was shown a moment ago: whoever it was longest ago. */
  #leastBad(): number {
    const position = this.#authorAt.length
    for (let at = Math.max(0, position - AUTHOR_DISTANCE); at < position; at++) {
      const author = this.#authorAt[at]!
      if (this.#scratch.lastPosition[author] !== at) continue
      const slot = this.#takeDeferred(author)
      if (slot >= 0) return slot
    }
    return -1
  }

  #forgetDeferred(): void {
    for (const author of this.#deferringAuthors) this.#scratch.deferredHead[author] = -1
    this.#deferringAuthors.length = 0
    this.#ready.length = 0
  }
}
