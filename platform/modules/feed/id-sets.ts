/**
 * Sets of ids as numbers. The relations of tens of thousands of viewers are kept in memory: as sets of strings they would
 * be millions of references, and the garbage collector would halt every page while it walks through them.
 */

/** Numbers for ids. A number is never given to another id: who empties the memory takes new numbers. */
export class IdNumbers {
  readonly #numberById = new Map<string, number>()
  readonly #ids: string[] = []

  get size(): number {
    return this.#ids.length
  }

  /** The number of an id, made when it is new. */
  numberOf(id: string): number {
    const known = this.#numberById.get(id)
    if (known !== undefined) return known
    const kept = ownCopy(id)
    const number = this.#ids.push(kept) - 1
    this.#numberById.set(kept, number)
    return number
  }

  /** The number of an id that has one, else -1. */
  find(id: string): number {
    return this.#numberById.get(id) ?? -1
  }

  /** @throws {RangeError} when nothing has this number. */
  idOf(number: number): string {
    const id = this.#ids[number]
    if (id === undefined) throw new RangeError(`no id has the number ${number}`)
    return id
  }
}

/** A part of a longer text would keep all of that in memory. */
const ownCopy = (text: string): string => Buffer.from(text).toString()

const NOTHING = new Uint32Array(0)

/** A set that is asked often and changed seldom: its numbers in order. A change costs a copy. */
export class IdSet implements Iterable<string> {
  readonly #numbers: IdNumbers
  #sorted: Uint32Array

  constructor(numbers: IdNumbers, ids: Iterable<string>) {
    this.#numbers = numbers
    const unique = new Set(ids)
    this.#sorted = unique.size === 0 ? NOTHING : Uint32Array.from(unique, (id) => numbers.numberOf(id)).sort()
  }

  get size(): number {
    return this.#sorted.length
  }

  /** Whether the id with this number is in; none has -1. */
  hasNumber(number: number): boolean {
    return this.#sorted[this.#placeOf(number)] === number
  }

  has(id: string): boolean {
    return this.hasNumber(this.#numbers.find(id))
  }

  /** Puts an id in, or takes it out. Idempotent. */
  put(id: string, isIn: boolean): void {
    const number = this.#numbers.numberOf(id)
    const at = this.#placeOf(number)
    const wasIn = this.#sorted[at] === number
    if (wasIn === isIn) return
    const before = this.#sorted
    const after = new Uint32Array(before.length + (isIn ? 1 : -1))
    after.set(before.subarray(0, at))
    if (isIn) after[at] = number
    after.set(before.subarray(isIn ? at : at + 1), isIn ? at + 1 : at)
    this.#sorted = after
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const number of this.#sorted) yield this.#numbers.idOf(number)
  }

  /** Where the number is, or would be. */
  #placeOf(number: number): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#sorted[middle]! < number) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Names with a weight each, in no order. */
export class IdWeights implements Iterable<readonly [string, number]> {
  readonly #numbers: IdNumbers
  #keys: Uint32Array
  #weights: Float32Array

  constructor(numbers: IdNumbers, weights: readonly (readonly [string, number])[]) {
    this.#numbers = numbers
    this.#keys = Uint32Array.from(weights, ([name]) => numbers.numberOf(name))
    this.#weights = Float32Array.from(weights, ([, weight]) => weight)
  }

  /** Adds to a name's weight, which was 0 when it is new, up to `max`. */
  raise(name: string, by: number, max: number): void {
    const number = this.#numbers.numberOf(name)
    let at = this.#keys.indexOf(number)
    if (at < 0) {
      at = this.#keys.length
      this.#keys = Uint32Array.of(...this.#keys, number)
      this.#weights = Float32Array.of(...this.#weights, 0)
    }
    this.#weights[at] = Math.min(max, this.#weights[at]! + by)
  }

  *[Symbol.iterator](): Iterator<readonly [string, number]> {
    for (const [at, number] of this.#keys.entries()) yield [this.#numbers.idOf(number), this.#weights[at]!]
  }
}

/** The last ids of a history, oldest first; some may be in it twice. */
export class IdHistory implements Iterable<string> {
  readonly #numbers: IdNumbers
  readonly #max: number
  #list: Uint32Array
  #length: number

  /** Keeps the last `max` at least, and fewer than twice as many. */
  constructor(numbers: IdNumbers, max: number, ids: Iterable<string>) {
    this.#numbers = numbers
    this.#max = max
    this.#list = Uint32Array.from(ids, (id) => numbers.numberOf(id))
    this.#length = this.#list.length
  }

  get size(): number {
    return this.#length
  }

  push(id: string): void {
    if (this.#length === this.#list.length) {
      const grown = new Uint32Array(Math.min(2 * this.#max, 2 * this.#length + 8))
      grown.set(this.#list)
      this.#list = grown
    }
    this.#list[this.#length++] = this.#numbers.numberOf(id)
    if (this.#length < 2 * this.#max) return
    this.#list.copyWithin(0, this.#max)
    this.#length -= this.#max
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let at = 0; at < this.#length; at++) yield this.#numbers.idOf(this.#list[at]!)
  }
}
