/** Gives strings small integers, so that rankings work on typed arrays. An integer is free again with its last use. */
export class Interner {
  readonly #indexByKey = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** Every index handed out so far is smaller than this. */
  get span(): number {
    return this.#keys.length
  }

  /** The index of a key, made when it is new. Each call counts as one use. */
  acquire(key: string): number {
    const known = this.#indexByKey.get(key)
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1
      return known
    }
    const index = this.#free.pop() ?? this.#keys.length
    this.#keys[index] = key
    this.#uses[index] = 1
    this.#indexByKey.set(key, index)
    return index
  }

  /** Takes one use back. */
  release(index: number): void {
    const uses = (this.#uses[index] ?? 0) - 1
    this.#uses[index] = uses
    if (uses > 0) return
    this.#indexByKey.delete(this.keyOf(index))
    this.#keys[index] = ''
    this.#free.push(index)
  }

  /** The index of a key that is in use, else -1. */
  find(key: string): number {
    return this.#indexByKey.get(key) ?? -1
  }

  keyOf(index: number): string {
    return this.#keys[index] ?? ''
  }
}
