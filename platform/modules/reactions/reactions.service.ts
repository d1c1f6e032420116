/**
 * Verbs on likes, saves and shares: at most one like and one save per account and video.
 *
 * Routes and the client's outbox call these verbs; no other module writes their tables.
 */
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import { fillPage } from '../../app/paging.ts'
import { inTransaction, type Tx } from '../../infra/db/index.ts'
import { notifyAccount } from '../notifications/index.ts'
import { findVideo, isVisibleTo, loadVideoCards } from '../videos/index.ts'
import * as queries from './reactions.queries.ts'
import { hourOf, keyOf, type ViewerIdentity } from './viewer-keys.ts'

export interface ReactionInput {
  readonly viewerId: string
  readonly videoId: string
}

/**
 * Likes the video. Idempotent: repeating the call changes nothing, counts nothing and sends no second notification.
 *
 * @throws {NotFoundError} when the video is missing or hidden from the viewer.
 */
export async function likeVideo(ctx: Ctx, input: ReactionInput): Promise<{ isLiked: true }> {
  return inTransaction(ctx, async (tx) => {
    await requireVisible(tx, input)
    if (await queries.insertReaction(tx, 'video_like', { ...input, at: ctx.clock.now() })) {
      await ctx.events.append(tx, { kind: 'liked', accountId: input.viewerId, videoId: input.videoId })
      await tellOwner(ctx, tx, input)
    }
    return { isLiked: true }
  })
}

/** Takes the like back, of a hidden video too. Idempotent. @throws {NotFoundError} when there is none and the video is hidden. */
export async function unlikeVideo(ctx: Ctx, input: ReactionInput): Promise<{ isLiked: false }> {
  return inTransaction(ctx, async (tx) => {
    await removeReaction(ctx, tx, 'video_like', input)
    return { isLiked: false }
  })
}

/** Saves the video to the viewer's own list; nobody is told. Idempotent. @throws {NotFoundError} */
export async function saveVideo(ctx: Ctx, input: ReactionInput): Promise<{ isSaved: true }> {
  return inTransaction(ctx, async (tx) => {
    await requireVisible(tx, input)
    if (await queries.insertReaction(tx, 'video_save', { ...input, at: ctx.clock.now() }))
      await ctx.events.append(tx, { kind: 'saved', accountId: input.viewerId, videoId: input.videoId })
    return { isSaved: true }
  })
}

/** Idempotent. @throws {NotFoundError} when it was not saved and the video is hidden. */
export async function unsaveVideo(ctx: Ctx, input: ReactionInput): Promise<{ isSaved: false }> {
  return inTransaction(ctx, async (tx) => {
    await removeReaction(ctx, tx, 'video_save', input)
    return { isSaved: false }
  })
}

/**
 * Gives the address to share, and counts once per sharer and hour.
 *
 * @throws {NotFoundError} when the video is missing or hidden from the sharer.
 */
export async function shareVideo(
  ctx: Ctx,
  input: { readonly sharer: ViewerIdentity; readonly videoId: string; readonly origin: string },
): Promise<{ url: string }> {
  const { sharer, videoId, origin } = input
  await inTransaction(ctx, async (tx) => {
    await requireVisible(tx, { viewerId: sharer.accountId, videoId })
    const share = { sharerKey: keyOf(sharer), videoId, hour: hourOf(ctx.clock.now()) }
    if (await queries.insertShare(tx, share))
      await ctx.events.append(tx, { kind: 'shared', accountId: sharer.accountId, videoId })
  })
  return { url: `${origin}/v/${videoId}` }
}

/** What the viewer liked or saved, newest first, as far as it can still be seen. */
export const listReactedVideos = (
  ctx: Ctx,
  input: { readonly viewerId: string; readonly reaction: 'like' | 'save'; readonly page: PageQuery },
): Promise<Page<VideoCard>> =>
  fillPage(input.page, {
    readRows: (before, limit) =>
      queries.listReacted(
        ctx.db,
        input.reaction === 'like' ? 'video_like' : 'video_save',
        input.viewerId,
        before,
        limit,
      ),
    loadItems: (rows) =>
      loadVideoCards(
        ctx,
        input.viewerId,
        rows.map((row) => row.id),
      ),
  })

async function removeReaction(
  ctx: Ctx,
  tx: Tx,
  table: queries.ReactionTable,
  input: ReactionInput,
): Promise<void> {
  const { viewerId: accountId, videoId } = input
  if (await queries.deleteReaction(tx, table, input))
    await ctx.events.append(tx, { kind: table === 'video_like' ? 'unliked' : 'unsaved', accountId, videoId })
  else await requireVisible(tx, input)
}

async function tellOwner(ctx: Ctx, tx: Tx, { viewerId, videoId }: ReactionInput): Promise<void> {
  const video = await findVideo(tx, videoId)
  if (video)
    await notifyAccount(ctx, tx, { accountId: video.account_id, kind: 'liked', actorId: viewerId, videoId })
}

async function requireVisible(
  tx: Tx,
  input: { readonly viewerId: string | null; readonly videoId: string },
): Promise<void> {
  if (!(await isVisibleTo(tx, input))) throw new NotFoundError('video', input.videoId)
}
