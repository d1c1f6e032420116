import { expect, test } from 'vitest'
import { joinHistory, MAX_ROWS, newestOf } from './history.ts'
import type { OperationsHistory } from './types.ts'

const rows = (at: number[]): OperationsHistory => {
  const column = at.map((one) => one * 10)
  return {
    at,
    level: column,
    requestsPerS: column,
    refusedPerS: column,
    failuresPerS: column,
    inFlight: column,
    limit: column,
    waiting: column,
    eventLoopP99Ms: column,
    rssBytes: column,
    cpuCores: column,
    databasePingMs: column,
    journalPending: column,
    jobsWaiting: column,
  }
}

test('only rows that are newer than the newest are added', () => {
  const joined = joinHistory(rows([1, 2, 3]), rows([2, 3, 4]))
  expect(joined.at).toEqual([1, 2, 3, 4])
  expect(joined.waiting).toEqual([10, 20, 30, 40])
})

test('nothing new leaves the plots as they are', () => {
  const before = rows([1, 2])
  expect(joinHistory(before, rows([1, 2]))).toBe(before)
  expect(joinHistory(before, rows([]))).toBe(before)
})

test('fifteen minutes are kept, all columns of the same length', () => {
  const seconds = Array.from({ length: MAX_ROWS }, (_, n) => n)
  const joined = joinHistory(rows(seconds), rows([MAX_ROWS]))
  expect(joined.at).toHaveLength(MAX_ROWS)
  expect([joined.at[0], joined.at.at(-1)]).toEqual([1, MAX_ROWS])
  expect(new Set(Object.values(joined).map((column) => column.length)).size).toBe(1)
})

test('a figure that is unknown for some seconds is unknown, not 0', () => {
  expect(newestOf([4, 3, null])).toBe(3)
  expect(newestOf([7, null, null, null, null, null])).toBeNull()
  expect(newestOf([])).toBeNull()
})
