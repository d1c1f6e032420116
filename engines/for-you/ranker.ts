/** What a video is worth to a viewer: freshness and popularity, and what the viewer follows, likes and watches. */
import { TAGS_PER_CANDIDATE, type CandidatePool } from './candidate-pool.ts'
import type { Ranker, Taste } from './types.ts'

/** Most points for each part; those of freshness and popularity stand with the pool. */
export const FOLLOWING_POINTS = 0.8
export const LIKED_POINTS = 0.4
export const TAG_POINTS = 0.9
export const CHANCE_POINTS = 0.1

/** Points of chance, the same few thousand for everybody: which slot gets which depends on the ranking's seed. */
const CHANCES_MASK = 4095
const CHANCES = Float32Array.from({ length: CHANCES_MASK + 1 }, (_, n) => CHANCE_POINTS * unevenly(n))

/** Murmur3's finaliser: numbers next to each other get unrelated values in [0, 1). */
function unevenly(n: number): number {
  let hash = Math.imul(n + 1, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** Most points for each part that a model may weigh otherwise. */
export interface RankerPoints {
  readonly following: number
  readonly liked: number
  readonly tag: number
  readonly chance: number
}

const DEFAULT_POINTS: RankerPoints = {
  following: FOLLOWING_POINTS,
  liked: LIKED_POINTS,
  tag: TAG_POINTS,
  chance: CHANCE_POINTS,
}

/** The sum of the parts, each linear in what is known. */
export const createWeightedSumRanker = (points: RankerPoints = DEFAULT_POINTS): Ranker => ({
  score(pool, taste, slots, count, scores) {
    const { affinity, tagSum } = pool.scratch
    const { author } = pool.columns
    // What is personal touches few videos: walking from the viewer's authors and tags to these is cheaper than asking
    // each video for its own.
    for (const by of taste.authors) {
      const worth = affinityPoints(taste, by, points)
      for (const slot of pool.slotsOfAuthor(by)) affinity[slot] = worth
    }
    for (const slot of taste.likedSlots) affinity[slot] = taste.followed[author[slot]!]! * points.following
    for (const tag of taste.tags) {
      const weight = taste.tagWeight[tag]!
      for (const slot of pool.slotsWithTag(tag)) tagSum[slot] = tagSum[slot]! + weight
    }
    const { basePoints } = pool.columns
    const { seed } = taste
    const chanceScale = points.chance / CHANCE_POINTS
    for (let at = 0; at < count; at++) {
      const slot = slots[at]!
      const chance = CHANCES[(slot ^ seed) & CHANCES_MASK]!
      scores[at] =
        basePoints[slot]! +
        affinity[slot]! +
        cappedTagPoints(tagSum[slot]!, points.tag) +
        chance * chanceScale
    }
    for (const by of taste.authors) for (const slot of pool.slotsOfAuthor(by)) affinity[slot] = 0
    for (const slot of taste.likedSlots) affinity[slot] = 0
    for (const tag of taste.tags) for (const slot of pool.slotsWithTag(tag)) tagSum[slot] = 0
  },
  explain(pool, taste, slot, parts) {
    const { author, freshPoints, popularPoints } = pool.columns
    const by = author[slot]!
    parts[0] = freshPoints[slot]!
    parts[1] = popularPoints[slot]!
    parts[2] = taste.followed[by]! * points.following
    parts[3] = taste.isLiked[slot] ? 0 : taste.likedAuthor[by]! * points.liked
    parts[4] = cappedTagPoints(sumOfTags(pool, taste, slot), points.tag)
    parts[5] = CHANCES[(slot ^ taste.seed) & CHANCES_MASK]! * (points.chance / CHANCE_POINTS)
  },
})

function affinityPoints(taste: Taste, author: number, points: RankerPoints): number {
  return taste.followed[author]! * points.following + taste.likedAuthor[author]! * points.liked
}

function cappedTagPoints(weight: number, tagPoints: number): number {
  return weight < 1 ? weight * tagPoints : tagPoints
}

function sumOfTags(pool: CandidatePool, taste: Taste, slot: number): number {
  let weight = 0
  const first = slot * TAGS_PER_CANDIDATE
  for (let at = first; at < first + TAGS_PER_CANDIDATE; at++) {
    const tag = pool.columns.tags[at]!
    if (tag < 0) break
    weight += taste.tagWeight[tag]!
  }
  return weight
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
