/**
 * Video cards in the steps hydration → rules → presentation: bases are the same for all viewers (cache them, drop them
 * on the `events` channel), viewer states are not, and a card is made of both.
 */
import type { FeedReason, VideoCard, VideoCounts } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import { toAccountCard } from '../accounts/index.ts'
import {
  selectCards,
  selectCounts,
  selectViewerStates,
  type CardRow,
  type CountsRow,
  type ViewerStateRow,
} from './cards.queries.ts'
import { mediaUrlsOf, signMediaToken } from './media-urls.ts'
import { parseTags } from './captions.ts'

/** What a card says to everyone. Never shown as it is: visibility has to be asked first. */
export interface CardBase {
  readonly id: string
  readonly authorId: string
  /** Without what depends on the viewer or, for a token, on the time. */
  readonly card: Omit<VideoCard, 'viewer' | 'reason' | 'posterUrl' | 'previewUrl' | 'playback'>
  readonly generation: number
  readonly playableHeight: number
  readonly isComplete: boolean
  readonly posterVersion: number | null
  readonly previewVersion: number | null
}

/** The viewer's own state towards a video and its author. */
export type ViewerState = Omit<ViewerStateRow, 'videoId'>

/** Bases by id; a video that is missing, deleted or not playable yet has no entry. One query. */
export async function loadCardBases(db: Db | Tx, ids: readonly string[]): Promise<Map<string, CardBase>> {
  if (ids.length === 0) return new Map()
  const rows = await selectCards(db, [...new Set(ids)])
  return new Map(rows.map((row) => [row.id, toBase(row)]))
}

/** States by video id. One query; none for a visitor or an empty list. */
export async function loadViewerStates(
  ctx: Pick<Ctx, 'pool'>,
  viewerId: string | null,
  bases: readonly Pick<CardBase, 'id' | 'authorId'>[],
): Promise<Map<string, ViewerState>> {
  if (viewerId === null || bases.length === 0) return new Map()
  const rows = await selectViewerStates(ctx.pool, viewerId, bases)
  return new Map(rows.map(({ videoId, ...state }) => [videoId, state]))
}

/** Whether the viewer may see it. The rule in SQL is `selectVisible` of videos.queries.ts. */
export function isCardVisible(
  base: Pick<CardBase, 'authorId'> & { readonly card: Pick<CardBase['card'], 'publishedAt' | 'visibility'> },
  viewerId: string | null,
  state: ViewerState | undefined,
): boolean {
  if (viewerId !== null && base.authorId === viewerId) return true
  if (base.card.publishedAt === null || state?.isBlocked) return false
  switch (base.card.visibility) {
    case 'public':
      return true
    case 'followers':
      return state?.isFollowingAuthor ?? false
    case 'private':
      return false
  }
}

/** Makes the card that this viewer gets. The caller has asked `isCardVisible`. */
export function presentCard(
  ctx: Pick<Ctx, 'secrets' | 'clock'>,
  base: CardBase,
  viewerId: string | null,
  state: ViewerState | undefined,
  reason: FeedReason | null = null,
): VideoCard {
  const isOpen = base.card.visibility === 'public' && base.card.publishedAt !== null
  const token = isOpen ? null : signMediaToken(ctx.secrets.media, base.id, ctx.clock.now())
  const { masterUrl, posterUrl, previewUrl } = mediaUrlsOf(base, token)
  return {
    ...base.card,
    posterUrl,
    previewUrl,
    playback: {
      masterUrl,
      generation: base.generation,
      height: base.playableHeight,
      isComplete: base.isComplete,
    },
    viewer:
      viewerId === null
        ? null
        : {
            isLiked: state?.isLiked ?? false,
            isSaved: state?.isSaved ?? false,
            isFollowingAuthor: state?.isFollowingAuthor ?? false,
            isOwn: base.authorId === viewerId,
          },
    reason,
  }
}

/** Cards by id, only of videos that the viewer may see. Two queries for a viewer, one for a visitor. */
export async function loadVideoCards(
  ctx: Ctx,
  viewerId: string | null,
  ids: readonly string[],
): Promise<Map<string, VideoCard>> {
  const bases = await loadCardBases(ctx.db, ids)
  const states = await loadViewerStates(ctx, viewerId, [...bases.values()])
  const cards = new Map<string, VideoCard>()
  for (const base of bases.values()) {
    const state = states.get(base.id)
    if (!isCardVisible(base, viewerId, state)) continue
    cards.set(base.id, presentCard(ctx, base, viewerId, state))
    ctx.standby.noteAccount(base.card.author)
  }
  return cards
}

function toBase(row: CardRow): CardBase {
  return {
    id: row.id,
    authorId: row.accountId,
    card: {
      id: row.id,
      author: toAccountCard({ id: row.accountId, handle: row.handle, name: row.name, image: row.image }),
      caption: row.caption,
      tags: inCaptionOrder(row),
      visibility: row.visibility,
      publishedAt: row.publishedAt?.toISOString() ?? null,
      durationMs: row.durationMs,
      width: row.width,
      height: row.height,
      placeholder: row.placeholder,
      counts: toCounts(row),
    },
    generation: row.generation,
    playableHeight: row.playableHeight,
    isComplete: row.isComplete,
    posterVersion: row.posterVersion,
    previewVersion: row.previewVersion,
  }
}

/** Counts by video id, as everyone sees them. One query. The caller has asked who may see the videos. */
export async function loadCounts(db: Db | Tx, ids: readonly string[]): Promise<Map<string, VideoCounts>> {
  if (ids.length === 0) return new Map()
  return new Map((await selectCounts(db, ids)).map((row) => [row.id, toCounts(row)]))
}

function toCounts(row: CountsRow): VideoCounts {
  const { views, likes, comments, saves, shares, countsAsOf } = row
  return { views, likes, comments, saves, shares, asOf: countsAsOf?.toISOString() ?? null }
}

/** Rows of tags have no order; the caption has. */
function inCaptionOrder(row: CardRow): string[] {
  const order = parseTags(row.caption)
  return row.tags.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
}
