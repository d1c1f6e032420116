/**
 * Cards in memory, as the bytes that are sent: what is the same for every viewer is written as JSON once.
 *
 * A card is dropped when its video or author changes (events), and its counts are read again a moment after something
 * counted. Visibility is no part of it: that is asked of the database for every page.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { loadCardBases, presentCard, type CardBase } from '../videos/index.ts'
import { LruMap } from './lru.ts'

const CARDS_MAX = 20_000
/** Addresses of videos that are not public carry tokens, which are good for hours: a card never gets that old. */
const CARD_MAX_AGE_MS = 20 * 60_000
/** How long after an action its video's counts are read again: the fold into the counters takes up to a second. */
const RECOUNT_DELAY_MS = 1_500
const RECOUNT_BATCH = 500

export interface CachedCard {
  readonly authorId: string
  readonly handle: string
  /** The card as JSON, open at its end: `viewer` and `reason` are still to come. */
  readonly json: Buffer
  readonly loadedAtMs: number
}

export class CardCache implements Disposable {
  readonly #ctx: Ctx
  readonly #cards = new LruMap<string, CachedCard>(CARDS_MAX)
  readonly #toRecount = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #queryCount = 0
  /** Grows with each drop, so that a card read before a change is not kept after it. */
  #version = 0

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  /** Queries made for pages so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  peek(videoId: string): CachedCard | undefined {
    return this.#cards.peek(videoId)
  }

  /** Cards by id; a video that can't be shown has none. At most one query, for those that are not in memory. */
  async load(videoIds: readonly string[]): Promise<Map<string, CachedCard>> {
    const found = new Map<string, CachedCard>()
    const missing: string[] = []
    const oldestMs = this.#ctx.clock.now().getTime() - CARD_MAX_AGE_MS
    for (const id of videoIds) {
      const card = this.#cards.get(id)
      if (card && card.loadedAtMs > oldestMs) found.set(id, card)
      else missing.push(id)
    }
    if (missing.length > 0) {
      this.#queryCount += 1
      for (const [id, card] of await this.#read(missing)) found.set(id, card)
    }
    return found
  }

  /** Forgets a video's card. */
  drop(videoId: string): void {
    this.#version += 1
    this.#cards.delete(videoId)
  }

  /** Forgets everything: something was missed. */
  clear(): void {
    this.#version += 1
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

  async #read(videoIds: readonly string[]): Promise<Map<string, CachedCard>> {
    const version = this.#version
    const bases = await loadCardBases(this.#ctx.db, videoIds)
    const cards = new Map<string, CachedCard>()
    for (const base of bases.values()) {
      const card = this.#toCached(base)
      cards.set(base.id, card)
      if (version === this.#version) this.#cards.set(base.id, card)
    }
    return cards
  }

  #toCached(base: CardBase): CachedCard {
    const card = presentCard(this.#ctx, base, null, undefined)
    return {
      authorId: base.authorId,
      handle: card.author.handle,
      json: Buffer.from(openJson(card)),
      loadedAtMs: this.#ctx.clock.now().getTime(),
    }
  }

  async #recount(): Promise<void> {
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

function openJson({ viewer: _viewer, reason: _reason, ...rest }: VideoCard): string {
  return JSON.stringify(rest).slice(0, -1)
}
