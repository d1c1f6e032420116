/** What the feed of one process keeps in memory, and how it stays in step with the other processes. */
import type { DomainEvent } from '../../../contract/events.ts'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { Patience } from './patience.ts'
import { Candidates } from './candidates.ts'
import { CardCache } from './cards.ts'
import { ChangeLog } from './changes.ts'
import { SharedRankings } from './shared-rankings.ts'
import { SnapshotStore } from './snapshots.ts'
import { Viewers } from './viewers.ts'

export interface FeedSizes {
  /** The newest videos that are candidates. @default 2000 */
  readonly newest: number
  /** The videos watched most of late that are candidates. @default 2000 */
  readonly hottest: number
  /** Candidates at most; above this the weakest leave. @default 5000 */
  readonly pool: number
  /** Most visits end soon, so the first ranking is short… @default 60 */
  readonly firstSnapshot: number
  /** …and who stays gets longer ones. @default 200 */
  readonly nextSnapshot: number
  /** Who has more likes, saves, follows or blocks than this is asked of the database for each page. @default 3000 */
  readonly relations: number
}

const DEFAULT_SIZES: FeedSizes = {
  newest: 2000,
  hottest: 2000,
  pool: 5000,
  firstSnapshot: 60,
  nextSnapshot: 200,
  relations: 3000,
}

export interface Feed extends AsyncDisposable {
  readonly ctx: Ctx
  readonly sizes: FeedSizes
  readonly candidates: Candidates
  readonly cards: CardCache
  readonly snapshots: SnapshotStore
  readonly shared: SharedRankings
  readonly viewers: Viewers
  readonly changes: ChangeLog
  readonly patience: Patience
}

/** A database that answers nothing for so long is in doubt. Any that is well answers the guard's question sooner. */
const SILENCE_MS = 75

const COUNTED = new Set<DomainEvent['kind']>([
  'liked',
  'unliked',
  'saved',
  'unsaved',
  'shared',
  'viewed',
  'commented',
  'uncommented',
])

/** Opens the feed of this process. Its candidates are read with the first ranking. */
export function openFeed(ctx: Ctx, sizes: FeedSizes = DEFAULT_SIZES): Feed {
  const candidates = new Candidates(ctx, sizes)
  const cards = new CardCache(ctx)
  const snapshots = new SnapshotStore(ctx)
  const viewers = new Viewers(ctx, sizes)
  const forgetAll = () => {
    cards.clear()
    viewers.clear()
  }
  const changes = new ChangeLog(ctx, {
    forgetAll,
    apply(change) {
      if (change.kind === 'video') cards.drop(change.subjectId)
      else if (change.kind === 'author') cards.dropAuthor(change.subjectId)
      else viewers.apply(change)
    },
  })

  const { databaseGuard } = ctx
  const patience = new Patience(() => !databaseGuard.isUp || databaseGuard.silenceMs > SILENCE_MS)

  // Events are soon, not exact: they are for the ranking and for counts.
  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (payload) => {
    const event = payload as DomainEvent
    if ('videoId' in event && COUNTED.has(event.kind)) cards.recount(event.videoId)
    viewers.learn(event, 'videoId' in event ? cards.peek(event.videoId)?.authorId : undefined)
    candidates.learn(event)
  })
  const stopMinding = ctx.listener.onGap(() => {
    forgetAll()
    candidates.invalidate()
  })
  return {
    ctx,
    sizes,
    candidates,
    cards,
    snapshots,
    shared: new SharedRankings(ctx.clock),
    viewers,
    changes,
    patience,
    async [Symbol.asyncDispose]() {
      patience[Symbol.dispose]()
      stopListening()
      stopMinding()
      cards[Symbol.dispose]()
      await candidates[Symbol.asyncDispose]()
      await snapshots[Symbol.asyncDispose]()
    },
  }
}
