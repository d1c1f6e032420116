/**
 * The videos that a For You feed draws from, in columns of numbers: a few thousand entries, changed one by one as videos
 * appear, are watched and go, and read whole by every ranking.
 */
import { Interner } from './interner.ts'
import { bringSmallestFirst, slotOfKey, SLOTS_MAX, sortKeyOf } from './select.ts'
import { createScratch, fitScratch, type Scratch } from './scratch.ts'
import type { CandidateVideo, WatchDelta, WatchSignals } from './types.ts'

export const TAGS_PER_CANDIDATE = 8
export const FRESHNESS_HALF_LIFE_MS = 36 * 3_600_000
export const POPULARITY_HALF_LIFE_MS = 48 * 3_600_000
/** A video counts as new while it is younger than this and has fewer decayed views than `NEW_VIEWS_MAX`. */
export const NEW_AGE_MAX_MS = 14 * 86_400_000
export const NEW_VIEWS_MAX = 30
/** Decayed views at which reach counts fully. */
const REACH_FULL_VIEWS = 1000
/** What a video is taken to be watched like until it has views of its own: five views, half watched. */
const PRIOR_VIEWS = 5
const PRIOR_COMPLETION = 0.5
/** Points that depend on the time are computed for whole steps of it. */
const SCORE_STEP_MS = 1000
/** Most points for having just been published. */
export const FRESH_POINTS = 1
/** Most points for being watched to the end by many. */
export const POPULAR_POINTS = 1.2

export class CandidatePool {
  readonly authors = new Interner()
  readonly tags = new Interner()
  /** Owned by the rankings of this pool, one at a time. */
  readonly scratch: Scratch = createScratch()

  readonly #slotById = new Map<string, number>()
  readonly #slotsByAuthor: number[][] = []
  readonly #slotsByTag: number[][] = []
  readonly #free: number[] = []
  #ids: (string | null)[] = []
  #slotSpan = 0
  #columns = createColumns(256)
  #scoredAtMs: number | null = null
  #hotSlots = new Int32Array(0)
  #membershipVersion = 0
  #slotsSinceRefresh: number[] = []

  get size(): number {
    return this.#slotById.size
  }

  /** Every slot in use is smaller than this; slots in between may be empty. */
  get slotSpan(): number {
    return this.#slotSpan
  }

  /** The columns, for reading. Replaced when the pool grows: never keep them over a change. */
  get columns(): Readonly<Columns> {
    return this.#columns
  }

  has(id: string): boolean {
    return this.#slotById.has(id)
  }

  /** The slot of a video, else -1. */
  slotOf(id: string): number {
    return this.#slotById.get(id) ?? -1
  }

  /** The video in a slot; null for an empty one. */
  idAt(slot: number): string | null {
    return this.#ids[slot] ?? null
  }

  /** Another number after each video that came or went. */
  get membershipVersion(): number {
    return this.#membershipVersion
  }

  /** Slots by falling impersonal score as it was at the last refresh. Some may be empty or reused by now. */
  get hotSlots(): Int32Array {
    return this.#hotSlots
  }

  /** Slots filled after the last refresh. Some may be empty again. */
  get slotsSinceRefresh(): readonly number[] {
    return this.#slotsSinceRefresh
  }

  /** Writes the slots of new videos that few have watched; returns how many there are. */
  copyNewcomers(into: Int32Array): number {
    const { author, isNew } = this.#columns
    let count = 0
    for (let slot = 0; slot < this.#slotSpan; slot++)
      if (isNew[slot] === 1 && author[slot]! >= 0) into[count++] = slot
    return count
  }

  /** By the author's index, in no order. */
  slotsOfAuthor(author: number): readonly number[] {
    return this.#slotsByAuthor[author] ?? []
  }

  /** By the tag's index, in no order. */
  slotsWithTag(tag: number): readonly number[] {
    return this.#slotsByTag[tag] ?? []
  }

  /** Ids of all videos, in no order. */
  ids(): IterableIterator<string> {
    return this.#slotById.keys()
  }

  /**
   * Puts a video in, or replaces what was known of it.
   *
   * @throws {RangeError} when `SLOTS_MAX` videos are in.
   */
  addVideo(video: CandidateVideo): void {
    this.removeVideo(video.id)
    const slot = this.#free.pop() ?? this.#slotSpan
    if (slot >= SLOTS_MAX) throw new RangeError(`a pool holds at most ${SLOTS_MAX} videos`)
    if (slot === this.#slotSpan) this.#slotSpan += 1
    if (slot >= this.#columns.author.length) this.#columns = grownColumns(this.#columns)
    const columns = this.#columns
    this.#slotById.set(video.id, slot)
    this.#ids[slot] = video.id
    const author = this.authors.acquire(video.authorId)
    columns.author[slot] = author
    ;(this.#slotsByAuthor[author] ??= []).push(slot)
    columns.publishedAtMs[slot] = video.publishedAtMs
    const tags = new Set(video.tags)
    let at = slot * TAGS_PER_CANDIDATE
    for (const tag of tags) {
      if (at === (slot + 1) * TAGS_PER_CANDIDATE) break
      const index = this.tags.acquire(tag)
      columns.tags[at++] = index
      ;(this.#slotsByTag[index] ??= []).push(slot)
    }
    columns.tags.fill(-1, at, (slot + 1) * TAGS_PER_CANDIDATE)
    this.#setSignals(slot, video.signals ?? { views: 0, completion: 0, asOfMs: video.publishedAtMs })
    fitScratch(this.scratch, columns.author.length, this.authors.span, this.tags.span)
    this.#score(slot)
    this.#slotsSinceRefresh.push(slot)
    this.#membershipVersion += 1
  }

  /** Adds watching to a video. A video that is not in the pool is left alone: false. */
  updateSignals(id: string, delta: WatchDelta): boolean {
    const slot = this.slotOf(id)
    if (slot < 0) return false
    const columns = this.#columns
    const asOfMs = columns.signalsAsOfMs[slot] ?? 0
    // Late news is decayed to the instant of the newest, so that the order of arrival doesn't matter.
    const newestMs = Math.max(asOfMs, delta.atMs)
    const keep = decay(newestMs - asOfMs, POPULARITY_HALF_LIFE_MS)
    const add = decay(newestMs - delta.atMs, POPULARITY_HALF_LIFE_MS)
    this.#setSignals(slot, {
      views: (columns.views[slot] ?? 0) * keep + delta.views * add,
      completion: (columns.completion[slot] ?? 0) * keep + delta.completion * add,
      asOfMs: newestMs,
    })
    this.#score(slot)
    return true
  }

  /** Takes a video out. Idempotent. */
  removeVideo(id: string): void {
    const slot = this.slotOf(id)
    if (slot < 0) return
    const columns = this.#columns
    const author = columns.author[slot] ?? -1
    takeOut(this.#slotsByAuthor[author], slot)
    this.authors.release(author)
    for (let at = slot * TAGS_PER_CANDIDATE; at < (slot + 1) * TAGS_PER_CANDIDATE; at++) {
      const tag = columns.tags[at] ?? -1
      if (tag < 0) break
      takeOut(this.#slotsByTag[tag], slot)
      this.tags.release(tag)
    }
    columns.author[slot] = -1
    columns.tags.fill(-1, slot * TAGS_PER_CANDIDATE, (slot + 1) * TAGS_PER_CANDIDATE)
    this.#slotById.delete(id)
    this.#ids[slot] = null
    this.#free.push(slot)
    this.#membershipVersion += 1
  }

  /** Takes out the videos with the lowest impersonal score until at most `size` are left. Returns their ids. */
  shrinkTo(size: number, nowMs: number): string[] {
    if (this.size <= size) return []
    this.refreshScores(nowMs)
    const points = (id: string): number => this.#columns.basePoints[this.slotOf(id)] ?? 0
    const weakest = [...this.#slotById.keys()].sort((a, b) => points(a) - points(b) || (a < b ? -1 : 1))
    const removed = weakest.slice(0, this.size - size)
    for (const id of removed) this.removeVideo(id)
    return removed
  }

  /** Brings the points that depend on the time up to `nowMs`, in whole steps of a second. */
  refreshScores(nowMs: number): void {
    const stepMs = Math.floor(nowMs / SCORE_STEP_MS) * SCORE_STEP_MS
    if (this.#scoredAtMs === stepMs) return
    this.#scoredAtMs = stepMs
    const keys = this.scratch.keys
    let count = 0
    for (let slot = 0; slot < this.#slotSpan; slot++) {
      if (this.#columns.author[slot]! < 0) continue
      this.#score(slot)
      keys[count++] = sortKeyOf(this.#columns.basePoints[slot]!, slot)
    }
    bringSmallestFirst(keys, 0, count, count)
    this.#hotSlots = Int32Array.from(keys.subarray(0, count), slotOfKey)
    this.#slotsSinceRefresh = []
  }

  #setSignals(slot: number, signals: WatchSignals): void {
    this.#columns.views[slot] = signals.views
    this.#columns.completion[slot] = signals.completion
    this.#columns.signalsAsOfMs[slot] = signals.asOfMs
  }

  #score(slot: number): void {
    const columns = this.#columns
    if (this.#scoredAtMs === null || (columns.author[slot] ?? -1) < 0) return
    const ageMs = Math.max(0, this.#scoredAtMs - (columns.publishedAtMs[slot] ?? 0))
    const sinceMs = Math.max(0, this.#scoredAtMs - (columns.signalsAsOfMs[slot] ?? 0))
    const keep = decay(sinceMs, POPULARITY_HALF_LIFE_MS)
    const views = (columns.views[slot] ?? 0) * keep
    const watched = (columns.completion[slot] ?? 0) * keep
    const completion = Math.min(1, (watched + PRIOR_VIEWS * PRIOR_COMPLETION) / (views + PRIOR_VIEWS))
    const reach = Math.min(1, Math.log1p(views) / Math.log1p(REACH_FULL_VIEWS))
    const fresh = decay(ageMs, FRESHNESS_HALF_LIFE_MS)
    columns.freshPoints[slot] = FRESH_POINTS * fresh
    columns.popularPoints[slot] = POPULAR_POINTS * completion * reach
    columns.basePoints[slot] = FRESH_POINTS * fresh + POPULAR_POINTS * completion * reach
    columns.isNew[slot] = ageMs < NEW_AGE_MAX_MS && views < NEW_VIEWS_MAX ? 1 : 0
  }
}

interface Columns {
  author: Int32Array
  publishedAtMs: Float64Array
  /** `TAGS_PER_CANDIDATE` a slot, the unused ones -1. */
  tags: Int32Array
  views: Float32Array
  completion: Float32Array
  signalsAsOfMs: Float64Array
  freshPoints: Float32Array
  popularPoints: Float32Array
  basePoints: Float32Array
  isNew: Uint8Array
}

function createColumns(slots: number): Columns {
  return {
    author: new Int32Array(slots).fill(-1),
    publishedAtMs: new Float64Array(slots),
    tags: new Int32Array(slots * TAGS_PER_CANDIDATE).fill(-1),
    views: new Float32Array(slots),
    completion: new Float32Array(slots),
    signalsAsOfMs: new Float64Array(slots),
    freshPoints: new Float32Array(slots),
    popularPoints: new Float32Array(slots),
    basePoints: new Float32Array(slots),
    isNew: new Uint8Array(slots),
  }
}

function grownColumns(old: Columns): Columns {
  const grown = createColumns(old.author.length * 2)
  grown.author.set(old.author)
  grown.publishedAtMs.set(old.publishedAtMs)
  grown.tags.set(old.tags)
  grown.views.set(old.views)
  grown.completion.set(old.completion)
  grown.signalsAsOfMs.set(old.signalsAsOfMs)
  grown.freshPoints.set(old.freshPoints)
  grown.popularPoints.set(old.popularPoints)
  grown.basePoints.set(old.basePoints)
  grown.isNew.set(old.isNew)
  return grown
}

function decay(elapsedMs: number, halfLifeMs: number): number {
  return 2 ** (-elapsedMs / halfLifeMs)
}

function takeOut(slots: number[] | undefined, slot: number): void {
  const last = slots?.pop()
  if (slots === undefined || last === undefined || last === slot) return
  slots[slots.indexOf(slot)] = last
}
