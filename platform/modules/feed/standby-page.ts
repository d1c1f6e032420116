/**
 * Pages that ask the database nothing: from the list on the standby shelf that is nearest to the viewer, or the one for
 * all. Of the viewer they say what this process happens to know; the rules hold as everywhere.
 */
import type { FeatureState } from '../../../contract/state.ts'
import type { Ctx } from '../../app/context.ts'
import type { StandbyCard, StandbyKind } from '../../app/standby/index.ts'
import { pausedError } from '../../app/feature-gate.ts'
import { addShown, NOTHING_SHOWN, sealForYouCursor, shownFilter, STANDBY_SHOWN_MAX } from './cursors.ts'
import type { ForYouCursor } from './cursors.ts'
import type { Feed } from './feed.ts'
import { presentPage, type PageItem, type PageState } from './presentation.ts'
import type { ViewerMemory } from './viewers.ts'

export interface StandbyInput {
  /** Null: signed out. */
  readonly viewerId: string | null
  /** Of a personal page or of one of these: what it has shown is not shown again. */
  readonly cursor: ForYouCursor | null
  readonly limit: number
}

/**
 * The list that this level of service has: by taste up to level 3, above it the same for all. Which is not asked of the
 * database either.
 */
export const kindAt = (level: number): StandbyKind => (level > 3 ? 'top' : 'cohort')

/**
 * A page of For You without the database, as the JSON of a `FeedPage`; null: there is no shelf, or nothing on it.
 *
 * @throws {AppError} feature-paused, when everything on the shelf was shown: there is more, but not now.
 */
export function showStandby(feed: Feed, input: StandbyInput): Buffer | null {
  const { standby, steward, secrets } = feed.ctx
  const { viewerId, limit } = input
  const list = standby.list(viewerId, kindAt(steward.state.level))
  // An empty shelf may be older than the first video: whoever can ask the database asks.
  if (!list || (list.entries.length === 0 && feed.ctx.databaseGuard.isUp)) return null
  const shown = shownUntil(feed, input)
  const isShown = shownFilter(shown)
  const maySee = standby.rulesFor(viewerId)
  const memory = viewerId === null ? null : (feed.viewers.peek(viewerId) ?? null)
  const items: PageItem[] = []
  const videoIds: string[] = []
  let isOver = true
  for (const { card, reason } of list.entries) {
    if (isShown(card.id) || !maySee(card) || isBlocked(memory, card.authorId)) continue
    if (items.length === limit) {
      isOver = false
      break
    }
    const state = viewerId === null ? null : stateOf(memory, card)
    videoIds.push(card.id)
    items.push({ card, state, reasonJson: `{"code":"${reason}","params":{}}` })
  }
  // An empty first page would say that nobody has posted anything.
  if (items.length === 0 && list.entries.length > 0 && (!list.isWhole || input.cursor === null))
    throw pausedError('feed', currentState(feed.ctx), feed.ctx)
  const nextCursor =
    isOver && list.isWhole
      ? null
      : sealForYouCursor(secrets.cursor, {
          snapshotId: null,
          position: 0,
          shown: addShown(shown, videoIds, STANDBY_SHOWN_MAX),
        })
  return presentPage({ viewerId, items, nextCursor, rankedAtMs: list.asOfMs, service: list.kind })
}

/** What the cursor remembers and, while its ranking is still in memory, what came before that. */
function shownUntil(feed: Feed, { viewerId, cursor }: StandbyInput): Buffer {
  if (!cursor) return NOTHING_SHOWN
  const snapshot = cursor.snapshotId === null ? undefined : feed.snapshots.peek(cursor.snapshotId)
  if (!snapshot || snapshot.accountId !== viewerId) return cursor.shown
  const ids = [...snapshot.shownBefore, ...snapshot.ranking.videoIds.slice(0, cursor.position)]
  return addShown(cursor.shown, ids, STANDBY_SHOWN_MAX)
}

/** Why it is as it is; the database may be away before anybody has said so. */
export function currentState({ steward, clock }: Pick<Ctx, 'steward' | 'clock'>): FeatureState {
  const state = steward.state.features.feed
  if (state.reason !== null) return state
  return { ...state, mode: 'shared', reason: 'database', since: clock.now().toISOString() }
}

/** What this process last knew, which a shelf may not have yet. */
function isBlocked(memory: ViewerMemory | null, authorId: string): boolean {
  if (!memory) return false
  const author = memory.numbers.find(authorId)
  return memory.blocking.hasNumber(author) || memory.blockedBy.hasNumber(author)
}

function stateOf(memory: ViewerMemory | null, { id, authorId }: StandbyCard): PageState {
  if (!memory?.isWhole) return { isLiked: null, isSaved: null, isFollowingAuthor: null }
  return {
    isLiked: memory.liked.hasNumber(memory.numbers.find(id)),
    isSaved: memory.saved.hasNumber(memory.numbers.find(id)),
    isFollowingAuthor: memory.follows.hasNumber(memory.numbers.find(authorId)),
  }
}
