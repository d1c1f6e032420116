/**
 * For You: which videos a person is shown next, in which order, and why.
 *
 * Pure: candidates, viewer, time and random numbers go in, a ranking comes out. Sources and ranker are stages behind
 * interfaces (`Pipeline`), so that better ones replace them without the feed noticing.
 */
export {
  CandidatePool,
  NEW_AGE_MAX_MS,
  NEW_VIEWS_MAX,
  POPULARITY_HALF_LIFE_MS,
  TAGS_PER_CANDIDATE,
} from './candidate-pool.ts'
export { AUTHOR_DISTANCE, isReserved, RESERVED_EVERY } from './diversity.ts'
export { createRandom } from './random.ts'
export type { RankerPoints } from './ranker.ts'
export { createPipeline, rankForYou, DEFAULT_PIPELINE } from './rank-for-you.ts'
export { Ranking, type PackedRanking } from './ranking.ts'
export {
  PART_COUNT,
  PART_NAMES,
  REASON_CODES,
  type CandidateSource,
  type CandidateVideo,
  type PartName,
  type Pipeline,
  type RankedItem,
  type Ranker,
  type RankOptions,
  type Reason,
  type ReasonCode,
  type Viewer,
  type ViewerTaste,
  type WatchDelta,
  type WatchSignals,
} from './types.ts'
