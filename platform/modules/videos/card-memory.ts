/**
 * Cards of the videos that were opened by their address lately, in memory: what is shown of one while the database is not
 * there to ask, besides what lies on the standby shelf. Only of videos that everyone may see; counts say how old they are.
 */
import type { DomainEvent } from '../../../contract/events.ts'
import type { VideoCard } from '../../../contract/videos.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import { readVideo } from './videos.service.ts'

/** About 2 kB each. */
const CARDS_MAX = 2_000
/** From this level on nothing is asked of the database that can be had without. */
const LEVEL_WITHOUT_DATABASE = 4

type KeptCard = Omit<VideoCard, 'viewer' | 'reason'>

interface CardInput {
  readonly viewerId: string | null
  readonly videoId: string
}

export interface CardMemory extends Disposable {
  /** The card that this viewer gets; what is not known of the viewer is null. @throws as `readVideo` */
  read(input: CardInput): Promise<VideoCard>
}

export function openCardMemory(ctx: Ctx): CardMemory {
  const { standby, steward } = ctx
  const cards = createRecentMap<string, KeptCard>(CARDS_MAX)
  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (payload) => {
    const event = payload as DomainEvent
    if (event.kind === 'video-changed' || event.kind === 'video-deleted') cards.delete(event.videoId)
  })
  const stopMinding = ctx.listener.onGap(() => cards.clear())

  function keep(card: VideoCard): void {
    const { viewer: _viewer, reason: _reason, ...kept } = card
    if (card.visibility === 'public' && card.publishedAt !== null) cards.set(card.id, kept)
  }

  function find(videoId: string): KeptCard | null {
    if (standby.goneKind(videoId) !== null) return null
    const shelved = standby.card(videoId)
    // The shelf is made every few seconds; what is in memory may be of an hour ago.
    if (shelved) return JSON.parse(`${shelved.json.toString()}}`) as KeptCard
    return cards.get(videoId) ?? null
  }

  function recall({ viewerId, videoId }: CardInput): VideoCard | null {
    const card = find(videoId)
    if (!card) return null
    const authorId = card.author.id
    if (viewerId === null) return { ...card, viewer: null, reason: null }
    // Whether a block stands between two can't be told without the list of them.
    if (!standby.knowsBlocks) return null
    if (standby.isBlockBetween(viewerId, authorId)) throw new NotFoundError('video', videoId)
    const viewer = {
      isLiked: null,
      isSaved: null,
      isFollowingAuthor: null,
      isOwn: authorId === viewerId,
    }
    return { ...card, viewer, reason: null }
  }

  return {
    async read(input) {
      const recalled = steward.state.level >= LEVEL_WITHOUT_DATABASE ? recall(input) : null
      if (recalled) return recalled
      try {
        const card = await readVideo(ctx, input)
        keep(card)
        return card
      } catch (error) {
        const older = isDatabaseUnavailable(error) ? recall(input) : null
        if (older) return older
        throw error
      }
    },
    [Symbol.dispose]() {
      stopListening()
      stopMinding()
    },
  }
}
