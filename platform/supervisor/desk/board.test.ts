import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HISTORY_MAX_S } from '../../../contract/operations.ts'
import { createBoard, FRESH_MS, type Process } from './board.ts'
import { doorOf, reportOf } from './fixtures.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const PROCESSES: Process[] = [
  { role: 'ingest', state: 'ready', pid: 1, restartCount: 0 },
  { role: 'api', state: 'ready', pid: 2, restartCount: 1 },
  { role: 'worker', state: 'held', pid: null, restartCount: 0 },
]

function create() {
  let nowMs = 0
  const board = createBoard({ processes: () => PROCESSES, monotonicMs: () => nowMs })
  return { board, pass: (ms: number) => (nowMs += ms) }
}

test('what a process said is shown until it is too old; then its figures are unknown', () => {
  const { board, pass } = create()
  using _ended = board
  board.hear('api', reportOf({ doors: [doorOf(3)] }))
  pass(FRESH_MS)
  expect(board.vitals()[1]).toMatchObject({ requestsPerS: 5, doors: [{ name: 'process', limit: 20 }] })
  pass(1)
  expect(board.vitals()[1]).toMatchObject({
    ...{ state: 'ready', pid: 2, restartCount: 1, asOf: reportOf().at },
    ...{ requestsPerS: null, rssBytes: null, eventLoopP99Ms: null, doors: [] },
  })
  expect(board.vitals()[2]).toMatchObject({ state: 'held', asOf: null, rssBytes: null })
})

test('what a process said is forgotten when it is gone', () => {
  const { board } = create()
  using _ended = board
  board.hear('api', reportOf())
  board.forget('api')
  expect(board.fresh('api')).toBeNull()
  expect(board.silentMs('api')).toBeNull()
})

test('history has a row a second, sums what all say, and knows nothing of who is silent', () => {
  const { board, pass } = create()
  using _ended = board
  vi.advanceTimersByTime(1_000)
  board.hear('api', reportOf({ doors: [doorOf(3)] }))
  board.hear('ingest', reportOf({ eventLoopP99Ms: 99 }))
  board.hear('worker', reportOf({ requests: null }))
  vi.advanceTimersByTime(1_000)
  pass(FRESH_MS + 1)
  vi.advanceTimersByTime(1_000)

  const { at, ...columns } = board.history(0)
  expect(at).toHaveLength(3)
  expect(columns).toMatchObject({
    level: [null, 0, null],
    requestsPerS: [null, 10, null],
    refusedPerS: [null, 12, null],
    inFlight: [null, 4, null],
    limit: [null, 20, null],
    waiting: [null, 6, null],
    eventLoopP99Ms: [null, 12, null],
    rssBytes: [null, 300, null],
    databasePingMs: [null, 1.5, null],
    journalPending: [null, null, null],
    jobsWaiting: [null, null, null],
  })
  expect(board.history(at[1]!).at).toEqual([at[2]])
})

test('history is kept for fifteen minutes', () => {
  const { board } = create()
  using _ended = board
  vi.advanceTimersByTime((HISTORY_MAX_S + 5) * 1_000)
  expect(board.history(0).at).toHaveLength(HISTORY_MAX_S)
})
