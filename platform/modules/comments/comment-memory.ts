/**
 * The newest comments of the videos that are being looked at, in memory with their age: what is shown while there is no
 * time to ask the database, or no database. The rules are asked anew for each viewer.
 */
import type { PageQuery } from '../../../contract/common.ts'
import type { DomainEvent } from '../../../contract/events.ts'
import type { FeatureMode } from '../../../contract/state.ts'
import type { CommentPage } from '../../../contract/social.ts'
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { Ctx } from '../../app/context.ts'
import { NotFoundError } from '../../app/errors.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { pausedError } from '../../app/feature-gate.ts'
import { cutPage, pageOfRows } from '../../app/paging.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import { findVideo } from '../videos/index.ts'
import { listThreads, type CommentRow } from './comments.queries.ts'
import { listComments, toComment, type Reader } from './comments.service.ts'

/** A page as the web app asks for it, and one more, which says that there are more. */
const ROWS_MAX = 21
/** About 12 kB each at the most. */
const VIDEOS_MAX = 1_000
/** A page that is read again and again is kept anew this often. */
const REFRESH_MS = 10_000
/** Readings for the memory alone, at once. */
const READINGS_MAX = 4

interface Kept {
  readonly ownerId: string
  /** As somebody sees them who is signed out. */
  readonly rows: readonly CommentRow[]
  readonly asOfMs: number
}

export interface ListInput {
  readonly viewer: Reader | null
  readonly videoId: string
  readonly page: PageQuery
  /** How comments work for this viewer. */
  readonly mode: FeatureMode
}

export interface CommentMemory extends Disposable {
  /**
   * The video's comments, the newest first; with their age where they come from memory.
   *
   * @throws {NotFoundError} when the video is missing or hidden.
   * @throws {AppError} feature-paused, when comments are paused and these are not in memory.
   */
  list(input: ListInput): Promise<CommentPage>
}

export function openCommentMemory(ctx: Ctx): CommentMemory {
  const { steward, standby, clock } = ctx
  const pages = createRecentMap<string, Kept>(VIDEOS_MAX)
  /** What is being read, and whether something was told meanwhile that it may lack. */
  const reading = new Map<string, { isOutdated: boolean }>()
  const outdate = (videoId: string) => {
    const underWay = reading.get(videoId)
    if (underWay) underWay.isOutdated = true
  }

  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (payload) => {
    const event = payload as DomainEvent
    if (event.kind === 'video-changed' || event.kind === 'video-deleted') {
      outdate(event.videoId)
      pages.delete(event.videoId)
    }
    if (event.kind !== 'uncommented') return
    outdate(event.videoId)
    const kept = pages.get(event.videoId)
    if (kept)
      pages.set(event.videoId, { ...kept, rows: kept.rows.filter(({ id }) => id !== event.commentId) })
  })
  // A deletion may have been missed.
  const stopMinding = ctx.listener.onGap(() => {
    for (const videoId of reading.keys()) outdate(videoId)
    pages.clear()
  })

  /** Beside the answer: what one viewer gets may lack what they must not see, and others may. */
  async function keep(videoId: string): Promise<void> {
    const nowMs = clock.now().getTime()
    const known = pages.get(videoId)
    if (reading.has(videoId) || reading.size >= READINGS_MAX) return
    if (known && nowMs - known.asOfMs < REFRESH_MS) return
    const underWay = { isOutdated: false }
    reading.set(videoId, underWay)
    try {
      const [video, rows] = await Promise.all([
        findVideo(ctx.db, videoId),
        listThreads(ctx.db, { videoId, viewerId: null, before: null, limit: ROWS_MAX }),
      ])
      const isOpen = video?.visibility === 'public' && video.published_at !== null && !video.deleted_at
      if (underWay.isOutdated) return
      if (isOpen) pages.set(videoId, { ownerId: video.account_id, rows, asOfMs: nowMs })
      else pages.delete(videoId)
    } catch (error) {
      if (!isDatabaseUnavailable(error)) ctx.log.warn({ err: error }, 'comments.not-kept')
    } finally {
      reading.delete(videoId)
    }
  }

  function recall({ viewer, videoId, page }: ListInput): CommentPage | null {
    const kept = page.cursor === undefined ? pages.get(videoId) : undefined
    // Whether a block stands between two can't be told without the list of them.
    if (!kept || (viewer && !standby.knowsBlocks)) return null
    const maySee = (authorId: string) => !viewer || !standby.isBlockBetween(viewer.id, authorId)
    if (standby.goneKind(videoId) !== null || !maySee(kept.ownerId)) throw new NotFoundError('video', videoId)
    const cut = cutPage(kept.rows, Math.min(page.limit, ROWS_MAX - 1))
    const shown = pageOfRows(cut, (row) => (maySee(row.authorId) ? withUnknownLike(row, viewer) : undefined))
    return { ...shown, asOf: new Date(kept.asOfMs).toISOString() }
  }

  return {
    async list(input) {
      const { mode } = input
      if (mode !== 'on') {
        const recalled = recall(input)
        if (recalled) return recalled
        const state = steward.state.features.comments
        if (mode === 'kept' || mode === 'paused') throw pausedError('comments', state, ctx)
      }
      try {
        const page = await listComments(ctx, input)
        if (input.page.cursor === undefined) void keep(input.videoId)
        return page
      } catch (error) {
        const recalled = isDatabaseUnavailable(error) ? recall(input) : null
        if (recalled) return recalled
        throw error
      }
    },
    [Symbol.dispose]() {
      stopListening()
      stopMinding()
    },
  }
}

function withUnknownLike(row: CommentRow, viewer: Reader | null) {
  const comment = toComment(row, viewer)
  return { ...comment, viewer: comment.viewer && { ...comment.viewer, isLiked: null } }
}
