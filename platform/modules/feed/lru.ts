/**
 * A map of bounded size that forgets what was not used for long.
 *
 * Two generations instead of an exact order: what is used moves into the younger; when that is full the older is
 * forgotten and the younger takes its place. A look-up of something in use costs one look-up and moves nothing.
 */
export class LruMap<K, V> {
  readonly #generationMax: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** Holds `max` entries at most, and never forgets what was among the last `max / 2` used. */
  constructor(max: number) {
    this.#generationMax = Math.max(1, Math.floor(max / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value, which counts as used now. */
  get(key: K): V | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const older = this.#old.get(key)
    if (older === undefined) return undefined
    this.set(key, older)
    return older
  }

  /** The value, without counting as use. */
  peek(key: K): V | undefined {
    const value = this.#young.get(key)
    return value === undefined ? this.#old.get(key) : value
  }

  set(key: K, value: V): void {
    this.#old.delete(key)
    this.#young.set(key, value)
    if (this.#young.size < this.#generationMax) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  *keys(): Generator<K> {
    yield* this.#young.keys()
    yield* this.#old.keys()
  }
}
