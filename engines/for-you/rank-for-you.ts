/** One ranking from candidates to explained items: sources, ranker, diversity, explanation. */
import type { CandidatePool } from './candidate-pool.ts'
import { AuthorSpacing, isReserved, RESERVED_EVERY, type SlotOrder } from './diversity.ts'
import { reasonOf } from './explanation.ts'
import type { Interner } from './interner.ts'
import { createWeightedSumRanker, strongestTag, type RankerPoints } from './ranker.ts'
import { packParts, Ranking } from './ranking.ts'
import { SLOT_STATE } from './scratch.ts'
import { bringSmallestFirst, slotOfKey, sortKeyOf } from './select.ts'
import { hot, newcomers, ofAuthors, wholePool, withTags } from './sources.ts'
import {
  PART_COUNT,
  REASON_CODES,
  type Pipeline,
  type RankOptions,
  type Taste,
  type Viewer,
  type ViewerTaste,
} from './types.ts'

export const DEFAULT_PIPELINE: Pipeline = {
  sources: [hot, ofAuthors, withTags],
  lastSource: wholePool,
  newcomerSource: newcomers,
  ranker: createWeightedSumRanker(),
}

/**
 * The default pipeline with what a model or a flag changes.
 *
 * @param changes.points null: the ranker's own
 * @param changes.hasNewVoices whether positions are reserved for new videos. @default true
 */
export function createPipeline(changes: {
  readonly points?: RankerPoints | null
  readonly hasNewVoices?: boolean
}): Pipeline {
  const { points = null, hasNewVoices = true } = changes
  return {
    ...DEFAULT_PIPELINE,
    ...(points !== null && { ranker: createWeightedSumRanker(points) }),
    ...(!hasNewVoices && { newcomerSource: () => {} }),
  }
}

const TAG_REASON = REASON_CODES.indexOf('tag')

/**
 * Ranks the pool for a viewer.
 *
 * Every candidate that is not excluded is in the ranking, once, when `limit` allows: first what the viewer hasn't seen,
 * then what they have (and their own). The same pool, viewer, time and random numbers give the same ranking. The ranking
 * is a snapshot: later changes of the pool don't touch it.
 */
export function rankForYou(pool: CandidatePool, viewer: Viewer, options: RankOptions): Ranking {
  const pipeline = options.pipeline ?? DEFAULT_PIPELINE
  const { ranker } = pipeline
  pool.refreshScores(options.nowMs)
  markSlots(pool, viewer, options)
  const taste = bindTaste(pool, viewer, options.random)
  const { slotState } = pool.scratch
  const spacing = new AuthorSpacing(
    pool.scratch,
    pool.columns.author,
    (slot) => slotState[slot] === SLOT_STATE.placed,
  )
  const draft = createDraft(options.limit)
  try {
    const found = collect(pool, taste, pipeline, options)
    ranker.score(pool, taste, pool.scratch.candidates, found.count, pool.scratch.scores)
    const put = (slot: number, place: 'earned' | 'reserved' | 'again'): void => {
      spacing.place(slot)
      slotState[slot] = SLOT_STATE.placed
      ranker.explain(pool, taste, slot, draft.partsOfOne)
      addToDraft(draft, pool, taste, slot, place)
    }
    for (const isAgain of [false, true]) {
      if (draft.videoIds.length >= options.limit) break
      spacing.start(orderByScore(pool, found.count, isAgain, options.limit))
      while (draft.videoIds.length < options.limit) {
        const reserved = isAgain ? -1 : nextNewcomer(found.newcomers, draft.videoIds.length, spacing, pool)
        const slot = reserved >= 0 ? reserved : spacing.next()
        if (slot < 0) break
        put(slot, isAgain ? 'again' : reserved >= 0 ? 'reserved' : 'earned')
      }
    }
    return finishDraft(draft)
  } finally {
    spacing.finish()
    unbindTaste(taste)
    slotState.fill(SLOT_STATE.open, 0, pool.slotSpan)
  }
}

interface SeenSlots {
  readonly pool: CandidatePool
  readonly membershipVersion: number
  readonly slots: Int32Array
}

/** For the same reason as `numbersByTaste`. */
const slotsBySeen = new WeakMap<Iterable<string>, SeenSlots>()

function slotsSeen(pool: CandidatePool, seen: Iterable<string>): Int32Array {
  const { membershipVersion } = pool
  const known = slotsBySeen.get(seen)
  if (known?.pool === pool && known.membershipVersion === membershipVersion) return known.slots
  const slots = indexesOf(seen, (id) => pool.slotOf(id))
  slotsBySeen.set(seen, { pool, membershipVersion, slots })
  return slots
}

/** Marks what was seen and what must not come. */
function markSlots(pool: CandidatePool, viewer: Viewer, options: RankOptions): void {
  const { slotState } = pool.scratch
  const { exclude = [], isSeenExcluded = false } = options
  const seenState = isSeenExcluded ? SLOT_STATE.excluded : SLOT_STATE.seen
  for (const slot of slotsSeen(pool, viewer.seen)) slotState[slot] = seenState
  for (const id of exclude) {
    const slot = pool.slotOf(id)
    if (slot >= 0) slotState[slot] = SLOT_STATE.excluded
  }
  if (viewer.id !== null) markOwn(pool, viewer.id)
}

function markOwn(pool: CandidatePool, viewerId: string): void {
  const own = pool.authors.find(viewerId)
  if (own < 0) return
  const { author } = pool.columns
  const { slotState } = pool.scratch
  for (let slot = 0; slot < pool.slotSpan; slot++)
    if (author[slot] === own && slotState[slot] === SLOT_STATE.open) slotState[slot] = SLOT_STATE.seen
}

/** The part of a taste that concerns the pool, in the pool's numbers. Kept for each viewer: columns, as in the pool. */
interface Numbers {
  readonly pool: CandidatePool
  readonly membershipVersion: number
  readonly followed: Int32Array
  readonly liked: Weighted
  readonly tags: Weighted
  readonly likedSlots: Int32Array
  /** Of followed and liked, each once. */
  readonly authors: Int32Array
}

interface Weighted {
  readonly indexes: Int32Array
  readonly weights: Float32Array
}

/** Looking hundreds of names up costs more than all the rest of a ranking, and few tastes change between two of them. */
const numbersByTaste = new WeakMap<ViewerTaste, Numbers>()

function numbersOf(pool: CandidatePool, taste: ViewerTaste): Numbers {
  const known = numbersByTaste.get(taste)
  if (known?.pool === pool && known.membershipVersion === pool.membershipVersion) return known
  const followed = indexesOf(taste.follows, (id) => pool.authors.find(id))
  const liked = weightedOf(pool.authors, taste.likedAuthors)
  const numbers: Numbers = {
    pool,
    membershipVersion: pool.membershipVersion,
    followed,
    liked,
    tags: weightedOf(pool.tags, taste.tags),
    likedSlots: indexesOf(taste.likedVideos, (id) => pool.slotOf(id)),
    authors: Int32Array.from(new Set([...followed, ...liked.indexes])),
  }
  numbersByTaste.set(taste, numbers)
  return numbers
}

/** Of those that the pool knows, each once. */
function indexesOf(ids: Iterable<string>, find: (id: string) => number): Int32Array {
  const found = new Set<number>()
  for (const id of ids) {
    const index = find(id)
    if (index >= 0) found.add(index)
  }
  return Int32Array.from(found)
}

function weightedOf(interner: Interner, named: Iterable<readonly [string, number]>): Weighted {
  const found = [...named]
    .map(([name, weight]) => [interner.find(name), weight] as const)
    .filter(([index]) => index >= 0)
  return {
    indexes: Int32Array.from(found, ([index]) => index),
    weights: Float32Array.from(found, ([, weight]) => weight),
  }
}

function bindTaste(pool: CandidatePool, viewer: Viewer, random: () => number): Taste {
  const { followed, likedAuthor, isLiked, tagWeight } = pool.scratch
  const { liked, tags, likedSlots, authors, ...numbers } = numbersOf(pool, viewer.taste)
  for (const author of numbers.followed) followed[author] = 1
  for (let at = 0; at < liked.indexes.length; at++) likedAuthor[liked.indexes[at]!] = liked.weights[at]!
  for (const slot of likedSlots) isLiked[slot] = 1
  for (let at = 0; at < tags.indexes.length; at++) tagWeight[tags.indexes[at]!] = tags.weights[at]!
  const seed = Math.floor(random() * 2 ** 32) | 0
  return { authors, tags: tags.indexes, followed, likedAuthor, likedSlots, isLiked, tagWeight, seed }
}

function unbindTaste(taste: Taste): void {
  for (const author of taste.authors) {
    taste.followed[author] = 0
    taste.likedAuthor[author] = 0
  }
  for (const slot of taste.likedSlots) taste.isLiked[slot] = 0
  for (const tag of taste.tags) taste.tagWeight[tag] = 0
}

interface Collected {
  /** How many of `scratch.candidates` are filled. */
  readonly count: number
  readonly newcomers: readonly number[]
}

function collect(pool: CandidatePool, taste: Taste, pipeline: Pipeline, options: RankOptions): Collected {
  const { slotState, candidates } = pool.scratch
  const { author } = pool.columns
  const { random } = options
  const newcomers: number[] = []
  let count = 0
  let unseenCount = 0
  const propose = (slot: number): boolean => {
    const state = slotState[slot]!
    if (state > SLOT_STATE.seen || state === SLOT_STATE.proposed || author[slot]! < 0) return false
    slotState[slot] = state + SLOT_STATE.proposed
    candidates[count++] = slot
    if (state === SLOT_STATE.seen) return false
    unseenCount += 1
    return true
  }
  const proposeNewcomer = (slot: number): boolean => {
    propose(slot)
    if (slotState[slot] !== SLOT_STATE.proposed) return false
    newcomers.push(slot)
    return true
  }
  // A little more than asked for, for the sake of the spacing.
  const wanted = Math.ceil(options.limit * 1.25) + 32
  const request = { pool, taste, wanted, random, propose, proposeNewcomer }
  for (const source of pipeline.sources) source(request)
  if (unseenCount < wanted) pipeline.lastSource(request)
  // Twice as many as there are positions: some are placed by their score before, some have the wrong neighbours.
  pipeline.newcomerSource({ ...request, wanted: 2 * Math.ceil(options.limit / RESERVED_EVERY) + 1 })
  return { count, newcomers }
}

function nextNewcomer(
  newcomers: readonly number[],
  position: number,
  spacing: AuthorSpacing,
  pool: CandidatePool,
): number {
  if (!isReserved(position)) return -1
  const { slotState } = pool.scratch
  for (const slot of newcomers)
    if (slotState[slot] !== SLOT_STATE.placed && !spacing.isTooSoon(pool.columns.author[slot]!)) return slot
  return -1
}

/** The seen or the unseen candidates by score, sorted as far as anybody asks. */
function orderByScore(pool: CandidatePool, count: number, isAgain: boolean, limit: number): SlotOrder {
  const { slotState, candidates, scores, keys } = pool.scratch
  let length = 0
  for (let at = 0; at < count; at++) {
    const slot = candidates[at]!
    if ((slotState[slot] === SLOT_STATE.seenProposed) !== isAgain) continue
    // Placed by an earlier order: it was not seen before.
    if (isAgain && slotState[slot] === SLOT_STATE.placed) continue
    keys[length++] = sortKeyOf(scores[at]!, slot)
  }
  let sorted = 0
  return (at) => {
    if (at >= length) return -1
    // A little more than asked for, for the sake of the spacing; then twice as much each time.
    if (at >= sorted)
      sorted = bringSmallestFirst(keys, sorted, length, Math.max(sorted, limit + limit / 4 + 32) | 0)
    return slotOfKey(keys[at]!)
  }
}

interface Draft {
  readonly videoIds: string[]
  readonly reasons: Uint8Array
  readonly parts: Int16Array
  readonly tagNames: string[]
  readonly tagAt: Uint16Array
  readonly partsOfOne: Float32Array
}

function createDraft(limit: number): Draft {
  return {
    videoIds: [],
    reasons: new Uint8Array(limit),
    parts: new Int16Array(limit * PART_COUNT),
    tagNames: [],
    tagAt: new Uint16Array(limit),
    partsOfOne: new Float32Array(PART_COUNT),
  }
}

function addToDraft(
  draft: Draft,
  pool: CandidatePool,
  taste: Taste,
  slot: number,
  place: 'earned' | 'reserved' | 'again',
): void {
  const position = draft.videoIds.length
  const reason = reasonOf(draft.partsOfOne, place)
  draft.videoIds.push(pool.idAt(slot)!)
  draft.reasons[position] = reason
  packParts(draft.parts, position, draft.partsOfOne)
  if (reason !== TAG_REASON) return
  const tag = strongestTag(pool, taste, slot)
  if (tag === null) return
  const known = draft.tagNames.indexOf(tag)
  draft.tagAt[position] = 1 + (known >= 0 ? known : draft.tagNames.push(tag) - 1)
}

function finishDraft(draft: Draft): Ranking {
  const { length } = draft.videoIds
  return new Ranking({
    // Copies are as long as what they hold: rankings are kept.
    videoIds: draft.videoIds.slice(),
    reasons: draft.reasons.slice(0, length),
    parts: draft.parts.slice(0, length * PART_COUNT),
    tagNames: draft.tagNames.slice(),
    tagAt: draft.tagNames.length === 0 ? NO_TAGS : draft.tagAt.slice(0, length),
  })
}

const NO_TAGS = new Uint16Array(0)
