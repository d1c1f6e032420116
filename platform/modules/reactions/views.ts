/** Views: counted once per viewer, video and hour, from VIEW_MIN_WATCHED_MS of watching on. */
import type { DomainEvent } from '../../../contract/events.ts'
import { VIEW_MIN_WATCHED_MS, type ViewReports } from '../../../contract/videos.ts'
import type { z } from 'zod'
import type { Ctx } from '../../app/context.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { visibleVideoIds } from '../videos/index.ts'
import * as queries from './reactions.queries.ts'
import { hourOf, keyOf, type ViewerIdentity } from './viewer-keys.ts'

export type ViewReportList = z.infer<typeof ViewReports>['views']

/**
 * Takes in what a browser reports of its watching: a handful of statements however many videos it names.
 *
 * Idempotent: of one viewer, video and hour the longest showing stands, so a report that comes twice, or late, or of
 * another tab, only ever raises it. Reports of videos that the viewer can't see are dropped.
 */
export async function recordViews(
  ctx: Ctx,
  input: { readonly viewer: ViewerIdentity; readonly reports: ViewReportList },
): Promise<void> {
  const { viewer, reports } = input
  const viewerKey = keyOf(viewer)
  const byVideo = longestByVideo(reports)
  await inTransaction(ctx, async (tx) => {
    const visible = await visibleVideoIds(tx, viewer.accountId, [...byVideo.keys()])
    if (visible.length === 0) return
    await queries.lockViewer(tx, viewerKey)
    const written = await queries.raiseViews(tx, {
      viewerKey,
      hour: hourOf(ctx.clock.now()),
      views: visible.map((id) => byVideo.get(id)!),
    })
    await ctx.events.appendAll(
      tx,
      written.flatMap((view) => toEvent(viewer.accountId, view) ?? []),
    )
  })
}

function longestByVideo(reports: ViewReportList): Map<string, queries.Watched> {
  const byVideo = new Map<string, queries.Watched>()
  for (const { videoId, watchedMs, completions } of reports) {
    const known = byVideo.get(videoId)
    byVideo.set(videoId, {
      videoId,
      watchedMs: Math.max(watchedMs, known?.watchedMs ?? 0),
      completions: Math.max(completions, known?.completions ?? 0),
    })
  }
  return byVideo
}

/** Null: it says nothing new. */
function toEvent(accountId: string | null, view: queries.WrittenView): DomainEvent | null {
  const { videoId, watchedMs, completions, watchedBeforeMs, completionsBefore } = view
  const isNew = watchedBeforeMs === null
  const didCount = !isNew && watchedBeforeMs >= VIEW_MIN_WATCHED_MS
  const counts = watchedMs >= VIEW_MIN_WATCHED_MS
  if (!counts)
    return isNew
      ? { kind: 'viewed', accountId, videoId, watchedMs: 0, completions: 0, isCounted: false }
      : null
  return {
    kind: 'viewed',
    accountId,
    videoId,
    watchedMs: didCount ? watchedMs - watchedBeforeMs : watchedMs,
    completions: didCount ? completions - (completionsBefore ?? 0) : completions,
    isCounted: !didCount,
  }
}
