/** Verbs on videos: making, reading, editing, publishing and deleting them, and lists of them. */
import {
  CAPTION_MAX_LENGTH,
  type VideoCard,
  type VideoEdit,
  type Visibility,
} from '../../../contract/videos.ts'
import type { Page, PageQuery } from '../../../contract/common.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError, NotFoundError } from '../../app/errors.ts'
import type { Withdrawal } from '../../app/standby/index.ts'
import { cutPage, pageOfRows, readCursor, type Position } from '../../app/paging.ts'
import { inTransaction, readStamp, type Tx } from '../../infra/db/index.ts'
import { announceReceipt } from './announcements.ts'
import { cleanCaption, parseTags } from './captions.ts'
import { loadVideoCards } from './cards.ts'
import { settlePublication } from './publication.ts'
import { coverQueue, enqueueErase } from './videos.jobs.ts'
import * as queries from './videos.queries.ts'

export interface NewVideoInput {
  readonly id: string
  readonly accountId: string
  readonly uploadId: string
  readonly caption: string
  readonly visibility: Visibility
  readonly coverAtMs: number | null
  readonly isPublishRequested: boolean
}

interface OwnVideo {
  readonly viewerId: string
  readonly videoId: string
}

/** Makes the row of a video whose bytes are still to come. @throws {AppError} invalid-input when the caption is too long. */
export async function createVideo(ctx: Ctx, tx: Tx, input: NewVideoInput): Promise<void> {
  const caption = checkCaption(input.caption)
  const createdAt = ctx.clock.now()
  await queries.insertVideo(tx, {
    id: input.id,
    accountId: input.accountId,
    uploadId: input.uploadId,
    caption,
    visibility: input.visibility,
    coverAtMs: input.coverAtMs,
    publishRequestedAt: input.isPublishRequested ? createdAt : null,
    createdAt,
  })
  await queries.replaceTags(tx, input.id, parseTags(caption))
}

/**
 * The card that this viewer gets.
 *
 * @throws {NotFoundError} when it is missing or hidden.
 * @throws {AppError} video-not-playable-yet, to its owner only.
 */
export async function readVideo(
  ctx: Ctx,
  input: { readonly viewerId: string | null; readonly videoId: string },
): Promise<VideoCard> {
  const card = (await loadVideoCards(ctx, input.viewerId, [input.videoId])).get(input.videoId)
  if (card) return card
  const video = await queries.findVideo(ctx.db, input.videoId)
  if (video && !video.deleted_at && video.account_id === input.viewerId)
    throw new AppError('video-not-playable-yet')
  throw new NotFoundError('video', input.videoId)
}

/**
 * Changes caption (with its tags), visibility or cover. Idempotent.
 *
 * @throws {NotFoundError} when it is not the viewer's.
 */
export async function editVideo(ctx: Ctx, input: OwnVideo & { readonly edit: VideoEdit }): Promise<void> {
  const { edit, viewerId, videoId } = input
  const caption = edit.caption === undefined ? undefined : checkCaption(edit.caption)
  const withdrawals = await inTransaction(ctx, async (tx): Promise<Withdrawal[]> => {
    const video = await queries.lockOwnVideo(tx, viewerId, videoId)
    if (!video) throw new NotFoundError('video', videoId)
    await queries.updateVideo(tx, videoId, {
      ...(caption !== undefined && { caption }),
      ...(edit.visibility !== undefined && { visibility: edit.visibility }),
      ...(edit.coverAtMs !== undefined && { cover_at_ms: edit.coverAtMs }),
      updated_at: ctx.clock.now(),
    })
    if (caption !== undefined) await queries.replaceTags(tx, videoId, parseTags(caption))
    if (edit.coverAtMs !== undefined && edit.coverAtMs !== video.cover_at_ms)
      await ctx.jobs.enqueue(tx, coverQueue, { videoId })
    await ctx.events.append(tx, { kind: 'video-changed', accountId: viewerId, videoId })
    await announceReceipt(tx, video)
    const { visibility = video.visibility } = edit
    const kind = visibility === 'public' ? 'shown' : 'hidden'
    // Hidden is told each time: whoever hid it first may have died before it was told.
    if (edit.visibility === undefined || (kind === 'shown' && video.visibility === 'public')) return []
    return [{ kind, videoId, stamp: await readStamp(tx) }]
  })
  await ctx.standby.withdraw(...withdrawals)
}

/**
 * Asks for publishing: at once when the video can be played, else as soon as it can. Idempotent.
 *
 * @returns when it was published; null: it will be.
 * @throws {NotFoundError} when it is not the viewer's.
 */
export async function publishVideo(ctx: Ctx, input: OwnVideo): Promise<{ publishedAt: string | null }> {
  return inTransaction(ctx, async (tx) => {
    const video = await queries.lockOwnVideo(tx, input.viewerId, input.videoId)
    if (!video) throw new NotFoundError('video', input.videoId)
    if (!video.publish_requested_at) {
      const at = ctx.clock.now()
      await queries.updateVideo(tx, video.id, { publish_requested_at: at, updated_at: at })
    }
    const { publishedAt } = await settlePublication(ctx, tx, video.id)
    await announceReceipt(tx, video)
    return { publishedAt: publishedAt?.toISOString() ?? null }
  })
}

/**
 * Deletes the video: hidden from everyone at once, its files removed by a job. The upload's receipt stays. Idempotent
 * for its owner in effect: a second call finds nothing.
 *
 * @throws {NotFoundError} when it is not the viewer's.
 */
export async function deleteVideo(ctx: Ctx, input: OwnVideo): Promise<void> {
  const { viewerId, videoId } = input
  const { isRepeated, withdrawals } = await inTransaction(ctx, async (tx) => {
    const video = await queries.lockVideo(tx, videoId)
    if (video?.account_id !== viewerId) throw new NotFoundError('video', videoId)
    return { isRepeated: video.deleted_at !== null, withdrawals: await discardVideo(ctx, tx, videoId) }
  })
  // Told again by a second call: whoever made the first may have died before it was told.
  await ctx.standby.withdraw(...withdrawals)
  if (isRepeated) throw new NotFoundError('video', videoId)
}

/**
 * Deletes within the caller's transaction, who has checked that it may. Idempotent.
 *
 * @returns what the caller tells `ctx.standby.withdraw` once the transaction has committed, and before anybody is told.
 */
export async function discardVideo(ctx: Ctx, tx: Tx, videoId: string): Promise<Withdrawal[]> {
  const video = await queries.lockVideo(tx, videoId)
  if (!video) return []
  if (!video.deleted_at) await markDeleted(ctx, tx, video)
  return [{ kind: 'deleted', videoId, stamp: await readStamp(tx) }]
}

async function markDeleted(ctx: Ctx, tx: Tx, video: queries.VideoRow): Promise<void> {
  const { id: videoId } = video
  const at = ctx.clock.now()
  await queries.updateVideo(tx, videoId, { deleted_at: at, updated_at: at })
  await ctx.events.append(tx, { kind: 'video-deleted', accountId: video.account_id, videoId })
  await enqueueErase(ctx, tx, videoId)
  await announceReceipt(tx, video)
}

/** Own videos that can be played, newest first, whatever their visibility. */
export async function listOwnVideos(
  ctx: Ctx,
  input: { readonly viewerId: string; readonly page: PageQuery },
): Promise<Page<VideoCard>> {
  const { viewerId, page } = input
  const rows = await queries.listOwn(ctx.db, viewerId, readCursor(page.cursor), page.limit + 1)
  return loadPage(ctx, viewerId, cutPage(rows, page.limit))
}

/** An account's published videos as the viewer may see them, newest first; nothing when either blocks the other. */
export async function listAccountVideos(
  ctx: Ctx,
  input: { readonly viewerId: string | null; readonly accountId: string; readonly page: PageQuery },
): Promise<Page<VideoCard>> {
  const { viewerId, accountId, page } = input
  const before = readCursor(page.cursor)
  const isOwn = viewerId === accountId
  const relation =
    viewerId === null || isOwn
      ? { isFollowing: isOwn, isBlocked: false }
      : await queries.selectRelation(ctx.db, viewerId, accountId)
  if (relation.isBlocked) return { items: [], nextCursor: null }
  const visibilities: Visibility[] = ['public']
  if (relation.isFollowing) visibilities.push('followers')
  if (isOwn) visibilities.push('private')
  const rows = await queries.listPublished(ctx.db, accountId, visibilities, before, page.limit + 1)
  return loadPage(ctx, viewerId, cutPage(rows, page.limit))
}

async function loadPage(
  ctx: Ctx,
  viewerId: string | null,
  cut: { readonly rows: readonly Position[]; readonly nextCursor: string | null },
): Promise<Page<VideoCard>> {
  const ids = cut.rows.map((row) => row.id)
  const cards = await loadVideoCards(ctx, viewerId, ids)
  return pageOfRows(cut, (row) => cards.get(row.id))
}

/** @throws {AppError} invalid-input */
function checkCaption(text: string): string {
  const caption = cleanCaption(text)
  if (caption.length <= CAPTION_MAX_LENGTH) return caption
  const message = `The caption has ${caption.length} characters; ${CAPTION_MAX_LENGTH} are the most.`
  throw new AppError('invalid-input', { detail: message, fields: { caption: message } })
}
