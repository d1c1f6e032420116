/** Notifications as a page shows them: in periods, each with its words and where it leads. */
import type { Notification } from '#lib/api/types.ts'
import { t } from './texts.ts'

export type Period = 'new' | 'today' | 'week' | 'earlier'

export interface Section {
  readonly period: Period
  readonly items: Notification[]
}

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS

/**
 * Sorts entries into periods, each newest first. New is what was unread when the page was opened (or has come since):
 * reading them must not make them jump.
 */
export function sortIntoPeriods(
  items: readonly Notification[],
  newIds: ReadonlySet<string>,
  now: Date = new Date(),
): Section[] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime()
  const sections: Section[] = (['new', 'today', 'week', 'earlier'] as const).map((period) => ({
    period,
    items: [],
  }))
  for (const item of items) {
    const atMs = new Date(item.createdAt).getTime()
    const place = newIds.has(item.id) ? 0 : atMs >= midnight ? 1 : atMs >= now.getTime() - WEEK_MS ? 2 : 3
    sections[place]!.items.push(item)
  }
  return sections.filter((section) => section.items.length > 0)
}

/** Who did it: "Ada", "Ada and Ben", "Ada and 4 others"; null for what nobody did. */
export function nameActors(item: Notification): string | null {
  const isOfSystem =
    item.kind === 'upload-failed' || item.kind === 'upload-published' || item.kind === 'new-sign-in'
  if (isOfSystem) return null
  const [first, second] = item.actors
  if (!first) return t('who.gone')
  if (item.actorCount <= 1) return t('who.one', { a: first.name })
  if (item.actorCount === 2 && second) return t('who.two', { a: first.name, b: second.name })
  return t('who.more', { a: first.name, n: item.actorCount - 1 })
}

/** The page that an entry is about. */
export function hrefOf(item: Notification): string | null {
  switch (item.kind) {
    case 'liked':
    case 'upload-published':
      return item.videoId ? `/v/${item.videoId}` : null
    case 'commented':
    case 'replied':
    case 'comment-liked':
      return item.videoId ? `/v/${item.videoId}?comments` : null
    case 'mentioned':
      return item.videoId ? `/v/${item.videoId}${item.commentId ? '?comments' : ''}` : null
    case 'followed':
      return item.actors[0] ? `/@${item.actors[0].handle}` : null
    case 'upload-failed':
      return item.uploadId ? `/upload?receipt=${item.uploadId}` : '/upload'
    case 'new-sign-in':
      return '/settings/security'
  }
}

/**
 * Takes in an entry that came live. An entry stands for a group (all likes of a video); when the group grows, its
 * newest row gives it a new id, so the same kind about the same thing replaces what was shown.
 */
export function mergeLive(items: readonly Notification[], live: Notification): Notification[] {
  const isSameGroup = (item: Notification) =>
    item.id === live.id ||
    ((item.kind === 'liked' || item.kind === 'comment-liked') &&
      item.kind === live.kind &&
      item.videoId === live.videoId &&
      item.commentId === live.commentId) ||
    // Followers are gathered by day (UTC).
    (item.kind === 'followed' &&
      live.kind === 'followed' &&
      item.createdAt.slice(0, 10) === live.createdAt.slice(0, 10))
  return [live, ...items.filter((item) => !isSameGroup(item))]
}
