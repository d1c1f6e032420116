/** Random catalogues and viewers for the property tests of the feed. */
import fc from 'fast-check'
import { CandidatePool } from './candidate-pool.ts'
import type { CandidateVideo, Viewer, ViewerTaste } from './types.ts'

export const NOW_MS = Date.UTC(2026, 0, 15, 12)
const DAY_MS = 86_400_000

const authorId = fc.integer({ min: 0, max: 12 }).map((n) => `author-${n}`)
const tag = fc.integer({ min: 0, max: 9 }).map((n) => `tag-${n}`)

export const signals = fc.record({
  views: fc.double({ min: 0, max: 5000, noNaN: true }),
  completion: fc.double({ min: 0, max: 1, noNaN: true }),
  ageMs: fc.integer({ min: 0, max: 10 * DAY_MS }),
})

export const catalogue: fc.Arbitrary<CandidateVideo[]> = fc
  .array(
    fc.record({
      authorId,
      ageMs: fc.integer({ min: 0, max: 60 * DAY_MS }),
      tags: fc.uniqueArray(tag, { maxLength: 10 }),
      signals: fc.option(signals),
    }),
    { maxLength: 120 },
  )
  .map((entries) =>
    entries.map((entry, n) => ({
      id: `video-${n}`,
      authorId: entry.authorId,
      publishedAtMs: NOW_MS - entry.ageMs,
      tags: entry.tags,
      signals: entry.signals && {
        views: entry.signals.views,
        completion: entry.signals.views * entry.signals.completion,
        asOfMs: NOW_MS - entry.signals.ageMs,
      },
    })),
  )

const weight = fc.double({ min: 0, max: 1, noNaN: true })
const videoId = fc.integer({ min: 0, max: 140 }).map((n) => `video-${n}`)

export const viewer: fc.Arbitrary<Viewer> = fc.record({
  id: fc.option(authorId),
  taste: fc.record({
    follows: fc.uniqueArray(authorId, { maxLength: 6 }),
    likedAuthors: fc.array(fc.tuple(authorId, weight), { maxLength: 5 }).map((pairs) => new Map(pairs)),
    likedVideos: fc.uniqueArray(videoId, { maxLength: 20 }),
    tags: fc.array(fc.tuple(tag, weight), { maxLength: 5 }).map((pairs) => new Map(pairs)),
  }),
  seen: fc.uniqueArray(videoId, { maxLength: 60 }),
})

export const excludedIds = fc.uniqueArray(videoId, { maxLength: 60 })

export function poolOf(videos: readonly CandidateVideo[]): CandidatePool {
  const pool = new CandidatePool()
  for (const video of videos) pool.addVideo(video)
  return pool
}

export function anybody(taste: Partial<ViewerTaste> = {}): Viewer {
  const nothing: ViewerTaste = { follows: [], likedAuthors: new Map(), likedVideos: [], tags: new Map() }
  return { id: null, taste: { ...nothing, ...taste }, seen: [] }
}
