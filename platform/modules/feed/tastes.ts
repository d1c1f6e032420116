/**
 * What each viewer follows, likes and watches, as the ranking asks for it: read once, kept in memory, and changed by the
 * events of the viewer's own actions.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Viewer } from '../../../engines/for-you/index.ts'
import type { Ctx } from '../../app/context.ts'
import { viewerKeyOf } from '../reactions/index.ts'
import { findTaste } from './feed.queries.ts'
import { LruMap } from './lru.ts'

const TASTES_MAX = 12_000
/** Read again after this long: what came from other sources than events, and what was forgotten here. */
const TASTE_MAX_AGE_MS = 15 * 60_000
const LIKES_MAX = 200
const VIEWS_MAX = 300
/** Likes of an author's videos at which the author counts fully. */
const FULL_LIKES = 3
const STRINGS_MAX = 500_000

interface Taste {
  readonly follows: Set<string>
  readonly likedAuthors: Map<string, number>
  readonly tags: Map<string, number>
  /** Oldest first. */
  readonly seen: Set<string>
  readonly loadedAtMs: number
}

export class Tastes {
  readonly #ctx: Ctx
  readonly #tastes = new LruMap<string, Taste>(TASTES_MAX)
  readonly #loading = new Map<string, Promise<Taste>>()
  readonly #strings = new Map<string, string>()
  #queryCount = 0

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  /** Queries made so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  /** The viewer for a ranking. At most one query, when they were not here lately. */
  async of(accountId: string | null): Promise<Viewer> {
    if (accountId === null)
      return { id: null, follows: [], likedAuthors: new Map(), tags: new Map(), seen: [] }
    const oldestMs = this.#ctx.clock.now().getTime() - TASTE_MAX_AGE_MS
    let taste = this.#tastes.get(accountId)
    if (!taste || taste.loadedAtMs < oldestMs) taste = await this.#load(accountId)
    return {
      id: accountId,
      follows: taste.follows,
      likedAuthors: taste.likedAuthors,
      tags: taste.tags,
      seen: taste.seen,
    }
  }

  /** Takes an event in; `authorId` is the author of its video, where that is known. */
  learn(event: DomainEvent, authorId: string | undefined): void {
    if (event.accountId === null) return
    // One that is just being read may have missed this: it is not kept.
    this.#loading.delete(event.accountId)
    const taste = this.#tastes.peek(event.accountId)
    if (!taste) return
    if (event.kind === 'followed') taste.follows.add(this.#shared(event.subjectId))
    else if (event.kind === 'unfollowed') taste.follows.delete(event.subjectId)
    else if (event.kind === 'viewed' && event.isCounted) this.#see(taste, event.videoId)
    else if (event.kind === 'liked' && authorId !== undefined) {
      const weight = (taste.likedAuthors.get(authorId) ?? 0) + 1 / FULL_LIKES
      taste.likedAuthors.set(this.#shared(authorId), Math.min(1, weight))
    }
  }

  /** Forgets everything: something was missed. */
  clear(): void {
    this.#loading.clear()
    this.#tastes.clear()
  }

  #see(taste: Taste, videoId: string): void {
    taste.seen.delete(videoId)
    taste.seen.add(this.#shared(videoId))
    if (taste.seen.size > VIEWS_MAX) taste.seen.delete(taste.seen.values().next().value!)
  }

  #load(accountId: string): Promise<Taste> {
    const running = this.#loading.get(accountId)
    if (running) return running
    const loading = this.#read(accountId)
      .then((taste) => {
        if (this.#loading.get(accountId) === loading) this.#tastes.set(accountId, taste)
        return taste
      })
      .finally(() => {
        if (this.#loading.get(accountId) === loading) this.#loading.delete(accountId)
      })
    this.#loading.set(accountId, loading)
    return loading
  }

  async #read(accountId: string): Promise<Taste> {
    this.#queryCount += 1
    const loadedAtMs = this.#ctx.clock.now().getTime()
    const row = await findTaste(this.#ctx.db, {
      accountId,
      viewerKey: viewerKeyOf({ accountId, browserId: null }),
      likesMax: LIKES_MAX,
      viewsMax: VIEWS_MAX,
    })
    const mostWatched = row.tags.reduce((most, { count }) => Math.max(most, count), 1)
    return {
      follows: new Set(row.follows.map((id) => this.#shared(id))),
      likedAuthors: new Map(
        row.likedAuthors.map(({ id, count }) => [this.#shared(id), Math.min(1, count / FULL_LIKES)]),
      ),
      tags: new Map(row.tags.map(({ tag, count }) => [this.#shared(tag), count / mostWatched])),
      seen: new Set(row.seen.toReversed().map((id) => this.#shared(id))),
      loadedAtMs,
    }
  }

  /** One copy of each string: the same few authors and videos stand in thousands of tastes. */
  #shared(text: string): string {
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    if (this.#strings.size >= STRINGS_MAX) this.#strings.clear()
    this.#strings.set(text, text)
    return text
  }
}
