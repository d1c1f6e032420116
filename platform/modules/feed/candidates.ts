/**
 * The pool of For You candidates of this process: filled from the database with the newest and the most watched videos,
 * kept in step by events.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { CandidatePool, type CandidateVideo } from '../../../engines/for-you/index.ts'
import type { DomainEvent } from '../../../contract/events.ts'
import type { Ctx } from '../../app/context.ts'
import type { FeedSizes } from './feed.ts'
import * as queries from './feed.queries.ts'

const REFILL_INTERVAL_MS = 10 * 60_000
const RETRY_DELAY_MS = 1_000
const READ_BATCH = 400
/** Changes are gathered for this long before they are read. */
const CHANGE_DELAY_MS = 30

type Sizes = Pick<FeedSizes, 'newest' | 'hottest' | 'pool'>

export class Candidates implements AsyncDisposable {
  readonly pool = new CandidatePool()
  readonly #ctx: Ctx
  readonly #sizes: Sizes
  readonly #changed = new Set<string>()
  readonly #durationsMs = new Map<string, number>()
  #filling: Promise<void> | null = null
  #filledAtMs: number | null = null
  #isWhole = false
  #changeTimer: NodeJS.Timeout | null = null
  #reading: Promise<void> = Promise.resolve()

  constructor(ctx: Ctx, sizes: Sizes) {
    this.#ctx = ctx
    this.#sizes = sizes
  }

  /** Whether every listed video is in the pool. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /**
   * Waits until the pool can be ranked.
   *
   * @throws when it is still empty and the database can't be read.
   */
  async ready(): Promise<void> {
    const nowMs = this.#ctx.clock.now().getTime()
    if (this.#filledAtMs === null) return (this.#filling ??= this.#fill())
    if (nowMs - this.#filledAtMs < REFILL_INTERVAL_MS || this.#filling) return
    // An older pool is served while a newer one is being read.
    this.#filling = this.#fill().catch((error: unknown) => {
      this.#ctx.log.warn({ err: error }, 'feed candidates could not be read again')
      this.#filledAtMs = nowMs - REFILL_INTERVAL_MS + RETRY_DELAY_MS
    })
  }

  /** Takes an event in. */
  learn(event: DomainEvent): void {
    if (event.kind === 'published' || event.kind === 'video-changed') this.#readSoon(event.videoId)
    else if (event.kind === 'video-deleted') this.#remove(event.videoId)
    else if (event.kind === 'viewed' && event.isCounted) {
      const durationMs = this.#durationsMs.get(event.videoId)
      if (durationMs === undefined) return
      const completion = event.completions > 0 ? 1 : Math.min(1, event.watchedMs / durationMs)
      this.pool.updateSignals(event.videoId, { views: 1, completion, atMs: this.#ctx.clock.now().getTime() })
    }
  }

  /** Reads everything again with the next ranking: something was missed. */
  invalidate(): void {
    if (this.#filledAtMs !== null) this.#filledAtMs = -Infinity
  }

  /** Waits until every change that was heard of is in the pool. */
  async settle(): Promise<void> {
    if (this.#changeTimer) this.#startReading()
    await this.#reading
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#changeTimer) clearTimeout(this.#changeTimer)
    this.#changed.clear()
    await this.#reading
    await this.#filling?.catch(() => {})
  }

  async #fill(): Promise<void> {
    // What comes in by an event meanwhile is not among these, and stays.
    const before = [...this.pool.ids()]
    try {
      const [newest, hottest] = await Promise.all([
        queries.listNewestIds(this.#ctx.db, this.#sizes.newest),
        queries.listHottestIds(this.#ctx.db, this.#sizes.hottest),
      ])
      const wanted = new Set([...newest, ...hottest])
      const listed = new Set<string>()
      for (const batch of batchesOf([...wanted], READ_BATCH)) {
        for (const id of await this.#read(batch)) listed.add(id)
        // Requests go first.
        await nextTurn()
      }
      for (const id of before) if (!listed.has(id)) this.#remove(id)
      this.#isWhole = newest.length < this.#sizes.newest
      this.#filledAtMs = this.#ctx.clock.now().getTime()
    } finally {
      this.#filling = null
    }
  }

  /** Brings these in line with the database. Returns those that are listed. */
  async #read(ids: readonly string[]): Promise<string[]> {
    const rows = await queries.listCandidates(this.#ctx.db, ids)
    const listed = new Set(rows.map(({ id }) => id))
    for (const id of ids) if (!listed.has(id)) this.#remove(id)
    for (const row of rows) {
      this.pool.addVideo(toCandidate(row))
      this.#durationsMs.set(row.id, Math.max(1, row.durationMs ?? 1))
    }
    for (const id of this.pool.shrinkTo(this.#sizes.pool, this.#ctx.clock.now().getTime())) {
      this.#durationsMs.delete(id)
      this.#isWhole = false
    }
    return [...listed]
  }

  #remove(videoId: string): void {
    this.pool.removeVideo(videoId)
    this.#durationsMs.delete(videoId)
  }

  #readSoon(videoId: string): void {
    this.#changed.add(videoId)
    this.#changeTimer ??= setTimeout(() => this.#startReading(), CHANGE_DELAY_MS)
  }

  #startReading(): void {
    if (this.#changeTimer) clearTimeout(this.#changeTimer)
    this.#changeTimer = null
    this.#reading = this.#reading.then(() => this.#readChanged())
  }

  async #readChanged(): Promise<void> {
    const ids = [...this.#changed]
    this.#changed.clear()
    try {
      for (const batch of batchesOf(ids, READ_BATCH)) await this.#read(batch)
    } catch (error) {
      this.#ctx.log.warn({ err: error }, 'changed videos could not be read for the feed')
      this.invalidate()
    }
  }
}

function toCandidate(row: queries.CandidateRow): CandidateVideo {
  return {
    id: row.id,
    authorId: row.authorId,
    publishedAtMs: row.publishedAt.getTime(),
    tags: row.tags,
    signals:
      row.views === null || row.completion === null || row.signalsAsOf === null
        ? null
        : { views: row.views, completion: row.completion, asOfMs: row.signalsAsOf.getTime() },
  }
}

function* batchesOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
