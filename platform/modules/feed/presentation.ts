/** The last step of a page: from cards, viewer states and reasons to the bytes of a `FeedPage`. */
import type { FeedReason } from '../../../contract/videos.ts'
import { PART_NAMES, type RankedItem } from '../../../engines/for-you/index.ts'
import type { CachedCard } from './cards.ts'
import type { CardState } from './hydration.ts'

export interface PageItem {
  readonly card: CachedCard
  /** Null for a signed-out viewer. */
  readonly state: CardState | null
  readonly reason: FeedReason
}

export interface PageInput {
  readonly viewerId: string | null
  readonly items: readonly PageItem[]
  readonly nextCursor: string | null
  readonly rankedAtMs: number
}

/** The page as JSON. Cards are copied as they are: nothing of them is parsed or written again. */
export function presentPage(input: PageInput): Buffer {
  const chunks: Buffer[] = []
  let before = '{"items":['
  for (const item of input.items) {
    chunks.push(Buffer.from(before, 'latin1'), item.card.json)
    const viewer = viewerJson(item, input.viewerId)
    before = `,"viewer":${viewer},"reason":`
    // Only a reason can have letters beyond ASCII in it: tags and handles.
    chunks.push(Buffer.from(before + JSON.stringify(item.reason)))
    before = '},'
  }
  const close = input.items.length > 0 ? '}' : before
  const nextCursor = input.nextCursor === null ? 'null' : `"${input.nextCursor}"`
  const rankedAt = new Date(input.rankedAtMs).toISOString()
  chunks.push(Buffer.from(`${close}],"nextCursor":${nextCursor},"rankedAt":"${rankedAt}"}`))
  return Buffer.concat(chunks)
}

function viewerJson({ card, state }: PageItem, viewerId: string | null): string {
  if (state === null) return 'null'
  const { isLiked, isSaved, isFollowingAuthor } = state
  const isOwn = card.authorId === viewerId
  return `{"isLiked":${isLiked},"isSaved":${isSaved},"isFollowingAuthor":${isFollowingAuthor},"isOwn":${isOwn}}`
}

/** The reason in the words of the contract, with the arithmetic behind it. */
export function presentReason(item: RankedItem, handle: string): FeedReason {
  const params: FeedReason['params'] = {}
  const { code, tag } = item.reason
  if (tag !== null) params.tag = tag
  if (code === 'following' || code === 'author-liked' || code === 'new-voice') params.handle = handle
  if (code === 'archive') return { code, params }
  for (const name of PART_NAMES) if (item.parts[name] > 0) params[`${name}Points`] = item.parts[name]
  params.points = item.score
  return { code, params }
}
