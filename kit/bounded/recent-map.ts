/** A map of bounded size: when it is full, what was set longest ago is forgotten. */

export interface RecentMap<Key, Value> {
  get(key: Key): Value | undefined
  /** Makes the key the one that was set last. */
  set(key: Key, value: Value): void
  delete(key: Key): void
  clear(): void
  /** Those that were set longest ago first. */
  values(): IterableIterator<Value>
  readonly size: number
}

/** Begins empty. Each call costs the same, however much was forgotten before. */
export function createRecentMap<Key, Value>(maxKeys: number): RecentMap<Key, Value> {
  const map = new Map<Key, Value>()
  // One iterator for good. All that it has passed is gone, so it stands before the oldest; a new one would first step
  // over the places of everything that was deleted, which at tens of thousands of keys takes longer than all the rest.
  let oldest = map.keys()
  function forgetOldest(): void {
    let next = oldest.next()
    if (next.done) {
      oldest = map.keys()
      next = oldest.next()
    }
    if (!next.done) map.delete(next.value)
  }
  return {
    get: (key) => map.get(key),
    set(key, value) {
      const sizeBefore = map.size
      map.set(key, value)
      if (map.size === sizeBefore) {
        // It was there, and keeps its place: anew it comes last.
        map.delete(key)
        map.set(key, value)
      } else if (map.size > maxKeys) forgetOldest()
    },
    delete: (key) => void map.delete(key),
    clear: () => map.clear(),
    values: () => map.values(),
    get size() {
      return map.size
    },
  }
}
