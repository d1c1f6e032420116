/**
 * What each viewer likes, saves, follows, blocks and watches: read once, kept in memory, true as of the last reading of
 * the change log. The ranking asks for taste, the rules and the cards for state.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Viewer, ViewerTaste } from '../../../engines/for-you/index.ts'
import type { Ctx } from '../../app/context.ts'
import { viewerKeyOf } from '../reactions/index.ts'
import type { FeedSizes } from './feed.ts'
import { findViewerMemory, type Change } from './feed.queries.ts'
import { IdHistory, IdNumbers, IdSet, IdWeights } from './id-sets.ts'
import { LruMap } from './lru.ts'

const VIEWERS_MAX = 24_000
/** Read again after this long: tags and likings that events only sketch. */
const MAX_AGE_MS = 15 * 60_000
const LIKES_FOR_TASTE = 200
const VIEWS_MAX = 300
/** Likes of an author's videos at which the author counts fully. */
const FULL_LIKES = 3
/** So many ids have been heard of that it is time to begin anew: the videos of years stand in few memories. */
const NUMBERS_MAX = 500_000

export interface ViewerMemory {
  /** The numbers of all that follows. */
  readonly numbers: IdNumbers
  readonly follows: IdSet
  readonly liked: IdSet
  readonly saved: IdSet
  readonly blocking: IdSet
  readonly blockedBy: IdSet
  /** Whether the sets above are whole. */
  readonly isWhole: boolean
  readonly likedAuthors: IdWeights
  readonly tags: IdWeights
  /** Of follows, likedAuthors, liked and tags as they are: the same sets, in a new object after each change. Null: to be made. */
  taste: ViewerTaste | null
  /** What `seen`, `liked` and `saved` hold now: the same lists, in a new object after each change. Null: to be made. */
  allSeen: Iterable<string> | null
  /** Watched or commented on. What is liked or saved was seen as well. */
  readonly seen: IdHistory
  readonly loadedAtMs: number
}

const STRANGER: Viewer = {
  id: null,
  taste: { follows: [], likedAuthors: new Map(), likedVideos: [], tags: new Map() },
  seen: [],
}

export class Viewers {
  readonly #ctx: Ctx
  readonly #relationsMax: number
  readonly #memory = new LruMap<string, ViewerMemory>(VIEWERS_MAX)
  readonly #loading = new Map<string, Promise<ViewerMemory>>()
  #numbers = new IdNumbers()
  #queryCount = 0

  constructor(ctx: Ctx, sizes: Pick<FeedSizes, 'relations'>) {
    this.#ctx = ctx
    this.#relationsMax = sizes.relations
  }

  /** Queries made so far. */
  get queryCount(): number {
    return this.#queryCount
  }

  /** The viewer for a ranking. */
  async tasteOf(accountId: string | null): Promise<Viewer> {
    if (accountId === null) return STRANGER
    const memory = await this.of(accountId)
    const { follows, likedAuthors, liked, saved, tags, seen } = memory
    memory.taste ??= { follows, likedAuthors, likedVideos: liked, tags }
    memory.allSeen ??= allOf(seen, liked, saved)
    return { id: accountId, taste: memory.taste, seen: memory.allSeen }
  }

  /** What is known of an account. At most one query, when they were not here lately. */
  async of(accountId: string): Promise<ViewerMemory> {
    const oldestMs = this.#ctx.clock.now().getTime() - MAX_AGE_MS
    const known = this.#memory.get(accountId)
    return known && known.loadedAtMs > oldestMs ? known : this.#load(accountId)
  }

  /** What is in memory now; undefined when it has to be read (again). */
  peek(accountId: string): ViewerMemory | undefined {
    return this.#memory.peek(accountId)
  }

  /** Takes in a line of the change log. */
  apply({ kind, subjectId, objectId }: Change): void {
    if (objectId === null) return
    if (kind === 'blocked' || kind === 'unblocked') {
      const is = kind === 'blocked'
      this.#change(subjectId, ({ blocking }) => blocking.put(objectId, is))
      this.#change(objectId, ({ blockedBy }) => blockedBy.put(subjectId, is))
      return
    }
    this.#change(subjectId, (memory) => {
      // Taking a like back doesn't make a video unseen.
      if (kind === 'liked' || kind === 'saved') see(memory, objectId)
      if (kind === 'liked' || kind === 'unliked') {
        memory.liked.put(objectId, kind === 'liked')
        memory.taste = null
        memory.allSeen = null
      } else if (kind === 'saved' || kind === 'unsaved') {
        memory.saved.put(objectId, kind === 'saved')
        memory.allSeen = null
      } else if (kind === 'followed' || kind === 'unfollowed') {
        memory.follows.put(objectId, kind === 'followed')
        memory.taste = null
      }
    })
  }

  /** Takes an event in, for taste alone; `authorId` is the author of its video, where that is known. */
  learn(event: DomainEvent, authorId: string | undefined): void {
    const memory = event.accountId === null ? undefined : this.#memory.peek(event.accountId)
    if (!memory) return
    if (isSeeing(event)) see(memory, event.videoId)
    if (event.kind === 'liked' && authorId !== undefined) {
      memory.likedAuthors.raise(authorId, 1 / FULL_LIKES, 1)
      memory.taste = null
    }
  }

  /** Forgets everything: something was missed. */
  clear(): void {
    this.#loading.clear()
    this.#memory.clear()
    this.#numbers = new IdNumbers()
  }

  #change(accountId: string, change: (memory: ViewerMemory) => void): void {
    // One that is just being read may or may not have this already: it will be read again.
    this.#loading.delete(accountId)
    const memory = this.#memory.peek(accountId)
    if (memory) change(memory)
  }

  #load(accountId: string): Promise<ViewerMemory> {
    const running = this.#loading.get(accountId)
    if (running) return running
    // Otherwise the one being read would be changed twice: once by the log, once by being read after it.
    this.#memory.delete(accountId)
    const loading = this.#read(accountId)
      .then((memory) => {
        if (this.#loading.get(accountId) === loading) this.#memory.set(accountId, memory)
        return memory
      })
      .finally(() => {
        if (this.#loading.get(accountId) === loading) this.#loading.delete(accountId)
      })
    this.#loading.set(accountId, loading)
    return loading
  }

  async #read(accountId: string): Promise<ViewerMemory> {
    this.#queryCount += 1
    const loadedAtMs = this.#ctx.clock.now().getTime()
    const row = await findViewerMemory(this.#ctx.pool, {
      accountId,
      viewerKey: viewerKeyOf({ accountId, browserId: null }),
      relationsMax: this.#relationsMax,
      likesMax: LIKES_FOR_TASTE,
      viewsMax: VIEWS_MAX,
    })
    if (this.#numbers.size > NUMBERS_MAX) this.clear()
    const numbers = this.#numbers
    const setOf = (list: string | null) => new IdSet(numbers, idsIn(list))
    const [follows, liked, saved] = [setOf(row.follows), setOf(row.liked), setOf(row.saved)]
    const [blocking, blockedBy] = [setOf(row.blocking), setOf(row.blockedBy)]
    const sets = [follows, liked, saved, blocking, blockedBy]
    const mostWatched = row.tags.reduce((most, { count }) => Math.max(most, count), 1)
    return {
      numbers,
      follows,
      liked,
      saved,
      blocking,
      blockedBy,
      isWhole: sets.every((set) => set.size <= this.#relationsMax),
      likedAuthors: new IdWeights(
        numbers,
        row.likedAuthors.map(({ id, count }) => [id, Math.min(1, count / FULL_LIKES)]),
      ),
      tags: new IdWeights(
        numbers,
        row.tags.map(({ tag, count }) => [tag, count / mostWatched]),
      ),
      taste: null,
      allSeen: null,
      seen: new IdHistory(numbers, VIEWS_MAX, idsIn(row.seen)),
      loadedAtMs,
    }
  }
}

const idsIn = (list: string | null): string[] => (list === null ? [] : list.split(','))

function see(memory: ViewerMemory, videoId: string): void {
  memory.seen.push(videoId)
  memory.allSeen = null
}

/** One after the other, as they are when it is walked through. */
function allOf(...lists: readonly Iterable<string>[]): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (const list of lists) yield* list
    },
  }
}

/** Whoever answers a video in some way has seen it. */
function isSeeing(event: DomainEvent): event is DomainEvent & { videoId: string } {
  if (event.kind === 'viewed') return event.isCounted
  return event.kind === 'liked' || event.kind === 'saved' || event.kind === 'commented'
}
