/**
 * Three lines of those who wait to be taken: who comes from where known people are goes first, then who comes from where
 * work was proved; and in a crowd of strangers those who have just come, for who has waited long has gone. Pure.
 */
import { STANDINGS, type Standing } from '../app/abuse/standings.ts'

export interface WaitingLines<One> {
  /** @returns who has to go for it, having waited longest in a line that is full; null: nobody. */
  add(one: One, standing: Standing, nowMs: number): One | null
  next(nowMs: number): { readonly one: One; readonly waitedMs: number } | null
  /** Empties all. */
  takeAll(): One[]
}

/** Who waits for longer than this has probably gone. */
export const CROWDED_MS = 1_000

/** Begins empty. @param max of each line */
export function createWaitingLines<One>(max: number): WaitingLines<One> {
  type Waiting = { one: One; sinceMs: number }
  const lines: Record<Standing, Waiting[]> = { known: [], proven: [], stranger: [] }
  const { known, proven, stranger: strangers } = lines
  return {
    add(one, standing, nowMs) {
      const line = lines[standing]
      line.push({ one, sinceMs: nowMs })
      return line.length > max ? line.shift()!.one : null
    },
    next(nowMs) {
      const isCrowded = strangers.length > 0 && nowMs - strangers[0]!.sinceMs > CROWDED_MS
      const next = known.shift() ?? proven.shift() ?? (isCrowded ? strangers.pop() : strangers.shift())
      return next ? { one: next.one, waitedMs: nowMs - next.sinceMs } : null
    },
    takeAll: () => STANDINGS.flatMap((standing) => lines[standing].splice(0)).map(({ one }) => one),
  }
}
