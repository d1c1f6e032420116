import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anybody, catalogue, NOW_MS, poolOf } from './arbitraries.ts'
import { CandidatePool, POPULARITY_HALF_LIFE_MS } from './candidate-pool.ts'
import { createRandom } from './random.ts'
import { rankForYou } from './rank-for-you.ts'

const partsById = (pool: CandidatePool) =>
  new Map(
    rankForYou(pool, anybody(), { nowMs: NOW_MS, random: createRandom(1), limit: 1000 })
      .items()
      .map(({ videoId, parts }) => [videoId, { fresh: parts.fresh, popular: parts.popular }]),
  )

test('a pool changed video by video knows what one filled at once knows', () => {
  fc.assert(
    fc.property(catalogue, catalogue, fc.integer({ min: 0, max: 120 }), (before, after, keep) => {
      const pool = poolOf(before)
      pool.refreshScores(NOW_MS - 5_000_000)
      for (const video of before.slice(keep)) pool.removeVideo(video.id)
      for (const video of after) pool.addVideo(video)

      const expected = new Map([...before.slice(0, keep), ...after].map((video) => [video.id, video]))
      expect(pool.size).toBe(expected.size)
      expect(partsById(pool)).toEqual(partsById(poolOf([...expected.values()])))
    }),
  )
})

test('signals give the same popularity in whatever order they arrive', () => {
  const delta = fc.record({
    views: fc.integer({ min: 0, max: 50 }),
    completion: fc.integer({ min: 0, max: 50 }),
    atMs: fc.integer({ min: NOW_MS - 1e9, max: NOW_MS }),
  })
  fc.assert(
    fc.property(fc.array(delta, { maxLength: 20 }), (deltas) => {
      const popular = (ordered: typeof deltas) => {
        const pool = poolOf([
          { id: 'v', authorId: 'a', publishedAtMs: NOW_MS - 1e9, tags: [], signals: null },
        ])
        for (const each of ordered) pool.updateSignals('v', each)
        return partsById(pool).get('v')!.popular
      }
      expect(popular(deltas)).toBeCloseTo(popular(deltas.toReversed()), 2)
    }),
  )
})

test('views weigh half as much after the half-life', () => {
  const signals = { views: 100, completion: 80, asOfMs: NOW_MS }
  const video = { id: 'v', authorId: 'a', publishedAtMs: NOW_MS, tags: [], signals }
  const old = { ...signals, views: 200, completion: 160, asOfMs: NOW_MS - POPULARITY_HALF_LIFE_MS }
  expect(partsById(poolOf([video]))).toEqual(partsById(poolOf([{ ...video, signals: old }])))
})

test('signals of a video that is not in the pool are left alone', () => {
  expect(new CandidatePool().updateSignals('gone', { views: 1, completion: 1, atMs: NOW_MS })).toBe(false)
})

test('shrinking takes the weakest out', () => {
  const age = (days: number) => NOW_MS - days * 86_400_000
  const pool = poolOf(
    [9, 1, 5, 3, 7].map((days) => ({
      id: `${days}-days`,
      authorId: 'a',
      publishedAtMs: age(days),
      tags: ['t'],
      signals: null,
    })),
  )
  expect(pool.shrinkTo(3, NOW_MS).sort()).toEqual(['7-days', '9-days'])
  expect([...pool.ids()].sort()).toEqual(['1-days', '3-days', '5-days'])
  expect(pool.shrinkTo(3, NOW_MS)).toEqual([])
})

test('authors and tags of videos that went are forgotten', () => {
  const pool = new CandidatePool()
  for (let n = 0; n < 5000; n++) {
    pool.addVideo({ id: `v${n}`, authorId: `a${n}`, publishedAtMs: n, tags: [`t${n}`], signals: null })
    pool.removeVideo(`v${n}`)
  }
  expect(pool.size).toBe(0)
  expect([pool.authors.span, pool.tags.span, pool.slotSpan]).toEqual([1, 1, 1])
})
