/** Joins what the plots have with what came since: one column a figure, oldest first. */
import type { OperationsHistory } from './types.ts'

export type Column = Exclude<keyof OperationsHistory, 'at'>

/** As much as the server itself keeps: fifteen minutes, a row a second. */
export const MAX_ROWS = 15 * 60

/** Adds the rows that are newer than the newest; what is older than the plots reach goes. */
export function joinHistory(before: OperationsHistory | null, added: OperationsHistory): OperationsHistory {
  const newest = before?.at.at(-1) ?? -Infinity
  const from = added.at.findIndex((at) => at > newest)
  if (before && from === -1) return before
  const names = Object.keys(added) as (keyof OperationsHistory)[]
  const join = (name: keyof OperationsHistory) =>
    [...(before?.[name] ?? []), ...added[name].slice(before ? from : 0)].slice(-MAX_ROWS)
  return Object.fromEntries(names.map((name) => [name, join(name)])) as OperationsHistory
}

/** The newest figure that is known of the last few rows; null: there is none. */
export function newestOf(column: readonly (number | null)[]): number | null {
  return column.slice(-5).findLast((value) => value !== null) ?? null
}
