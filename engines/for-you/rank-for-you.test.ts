import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anybody, catalogue, excludedIds, NOW_MS, poolOf, viewer as anyViewer } from './arbitraries.ts'
import { AUTHOR_DISTANCE, isReserved } from './diversity.ts'
import { createRandom } from './random.ts'
import { rankForYou } from './rank-for-you.ts'
import type { CandidateVideo, RankedItem, RankOptions } from './types.ts'

const HOUR_MS = 3_600_000

function options(overrides: Partial<RankOptions> = {}): RankOptions {
  return { nowMs: NOW_MS, random: createRandom(7), limit: 1000, ...overrides }
}

function video(id: string, overrides: Partial<CandidateVideo> = {}): CandidateVideo {
  return { id, authorId: `by-${id}`, publishedAtMs: NOW_MS - HOUR_MS, tags: [], signals: null, ...overrides }
}

describe('any ranking', () => {
  test('has every video that is not excluded, once, and nothing else', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, excludedIds, (videos, viewer, exclude) => {
        const ranking = rankForYou(poolOf(videos), viewer, options({ exclude }))

        const expected = videos.map(({ id }) => id).filter((id) => !exclude.includes(id))
        expect([...ranking.videoIds].sort()).toEqual(expected.sort())
      }),
    )
  })

  test('is as long as its limit or the catalogue', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, fc.integer({ min: 0, max: 150 }), (videos, viewer, limit) => {
        const ranking = rankForYou(poolOf(videos), viewer, options({ limit }))

        expect(ranking).toHaveLength(Math.min(limit, videos.length))
        expect(new Set(ranking.videoIds).size).toBe(ranking.length)
      }),
    )
  })

  test('comes out the same from the same inputs', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, fc.integer(), (videos, viewer, seed) => {
        const rank = () => rankForYou(poolOf(videos), viewer, options({ random: createRandom(seed) })).items()

        expect(rank()).toEqual(rank())
      }),
    )
  })

  test('leaves no trace in the pool', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, anyViewer, excludedIds, (videos, one, other, exclude) => {
        const pool = poolOf(videos)
        const before = rankForYou(pool, one, options()).items()
        rankForYou(pool, other, options({ exclude }))

        expect(rankForYou(pool, one, options()).items()).toEqual(before)
      }),
    )
  })

  test('shows what was seen, and the viewer’s own, after everything else', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, (videos, viewer) => {
        const seen = new Set(viewer.seen)
        const authorOf = new Map(videos.map(({ id, authorId }) => [id, authorId]))

        const items = rankForYou(poolOf(videos), viewer, options()).items()

        const isAgain = items.map(({ videoId }) => seen.has(videoId) || authorOf.get(videoId) === viewer.id)
        expect(isAgain).toEqual(isAgain.toSorted((a, b) => Number(a) - Number(b)))
        expect(items.map(({ reason }) => reason.code === 'again')).toEqual(isAgain)
      }),
    )
  })

  test('has nothing that was seen when that is to be left out', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, excludedIds, (videos, viewer, exclude) => {
        const ranking = rankForYou(poolOf(videos), viewer, options({ exclude, isSeenExcluded: true }))

        const left = new Set([...viewer.seen, ...exclude])
        const expected = videos.map(({ id }) => id).filter((id) => !left.has(id))
        expect([...ranking.videoIds].sort()).toEqual(expected.sort())
      }),
    )
  })

  test('comes out for a viewer who was here before as for a new one, whatever came and went meanwhile', () => {
    fc.assert(
      fc.property(catalogue, catalogue, anyViewer, (before, after, viewer) => {
        const pool = poolOf(before)
        rankForYou(pool, viewer, options())
        for (const { id } of before.slice(0, before.length / 2)) pool.removeVideo(id)
        for (const added of after) pool.addVideo(added)

        const stranger = { ...viewer, taste: { ...viewer.taste }, seen: [...viewer.seen] }
        const known = rankForYou(pool, viewer, options()).items()
        expect(known).toEqual(rankForYou(pool, stranger, options()).items())
      }),
    )
  })

  test('repeats an author early only when nobody else is left', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, (videos, viewer) => {
        const authorOf = new Map(videos.map(({ id, authorId }) => [id, authorId]))
        const items = rankForYou(poolOf(videos), viewer, options()).items()
        const authors = items.map(({ videoId }) => authorOf.get(videoId)!)

        for (const [position, author] of authors.entries()) {
          const recent = authors.slice(Math.max(0, position - AUTHOR_DISTANCE), position)
          if (!recent.includes(author)) continue
          // What was seen before is no alternative while something unseen is left.
          const isAgain = items[position]!.reason.code === 'again'
          const others = items.slice(position).filter(({ reason }) => (reason.code === 'again') === isAgain)
          for (const { videoId } of others) expect(recent).toContain(authorOf.get(videoId))
        }
      }),
    )
  })

  test('has scores that are the sum of their parts', () => {
    fc.assert(
      fc.property(catalogue, anyViewer, (videos, viewer) => {
        for (const item of rankForYou(poolOf(videos), viewer, options()).items()) {
          const sum = Object.values(item.parts).reduce((total, part) => total + part, 0)
          expect(item.score).toBeCloseTo(sum, 6)
          for (const part of Object.values(item.parts)) expect(part).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  test('knows a viewer again, and what changed in the pool meanwhile', () => {
    fc.assert(
      fc.property(catalogue, catalogue, anyViewer, (before, after, viewer) => {
        const pool = poolOf(before)
        rankForYou(pool, viewer, options())
        for (const { id } of before) pool.removeVideo(id)
        for (const each of after) pool.addVideo(each)

        const pointsIn = (items: readonly RankedItem[]) =>
          new Map(items.map(({ videoId, parts }) => [videoId, [parts.following, parts.liked, parts.tag]]))
        const afresh = { ...viewer, taste: { ...viewer.taste } }
        expect(pointsIn(rankForYou(pool, viewer, options()).items())).toEqual(
          pointsIn(rankForYou(poolOf(after), afresh, options()).items()),
        )
      }),
    )
  })

  test('is a snapshot that later changes of the pool leave alone', () => {
    const pool = poolOf([video('a'), video('b')])
    const ranking = rankForYou(pool, anybody(), options())
    const before = ranking.items()

    pool.removeVideo('a')
    pool.addVideo(video('c'))

    expect(ranking.items()).toEqual(before)
  })
})

describe('preferences', () => {
  const crowd = Array.from({ length: 40 }, (_, n) =>
    video(`crowd-${n}`, {
      publishedAtMs: NOW_MS - 20 * 24 * HOUR_MS,
      signals: { views: 100, completion: 50, asOfMs: NOW_MS },
    }),
  )
  const old = { publishedAtMs: NOW_MS - 20 * 24 * HOUR_MS, signals: crowd[0]!.signals }
  const first = (videos: CandidateVideo[], viewer = anybody()) =>
    rankForYou(poolOf([...crowd, ...videos]), viewer, options()).item(0)

  test('a video just published comes before equals of last month', () => {
    const item = first([video('hot', { publishedAtMs: NOW_MS - 60_000, signals: crowd[0]!.signals })])
    expect(item).toMatchObject({ videoId: 'hot', reason: { code: 'fresh' } })
  })

  test('a video watched to the end comes before one that is left early', () => {
    const signals = { views: 1000, completion: 950, asOfMs: NOW_MS }
    const left = { views: 1000, completion: 50, asOfMs: NOW_MS }
    const item = first([video('left', { ...old, signals: left }), video('loved', { ...old, signals })])
    expect(item).toMatchObject({ videoId: 'loved', reason: { code: 'popular' } })
  })

  test('popularity of long ago fades', () => {
    const faded = { views: 1000, completion: 950, asOfMs: NOW_MS - 60 * 24 * HOUR_MS }
    expect(first([video('faded', { ...old, signals: faded })]).videoId).not.toBe('faded')
  })

  test('an author whom the viewer follows comes first, and is given as the reason', () => {
    const item = first([video('friend', old)], anybody({ follows: ['by-friend'] }))
    expect(item).toMatchObject({ videoId: 'friend', reason: { code: 'following' } })
    expect(item.parts.following).toBeGreaterThan(0)
  })

  test('an author whose videos the viewer likes comes first, and is given as the reason', () => {
    const item = first([video('liked', old)], anybody({ likedAuthors: new Map([['by-liked', 1]]) }))
    expect(item).toMatchObject({ videoId: 'liked', reason: { code: 'author-liked' } })
  })

  test('liking a video speaks for the author’s others, and not for itself', () => {
    const taste = { likedAuthors: new Map([['by-both', 1]]), likedVideos: ['liked'] }
    const pool = poolOf([video('liked', { authorId: 'by-both' }), video('other', { authorId: 'by-both' })])
    const items = rankForYou(pool, anybody(taste), options()).items()

    expect(items.map(({ videoId }) => videoId)).toEqual(['other', 'liked'])
    expect(items.map(({ parts }) => parts.liked > 0)).toEqual([true, false])
    expect(items[1]!.reason.code).not.toBe('author-liked')
    // The next viewer's ranking of the same pool knows nothing of it.
    const others = rankForYou(pool, anybody({ likedAuthors: taste.likedAuthors }), options()).items()
    expect(others.every(({ parts }) => parts.liked > 0)).toBe(true)
  })

  test('a tag that the viewer watches comes first, and the reason names it', () => {
    const tags = new Map([
      ['cats', 0.9],
      ['dogs', 0.2],
    ])
    const item = first([video('cat', { ...old, tags: ['other', 'dogs', 'cats'] })], anybody({ tags }))
    expect(item).toMatchObject({ videoId: 'cat', reason: { code: 'tag', tag: 'cats' } })
  })

  test('new videos get their reserved positions, however popular the rest is', () => {
    const beloved = { views: 5000, completion: 5000, asOfMs: NOW_MS }
    const popular = Array.from({ length: 100 }, (_, n) => video(`popular-${n}`, { signals: beloved }))
    const unknown = Array.from({ length: 20 }, (_, n) =>
      video(`unknown-${n}`, { publishedAtMs: NOW_MS - 10 * 24 * HOUR_MS }),
    )
    const items = rankForYou(poolOf([...popular, ...unknown]), anybody(), options({ limit: 60 })).items()

    for (const [position, item] of items.entries())
      expect(item.reason.code === 'new-voice').toBe(isReserved(position))
  })

  test('another draw of chance gives another order', () => {
    const ids = (seed: number) =>
      rankForYou(poolOf(crowd), anybody(), options({ random: createRandom(seed) })).videoIds
    expect(ids(1)).not.toEqual(ids(2))
  })
})
