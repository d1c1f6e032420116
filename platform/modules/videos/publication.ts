/** When a video becomes public: its author has asked for it, and it can be played. Whichever comes last publishes. */
import type { Ctx } from '../../app/context.ts'
import type { Tx } from '../../infra/db/index.ts'
import { parseMentions } from './captions.ts'
import { captionMentionsQueue } from './videos.jobs.ts'
import * as queries from './videos.queries.ts'

/**
 * Publishes the video if both are there. Called by whoever adds one of them, in the same transaction.
 *
 * Idempotent, and settled in SQL: of racing calls one publishes and appends the event.
 */
export async function settlePublication(
  ctx: Ctx,
  tx: Tx,
  videoId: string,
): Promise<{ publishedAt: Date | null; isNew: boolean }> {
  const published = await queries.publishIfReady(tx, videoId, ctx.clock.now())
  if (!published) {
    const video = await queries.findVideo(tx, videoId)
    return { publishedAt: video?.published_at ?? null, isNew: false }
  }
  const video = await queries.findVideo(tx, videoId)
  if (parseMentions(video?.caption ?? '').length > 0)
    await ctx.jobs.enqueue(tx, captionMentionsQueue, { videoId })
  await ctx.events.append(tx, { kind: 'published', accountId: published.accountId, videoId })
  return { publishedAt: published.publishedAt, isNew: true }
}
