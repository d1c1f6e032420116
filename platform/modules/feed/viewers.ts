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
import { LruMap } from './lru.ts'

const VIEWERS_MAX = 24_000
/** Read again after this long: tags and likings that events only sketch. */
const MAX_AGE_MS = 15 * 60_000
const LIKES_FOR_TASTE = 200
const VIEWS_MAX = 300
/** Likes of an author's videos at which the author counts fully. */
const FULL_LIKES = 3
const STRINGS_MAX = 500_000

export interface ViewerMemory {
  readonly follows: Set<string>
  readonly liked: Set<string>
  readonly saved: Set<string>
  readonly blocking: Set<string>
  readonly blockedBy: Set<string>
  /** Whether the sets above are whole. */
  readonly isWhole: boolean
  readonly likedAuthors: Map<string, number>
  readonly tags: Map<string, number>
  /** Of follows, likedAuthors, liked and tags as they are: the same sets, in a new object after each change. Null: to be made. */
  taste: ViewerTaste | null
  /** What `seen`, `liked` and `saved` hold now: the same lists, in a new object after each change. Null: to be made. */
  allSeen: Iterable<string> | null
  /** Watched or commented on, oldest first; some may be in it twice. What is liked or saved was seen as well. */
  readonly seen: string[]
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
  readonly #strings = new Map<string, string>()
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
      this.#change(subjectId, ({ blocking }) => put(blocking, this.#shared(objectId), is))
      this.#change(objectId, ({ blockedBy }) => put(blockedBy, this.#shared(subjectId), is))
      return
    }
    const id = this.#shared(objectId)
    this.#change(subjectId, (memory) => {
      // Taking a like back doesn't make a video unseen.
      if (kind === 'liked' || kind === 'saved') this.#see(memory, id)
      if (kind === 'liked' || kind === 'unliked') {
        put(memory.liked, id, kind === 'liked')
        memory.taste = null
        memory.allSeen = null
      } else if (kind === 'saved' || kind === 'unsaved') {
        put(memory.saved, id, kind === 'saved')
        memory.allSeen = null
      } else if (kind === 'followed' || kind === 'unfollowed') {
        put(memory.follows, id, kind === 'followed')
        memory.taste = null
      }
    })
  }

  /** Takes an event in, for taste alone; `authorId` is the author of its video, where that is known. */
  learn(event: DomainEvent, authorId: string | undefined): void {
    const memory = event.accountId === null ? undefined : this.#memory.peek(event.accountId)
    if (!memory) return
    if (isSeeing(event)) this.#see(memory, event.videoId)
    if (event.kind === 'liked' && authorId !== undefined) {
      const weight = (memory.likedAuthors.get(authorId) ?? 0) + 1 / FULL_LIKES
      memory.likedAuthors.set(this.#shared(authorId), Math.min(1, weight))
      memory.taste = null
    }
  }

  /** Forgets everything: something was missed. */
  clear(): void {
    this.#loading.clear()
    this.#memory.clear()
  }

  #change(accountId: string, change: (memory: ViewerMemory) => void): void {
    // One that is just being read may or may not have this already: it will be read again.
    this.#loading.delete(accountId)
    const memory = this.#memory.peek(accountId)
    if (memory) change(memory)
  }

  #see(memory: ViewerMemory, videoId: string): void {
    memory.allSeen = null
    memory.seen.push(this.#shared(videoId))
    if (memory.seen.length >= 2 * VIEWS_MAX) memory.seen.splice(0, VIEWS_MAX)
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
    const [follows, liked, saved, blocking, blockedBy] = [
      row.follows,
      row.liked,
      row.saved,
      row.blocking,
      row.blockedBy,
    ].map((list) => this.#setOf(list)) as [Set<string>, Set<string>, Set<string>, Set<string>, Set<string>]
    const sets = [follows, liked, saved, blocking, blockedBy]
    const mostWatched = row.tags.reduce((most, { count }) => Math.max(most, count), 1)
    return {
      follows,
      liked,
      saved,
      blocking,
      blockedBy,
      isWhole: sets.every((set) => set.size <= this.#relationsMax),
      likedAuthors: new Map(
        row.likedAuthors.map(({ id, count }) => [this.#shared(id), Math.min(1, count / FULL_LIKES)]),
      ),
      tags: new Map(row.tags.map(({ tag, count }) => [this.#shared(tag), count / mostWatched])),
      taste: null,
      allSeen: null,
      seen: [...this.#setOf(row.seen)],
      loadedAtMs,
    }
  }

  #setOf(list: string | null): Set<string> {
    return new Set(list === null ? [] : list.split(',').map((id) => this.#shared(id)))
  }

  /** One copy of each string: the same few authors and videos stand in thousands of memories. */
  #shared(text: string): string {
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    if (this.#strings.size >= STRINGS_MAX) this.#strings.clear()
    this.#strings.set(text, text)
    return text
  }
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

function put(set: Set<string>, id: string, is: boolean): void {
  if (is) set.add(id)
  else set.delete(id)
}
