/**
 * Two lines of those who wait to be taken: who comes from where known people are goes first; and in a crowd of strangers
 * those who have just come, for who has waited long has gone. Pure.
 */

export interface WaitingLines<One> {
  /** @returns who has to go for it, having waited longest in a line that is full; null: nobody. */
  add(one: One, isHome: boolean, nowMs: number): One | null
  next(nowMs: number): { readonly one: One; readonly waitedMs: number } | null
  /** Empties both. */
  takeAll(): One[]
}

/** Who waits for longer than this has probably gone. */
export const CROWDED_MS = 1_000

/** Begins empty. @param max of each line */
export function createWaitingLines<One>(max: number): WaitingLines<One> {
  const homes: { one: One; sinceMs: number }[] = []
  const strangers: { one: One; sinceMs: number }[] = []
  return {
    add(one, isHome, nowMs) {
      const line = isHome ? homes : strangers
      line.push({ one, sinceMs: nowMs })
      return line.length > max ? line.shift()!.one : null
    },
    next(nowMs) {
      const isCrowded = strangers.length > 0 && nowMs - strangers[0]!.sinceMs > CROWDED_MS
      const next = homes.shift() ?? (isCrowded ? strangers.pop() : strangers.shift())
      return next ? { one: next.one, waitedMs: nowMs - next.sinceMs } : null
    },
    takeAll: () => [...homes.splice(0), ...strangers.splice(0)].map(({ one }) => one),
  }
}
