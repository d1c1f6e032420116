/** Hydration and rules: cards and viewer states of a few videos, without those that the viewer must not see. */
import { isCardVisible } from '../videos/index.ts'
import type { CachedCard } from './cards.ts'
import type { Feed } from './feed.ts'
import { queryViewerStates } from './feed.queries.ts'
import type { ViewerMemory } from './viewers.ts'

export interface CardState {
  readonly isLiked: boolean
  readonly isSaved: boolean
  readonly isFollowingAuthor: boolean
  readonly isBlocked: boolean
}

export interface Hydrated {
  readonly card: CachedCard
  /** Null for a signed-out viewer. */
  readonly state: CardState | null
}

/** Changes may drop what was just read; it is read again this often before the page does without. */
const ATTEMPTS_MAX = 5

/**
 * Cards and states of these videos, in order; null for one that this viewer must not see.
 *
 * The rules come last, at every level of service, and from memory only after the change log has been read: what was
 * committed before the page was asked for holds. Costs one query, shared with other pages, when all is in memory.
 */
export async function hydrate(
  feed: Feed,
  viewerId: string | null,
  videoIds: readonly string[],
): Promise<(Hydrated | null)[]> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const missing = feed.cards.missing(videoIds)
    const isUnknown = viewerId !== null && !feed.viewers.peek(viewerId)
    if (missing.length > 0 || isUnknown)
      await Promise.all([feed.cards.load(missing), isUnknown ? feed.viewers.of(viewerId) : null])
    await feed.changes.catchUp()
    const memory = viewerId === null ? null : feed.viewers.peek(viewerId)
    if (memory === undefined || !feed.cards.hasAll(videoIds)) continue
    const states = memory?.isWhole === false ? await askStates(feed, viewerId!, videoIds) : null
    return videoIds.map((id, index) => {
      const card = feed.cards.peek(id)
      if (!card || card.publishedAt === null) return null
      const state = states ? states[index]! : memory && stateOf(memory, card, id)
      const rule = { authorId: card.authorId, card }
      return isCardVisible(rule, viewerId, state ?? undefined) ? { card, state } : null
    })
  }
  return videoIds.map(() => null)
}

function stateOf(memory: ViewerMemory, card: CachedCard, videoId: string): CardState {
  const video = memory.numbers.find(videoId)
  const author = memory.numbers.find(card.authorId)
  return {
    isLiked: memory.liked.hasNumber(video),
    isSaved: memory.saved.hasNumber(video),
    isFollowingAuthor: memory.follows.hasNumber(author),
    isBlocked: memory.blocking.hasNumber(author) || memory.blockedBy.hasNumber(author),
  }
}

/** For the few who like or follow too much to be kept in memory. */
async function askStates(feed: Feed, viewerId: string, videoIds: readonly string[]): Promise<CardState[]> {
  const authorIds = videoIds.map((id) => feed.cards.peek(id)?.authorId ?? null)
  return queryViewerStates(feed.ctx.pool, { viewerId, videoIds, authorIds })
}
