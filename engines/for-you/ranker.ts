/** What a video is worth to a viewer: freshness and popularity, and what the viewer follows, likes and watches. */
import { TAGS_PER_CANDIDATE, type CandidatePool } from './candidate-pool.ts'
import type { Ranker, Taste } from './types.ts'

/** Most points for each part; those of freshness and popularity stand with the pool. */
export const FOLLOWING_POINTS = 0.8
export const LIKED_POINTS = 0.4
export const TAG_POINTS = 0.9
export const CHANCE_POINTS = 0.1

/** The sum of the parts, each linear in what is known. */
export const weightedSumRanker: Ranker = {
  score(pool, taste, slots, count, scores) {
    const { author, basePoints } = pool.columns
    const { followed, likedAuthor } = taste
    for (let at = 0; at < count; at++) {
      const slot = slots[at]!
      const by = author[slot]!
      let score = basePoints[slot]! + followed[by]! * FOLLOWING_POINTS + likedAuthor[by]! * LIKED_POINTS
      if (taste.hasTags) score += tagPoints(pool.columns.tags, taste, slot)
      scores[at] = score + chancePoints(taste, slot)
    }
  },
  explain(pool, taste, slot, parts) {
    const { author, freshPoints, popularPoints } = pool.columns
    const by = author[slot]!
    parts[0] = freshPoints[slot]!
    parts[1] = popularPoints[slot]!
    parts[2] = taste.followed[by]! * FOLLOWING_POINTS
    parts[3] = taste.likedAuthor[by]! * LIKED_POINTS
    parts[4] = taste.hasTags ? tagPoints(pool.columns.tags, taste, slot) : 0
    parts[5] = chancePoints(taste, slot)
  },
}

function tagPoints(tags: Int32Array, taste: Taste, slot: number): number {
  let weight = 0
  const first = slot * TAGS_PER_CANDIDATE
  for (let at = first; at < first + TAGS_PER_CANDIDATE; at++) {
    const tag = tags[at]!
    if (tag < 0) break
    weight += taste.tagWeight[tag]!
  }
  return weight < 1 ? weight * TAG_POINTS : TAG_POINTS
}

/** The tag that the viewer watches most among a video's; null when it has none of them. */
export function strongestTag(pool: CandidatePool, taste: Taste, slot: number): string | null {
  let best = -1
  let bestWeight = 0
  const first = slot * TAGS_PER_CANDIDATE
  for (let at = first; at < first + TAGS_PER_CANDIDATE; at++) {
    const tag = pool.columns.tags[at]!
    if (tag < 0) break
    const weight = taste.tagWeight[tag]!
    if (weight > bestWeight) {
      best = tag
      bestWeight = weight
    }
  }
  return best < 0 ? null : pool.tags.keyOf(best)
}

// Murmur3's finaliser: slots next to each other get unrelated chances.
function chancePoints(taste: Taste, slot: number): number {
  let hash = Math.imul(slot + 1, 0x9e3779b1) ^ taste.seed
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) * (CHANCE_POINTS / 2 ** 32)
}
