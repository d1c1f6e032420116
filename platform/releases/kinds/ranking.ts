/** The ranking model of For You: what each part of a video's score weighs. */
import { z } from 'zod'
import {
  CandidatePool,
  createPipeline,
  createRandom,
  rankForYou,
  type RankerPoints,
  type Viewer,
} from '../../../engines/for-you/index.ts'
import type { ReleaseKind } from '../release-kind.ts'

const Points = z.number().min(0).max(10)

export const RankingDocument = z.strictObject({
  /** What made it, for people. */
  model: z.string().min(1).max(120),
  points: z.strictObject({
    /** For the author being followed. */
    following: Points,
    /** For the author's other videos being liked. */
    liked: Points,
    /** For the video's tags being watched. */
    tag: Points,
    /** For chance. */
    chance: Points,
  }),
})
export type RankingDocument = z.infer<typeof RankingDocument>

const NOW_MS = Date.UTC(2026, 0, 1)
const AUTHORS = 40
const VIDEOS_EACH = 5
const FOLLOWED = ['author-1', 'author-2', 'author-3']
const LOOKED_AT = 30
/** Each draws chance anew. */
const SEEDS = [1, 2, 3, 4, 5]
/** Of the first places, what someone who follows three of forty authors has from them: 12 by default, 4 by chance alone. */
const FOLLOWED_MIN = 9
const AUTHORS_MIN = 8

export const rankingKind: ReleaseKind<RankingDocument> = {
  name: 'ranking',
  schema: RankingDocument,
  bounds: { maxBytes: 64 * 1_024, maxValues: 50, maxDepth: 3, maxGrowth: 4 },
  goldenChecks({ points }) {
    const pool = makePool()
    const rankings = SEEDS.map((seed) => rank(pool, points, seed))
    const objections: string[] = []
    const shortest = Math.min(...rankings.map(({ length }) => length))
    if (shortest < LOOKED_AT) objections.push(`It ranks ${shortest} of ${LOOKED_AT} videos.`)
    const followed = rankings.flat().filter((author) => FOLLOWED.includes(author)).length / SEEDS.length
    if (followed < FOLLOWED_MIN)
      objections.push(
        `Of the first ${LOOKED_AT} videos ${followed} are by whom the viewer follows; ${FOLLOWED_MIN} at least should be.`,
      )
    const authors = Math.min(...rankings.map((ranking) => new Set(ranking).size))
    if (authors < AUTHORS_MIN)
      objections.push(
        `The first ${LOOKED_AT} videos are by ${authors} authors; ${AUTHORS_MIN} at least should be.`,
      )
    return objections
  },
}

const VIEWER: Viewer = {
  id: null,
  taste: { follows: FOLLOWED, likedAuthors: [], likedVideos: [], tags: [['tag-1', 1]] },
  seen: [],
}

/** The authors of the first places. */
function rank(pool: CandidatePool, points: RankerPoints, seed: number): string[] {
  const { videoIds } = rankForYou(pool, VIEWER, {
    nowMs: NOW_MS,
    random: createRandom(seed),
    limit: LOOKED_AT,
    pipeline: createPipeline({ points }),
  })
  return videoIds.map((id) => id.split('/')[0]!)
}

/** A recorded shape: many authors, half of the videos with one of ten tags, unevenly watched. */
function makePool(): CandidatePool {
  const pool = new CandidatePool()
  for (let author = 0; author < AUTHORS; author++)
    for (let video = 0; video < VIDEOS_EACH; video++) {
      const at = author * VIDEOS_EACH + video
      pool.addVideo({
        id: `author-${author}/${video}`,
        authorId: `author-${author}`,
        publishedAtMs: NOW_MS - ((at * 37) % 240) * 3_600_000,
        tags: at % 2 === 0 ? [`tag-${at % 10}`] : [],
        signals: { views: (at * 13) % 200, completion: ((at * 13) % 200) * 0.6, asOfMs: NOW_MS },
      })
    }
  return pool
}
