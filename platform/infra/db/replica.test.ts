import { expect, test } from 'vitest'
import { behindOf, type ReplicaSample } from './replica.ts'

const IDLE: ReplicaSample = {
  isReplica: true,
  replayedAgeS: 3_600,
  isStreaming: true,
  quietS: 10,
  isAllReplayed: true,
}

test('a replica of a database in which nothing happens is not behind', () => {
  expect(behindOf(IDLE, null)).toBe(0)
})

test('cut off, it is behind by the time since it was up to date, or at most by the age of what it has', () => {
  const cut = { ...IDLE, isStreaming: false, quietS: null }
  expect(behindOf(cut, 12)).toBe(12)
  expect(behindOf(cut, null)).toBe(3_600)
  expect(behindOf({ ...cut, replayedAgeS: null }, null)).toBeNull()
})

test('a sender that has fallen silent is as good as none', () => {
  expect(behindOf({ ...IDLE, quietS: 35 }, 3)).toBe(0)
  expect(behindOf({ ...IDLE, quietS: 35.1 }, 36)).toBe(36)
  expect(behindOf({ ...IDLE, quietS: null }, null)).toBe(3_600)
})

test('while it replays it is as old as what it replayed last', () => {
  expect(behindOf({ ...IDLE, isAllReplayed: false, replayedAgeS: 48 }, 60)).toBe(48)
})

test('what is no replica is behind nothing', () => {
  expect(behindOf({ ...IDLE, isReplica: false, isStreaming: false, replayedAgeS: null }, null)).toBe(0)
})
