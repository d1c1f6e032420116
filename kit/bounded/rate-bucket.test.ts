import { expect, test } from 'vitest'
import { createRateBucket } from './rate-bucket.ts'

function makeBucket(options: { burst: number; refillMs: number; maxKeys?: number }) {
  let nowMs = 0
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs }
  return { bucket: createRateBucket({ ...options, clock }), pass: (ms: number) => (nowMs += ms) }
}

test('a full bucket gives its burst at once, and then one token at a time', () => {
  const { bucket, pass } = makeBucket({ burst: 4, refillMs: 1024 })
  expect([1, 2, 3, 4].map(() => bucket.take('a'))).toEqual([0, 0, 0, 0])
  expect(bucket.take('a')).toBe(256)
  pass(255)
  expect(bucket.take('a')).toBe(1)
  pass(1)
  expect(bucket.take('a')).toBe(0)
  expect(bucket.take('a')).toBe(256)
})

test('a bucket holds no more than its burst, however long it was left alone', () => {
  const { bucket, pass } = makeBucket({ burst: 2, refillMs: 1000 })
  bucket.take('a')
  pass(1_000_000)
  expect([1, 2, 3].map(() => bucket.take('a'))).toEqual([0, 0, 500])
})

test('keys have buckets of their own; of too many, the one used longest ago is forgotten', () => {
  const { bucket } = makeBucket({ burst: 1, refillMs: 1000, maxKeys: 2 })
  expect([bucket.take('a'), bucket.take('b')]).toEqual([0, 0])
  expect(bucket.take('a')).toBe(1000)
  bucket.take('c')
  expect(bucket.take('a')).toBe(1000)
  expect(bucket.take('b')).toBe(0)
})

test('a token that is given back can be taken again; the burst is never exceeded', () => {
  const { bucket } = makeBucket({ burst: 2, refillMs: 1000 })
  bucket.giveBack('a')
  expect([1, 2, 3].map(() => bucket.take('a'))).toEqual([0, 0, 500])
  bucket.giveBack('a')
  expect([1, 2].map(() => bucket.take('a'))).toEqual([0, 500])
  for (let n = 0; n < 9; n++) bucket.giveBack('a')
  expect([1, 2, 3].map(() => bucket.take('a'))).toEqual([0, 0, 500])
})
