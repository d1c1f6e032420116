/**
 * Cards in memory, as the bytes that are sent: what is the same for every viewer is written as JSON once.
 *
 * A card is dropped when its video or author changes (changes.ts), and its counts are read again a moment after something
 * counted (events).
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { loadCardBases, presentCard, type CardBase } from '../videos/index.ts'
import { LruMap } from './lru.ts'

const CARDS_MAX = 30_000
/** Addresses of videos that are not public carry tokens, which are good for hours: a card never gets that old. */
const CARD_MAX_AGE_MS = 20 * 60_000
/** How long after an action its video's counts are read again: the fold into the counters takes up to a second. */
const RECOUNT_DELAY_MS = 1_500
const RECOUNT_BATCH = 500

export interface CachedCard {
  readonly authorId: string
  readonly handle: string
  readonly visibility: VideoCard['visibility']
  readonly publishedAt: VideoCard['publishedAt']
  /** The card as JSON, open at its end: `viewer` and `reason` are still to come. */
  readonly json: Buffer
  readonly loadedAtMs: number
}

export class CardCache implements Disposable {
  readonly #ctx: Ctx
  /** Null: known to be missing, deleted or not playable yet. */
  readonly #cards = new LruMap<string, CachedCard | null>(CARDS_MAX)
  /** Which reading of a video is the last one that may be kept. */
  readonly #readings = new Map<string, symbol>()
  readonly #toRecount = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #queryCount = 0

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  /** Queries made for pages so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  /** The card in memory; undefined when there is none. */
  peek(videoId: string): CachedCard | undefined {
    return this.#cards.peek(videoId) ?? undefined
  }

  /** Those that have to be read before one can say anything of them. The others count as used. */
  missing(videoIds: readonly string[]): string[] {
    const oldestMs = this.#ctx.clock.now().getTime() - CARD_MAX_AGE_MS
    return videoIds.filter((id) => {
      const card = this.#cards.get(id)
      return card === undefined || (card !== null && card.loadedAtMs < oldestMs)
    })
  }

  /** Whether all are known, be it as missing from the database. */
  hasAll(videoIds: readonly string[]): boolean {
    return videoIds.every((id) => this.#cards.peek(id) !== undefined)
  }

  /** Reads these into memory. One query; none for an empty list. */
  async load(videoIds: readonly string[]): Promise<void> {
    if (videoIds.length === 0) return
    this.#queryCount += 1
    await this.#read(videoIds)
  }

  /** Forgets a video's card. */
  drop(videoId: string): void {
    this.#readings.delete(videoId)
    this.#cards.delete(videoId)
  }

  /** Forgets the cards of an author's videos. */
  dropAuthor(authorId: string): void {
    // Whose videos are being read at this moment is not known yet.
    this.#readings.clear()
    for (const id of [...this.#cards.keys()])
      if (this.#cards.peek(id)?.authorId === authorId) this.#cards.delete(id)
  }

  /** Forgets everything: something was missed. */
  clear(): void {
    this.#readings.clear()
    this.#cards.clear()
  }

  /** Reads the counts of a card in memory again soon. */
  recount(videoId: string): void {
    if (!this.#cards.peek(videoId)) return
    this.#toRecount.add(videoId)
    this.#timer ??= setTimeout(() => void this.#recount(), RECOUNT_DELAY_MS)
  }

  [Symbol.dispose](): void {
    if (this.#timer) clearTimeout(this.#timer)
  }

  async #read(videoIds: readonly string[]): Promise<void> {
    const reading = Symbol('reading')
    for (const id of videoIds) this.#readings.set(id, reading)
    const bases = await loadCardBases(this.#ctx.db, videoIds)
    for (const id of videoIds) {
      // Otherwise it was dropped meanwhile, and this may be what it was dropped for.
      if (this.#readings.get(id) !== reading) continue
      this.#readings.delete(id)
      const base = bases.get(id)
      this.#cards.set(id, base ? this.#toCached(base) : null)
    }
  }

  #toCached(base: CardBase): CachedCard {
    const card = presentCard(this.#ctx, base, null, undefined)
    this.#ctx.standby.noteAccount(card.author)
    return {
      authorId: base.authorId,
      handle: card.author.handle,
      visibility: card.visibility,
      publishedAt: card.publishedAt,
      json: Buffer.from(openCardJson(card)),
      loadedAtMs: this.#ctx.clock.now().getTime(),
    }
  }

  async #recount(): Promise<void> {
    if (this.#ctx.steward.modeOf('counts') !== 'on') {
      // They keep their age until there is time for them again.
      this.#timer = setTimeout(() => void this.#recount(), RECOUNT_DELAY_MS)
      return
    }
    const ids = [...this.#toRecount].filter((id) => this.#cards.peek(id))
    this.#toRecount.clear()
    try {
      for (let at = 0; at < ids.length; at += RECOUNT_BATCH) {
        await this.#read(ids.slice(at, at + RECOUNT_BATCH))
        // Requests go first.
        await nextTurn()
      }
    } catch (error) {
      this.#ctx.log.warn({ err: error }, 'counts of cards could not be read again')
    }
    this.#timer = null
    if (this.#toRecount.size > 0) this.#timer = setTimeout(() => void this.#recount(), RECOUNT_DELAY_MS)
  }
}

/** A card as JSON, open at its end: `viewer` and `reason` are still to come. */
function openCardJson({ viewer: _viewer, reason: _reason, ...rest }: VideoCard): string {
  return JSON.stringify(rest).slice(0, -1)
}
