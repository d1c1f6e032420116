/** The last step of a page: from cards, viewer states and reasons to the bytes of a `FeedPage`. */
import type { FeedReason } from '../../../contract/videos.ts'
import { PART_COUNT, PART_NAMES, type Ranking, type ReasonCode } from '../../../engines/for-you/index.ts'
import type { CachedCard } from './cards.ts'

/** Null: unknown at the moment. */
export interface PageState {
  readonly isLiked: boolean | null
  readonly isSaved: boolean | null
  readonly isFollowingAuthor: boolean | null
}

export interface PageItem {
  readonly card: Pick<CachedCard, 'authorId' | 'json'>
  /** Null for a signed-out viewer. */
  readonly state: PageState | null
  /** A `FeedReason`, written. */
  readonly reasonJson: string
}

export interface PageInput {
  readonly viewerId: string | null
  readonly items: readonly PageItem[]
  readonly nextCursor: string | null
  readonly rankedAtMs: number
  /** For whom it was ranked, if not for the viewer. @default the viewer */
  readonly service?: 'cohort' | 'top'
}

/** The page as JSON. Cards are copied as they are: nothing of them is parsed or written again. */
export function presentPage(input: PageInput): Buffer {
  const { items, viewerId } = input
  const rankedAt = new Date(input.rankedAtMs).toISOString()
  const nextCursor = input.nextCursor === null ? 'null' : `"${input.nextCursor}"`
  const service = input.service === undefined ? '' : `,"service":"${input.service}"`
  const end = `],"nextCursor":${nextCursor},"rankedAt":"${rankedAt}"${service}}`
  // Between cards: what ends one and begins the next.
  const joints = items.map((item, index) => {
    const rest = `,"viewer":${viewerJson(item, viewerId)},"reason":${item.reasonJson}}`
    return index === items.length - 1 ? rest + end : `${rest},`
  })
  const begin = items.length === 0 ? `{"items":[${end}` : '{"items":['
  let sizeBytes = Buffer.byteLength(begin)
  for (const [index, item] of items.entries())
    sizeBytes += item.card.json.length + Buffer.byteLength(joints[index]!)

  const page = Buffer.allocUnsafe(sizeBytes)
  let at = page.write(begin)
  for (const [index, { card }] of items.entries()) {
    at += card.json.copy(page, at)
    at += page.write(joints[index]!, at)
  }
  return page
}

function viewerJson({ card, state }: PageItem, viewerId: string | null): string {
  if (state === null) return 'null'
  const { isLiked, isSaved, isFollowingAuthor } = state
  const isOwn = card.authorId === viewerId
  return `{"isLiked":${isLiked},"isSaved":${isSaved},"isFollowingAuthor":${isFollowingAuthor},"isOwn":${isOwn}}`
}

const NAMES_AUTHOR: ReadonlySet<ReasonCode> = new Set(['following', 'author-liked', 'new-voice'])

/** The reason for a position of a ranking, in the words of the contract, with the arithmetic behind it, as JSON. */
export function rankedReasonJson(ranking: Ranking, position: number, handle: string): string {
  const code = ranking.reasonCode(position)
  if (code === 'archive') return '{"code":"archive","params":{}}'
  const { parts } = ranking.packed
  const tag = code === 'tag' ? ranking.tagOf(position) : null
  let params = NAMES_AUTHOR.has(code) ? `"handle":${JSON.stringify(handle)},` : ''
  if (tag !== null) params += `"tag":${JSON.stringify(tag)},`
  let steps = 0
  for (let part = 0; part < PART_COUNT; part++) {
    const value = parts[position * PART_COUNT + part]!
    if (value === 0) continue
    steps += value
    params += `"${PART_NAMES[part]}Points":${pointsText(value)},`
  }
  return `{"code":"${code}","params":{${params}"points":${pointsText(steps)}}}`
}

/** Why a video is in the Following feed, as JSON. */
export function followingReasonJson(handle: string): string {
  const reason: FeedReason = { code: 'following', params: { handle } }
  return JSON.stringify(reason)
}

/** Thousandths of a point as a decimal number. */
const POINTS_TEXTS = Array.from({ length: 4096 }, (_, steps) => String(steps / 1000))
const pointsText = (steps: number): string => POINTS_TEXTS[steps] ?? String(steps / 1000)
