import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FromSupervisor } from '../protocol.ts'
import { createBoard } from './board.ts'
import { reportOf } from './fixtures.ts'
import { watchPeers } from './peers.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function create({ hasDoubt }: { hasDoubt: boolean }) {
  let asleepMs = 0
  const monotonicMs = () => performance.now() + asleepMs
  const roles = (['ingest', 'api', 'worker'] as const).map((role) => ({
    ...{ role, state: 'ready' as const, pid: 1, restartCount: 0, isBeingReplaced: false },
  }))
  const told: FromSupervisor[] = []
  const board = createBoard({ processes: () => roles, monotonicMs })
  const peers = watchPeers({
    roles: () => roles,
    board,
    tell: (message) => told.push(message),
    hasDoubt,
    monotonicMs,
  })
  const hearAll = () => roles.forEach(({ role }) => board.hear(role, reportOf()))
  hearAll()
  return {
    told,
    hearAll,
    /** Nothing of ours runs meanwhile, and what is sent is not read. */
    sleep: (ms: number) => (asleepMs += ms),
    [Symbol.dispose]: () => (peers[Symbol.dispose](), board[Symbol.dispose]()),
  }
}

test('who was asleep holds nobody for dead because of what it did not hear meanwhile', () => {
  using scene = create({ hasDoubt: true })
  vi.advanceTimersByTime(1_000)
  scene.sleep(60_000)
  vi.advanceTimersByTime(250)
  expect(scene.told).toEqual([])
  scene.hearAll()
  vi.advanceTimersByTime(14_000)
  expect(scene.told).toEqual([])
})

test('without its doubt it does', () => {
  using scene = create({ hasDoubt: false })
  scene.sleep(60_000)
  vi.advanceTimersByTime(250)
  expect(scene.told).toMatchObject([{ areUp: { ingest: false, api: false, worker: false } }])
})

test('who says nothing for 15 s while it is listened to is told to be gone, and back at its next word', () => {
  using scene = create({ hasDoubt: true })
  scene.sleep(60_000)
  vi.advanceTimersByTime(15_000)
  expect(scene.told).toEqual([])
  vi.advanceTimersByTime(250)
  expect(scene.told).toMatchObject([{ areUp: { ingest: false, api: false, worker: false } }])
  scene.hearAll()
  vi.advanceTimersByTime(250)
  expect(scene.told.at(-1)).toMatchObject({ areUp: { ingest: true, api: true, worker: true } })
})
