/** Counts by key that fade over a time, in bounded memory: what was counted longest ago is forgotten first. */

interface Entry {
  count: number
  atMs: number
}

export interface Counts {
  /** Adds one; answers how many there are then. */
  add(key: string, nowMs: number): number
  /** How many there are, rounded up; 0 for a key that is not known, or no longer. */
  count(key: string, nowMs: number): number
  /** How long until there are fewer than `below`; 0: there are. */
  waitMs(key: string, below: number, nowMs: number): number
}

/** Begins with nothing. A count falls evenly: whatever it was, one a `fadeMs / atMost` is gone. */
export function createCounts({
  maxKeys,
  atMost,
  fadeMs,
}: {
  readonly maxKeys: number
  /** No count grows beyond it. */
  readonly atMost: number
  /** How long `atMost` takes to fall to nothing. */
  readonly fadeMs: number
}): Counts {
  const entries = new Map<string, Entry>()
  const perMs = atMost / fadeMs
  const at = (key: string, nowMs: number): number => {
    const entry = entries.get(key)
    return entry ? Math.max(0, entry.count - Math.max(0, nowMs - entry.atMs) * perMs) : 0
  }
  return {
    add(key, nowMs) {
      const count = Math.min(atMost, at(key, nowMs) + 1)
      // Anew, so that it comes last.
      entries.delete(key)
      entries.set(key, { count, atMs: nowMs })
      if (entries.size > maxKeys) entries.delete(entries.keys().next().value!)
      return Math.ceil(count)
    },
    count: (key, nowMs) => Math.ceil(at(key, nowMs)),
    waitMs: (key, below, nowMs) => Math.max(0, Math.ceil((at(key, nowMs) - (below - 1)) / perMs)),
  }
}

export interface Spread {
  /** Notes one of the key's; answers how many different ones there were lately, at most `enough`. */
  add(key: string, one: string, nowMs: number): number
  count(key: string, nowMs: number): number
}

/** Counts how many different things go with a key, up to a number that is enough to know. */
export function createSpread({
  maxKeys,
  enough,
  forgetMs,
}: {
  readonly maxKeys: number
  readonly enough: number
  /** A key that saw nothing new for so long begins anew. */
  readonly forgetMs: number
}): Spread {
  const entries = new Map<string, { readonly seen: Set<string>; atMs: number }>()
  const fresh = (key: string, nowMs: number) => {
    const entry = entries.get(key)
    return entry && nowMs - entry.atMs < forgetMs ? entry : undefined
  }
  return {
    add(key, one, nowMs) {
      const entry = fresh(key, nowMs) ?? { seen: new Set<string>(), atMs: nowMs }
      if (entry.seen.size < enough) entry.seen.add(one)
      entry.atMs = nowMs
      entries.delete(key)
      entries.set(key, entry)
      if (entries.size > maxKeys) entries.delete(entries.keys().next().value!)
      return entry.seen.size
    },
    count: (key, nowMs) => fresh(key, nowMs)?.seen.size ?? 0,
  }
}
