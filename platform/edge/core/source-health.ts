/**
 * Which sources to ask, in which order, from what was asked of them (passive) and from probes (active). Pure.
 *
 * Fails static: when all are seen as down at once, it is more likely that the one who looks is cut off or wrong, so all
 * stay in the order, and only those that are told apart from others that work are put last.
 */

/** In a row, before a source is seen as down. */
const FAILURES_TO_DOWN = 3
/** In a row, before it is seen as up again. */
const SUCCESSES_TO_UP = 2

interface Standing {
  isUp: boolean
  failures: number
  successes: number
}

export interface SourceHealth {
  note(name: string, isGood: boolean, atMs: number): void
  /** All names: those that are up in their own order, then the others. */
  order(): string[]
  isUp(name: string): boolean
  /** All are seen as down. */
  readonly isFailingStatic: boolean
  /** Since when nothing has been heard of any source; null: something has been heard. */
  readonly awaySinceMs: number | null
}

/** @param isStatic off for a drill: then what is seen as down gets nothing, and it may be all. */
export function createSourceHealth(names: readonly string[], isStatic = true): SourceHealth {
  const standings = new Map<string, Standing>(
    names.map((name) => [name, { isUp: true, failures: 0, successes: 0 }]),
  )
  let awaySinceMs: number | null = null
  const isUp = (name: string) => standings.get(name)?.isUp ?? false
  const areAllDown = () => names.every((name) => !isUp(name))
  return {
    note(name, isGood, atMs) {
      const standing = standings.get(name)
      if (!standing) return
      standing.failures = isGood ? 0 : standing.failures + 1
      standing.successes = isGood ? standing.successes + 1 : 0
      if (standing.failures >= FAILURES_TO_DOWN) standing.isUp = false
      // Whoever answers while nobody else does is better than nobody, at once.
      if (standing.successes >= SUCCESSES_TO_UP || (isGood && areAllDown())) standing.isUp = true
      awaySinceMs = areAllDown() ? (awaySinceMs ?? atMs) : null
    },
    order() {
      const up = names.filter(isUp)
      if (!isStatic) return up
      return [...up, ...names.filter((name) => !isUp(name))]
    },
    isUp,
    get isFailingStatic() {
      return areAllDown()
    },
    get awaySinceMs() {
      return awaySinceMs
    },
  }
}
