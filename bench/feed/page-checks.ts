/** Whether a page keeps the rules, as far as one can tell without asking the database. */
import { FeedPage, type VideoCard } from '../../contract/videos.ts'

export interface Rules {
  /** Private, followers-only and deleted videos: none of them belongs into For You. */
  readonly hiddenVideoIds: ReadonlySet<string>
  /** `viewer author`, in both directions. */
  readonly blockedPairs: ReadonlySet<string>
}

const PAGE_SIZE = 20

/** What is wrong with a page, and the order of its videos. */
export function checkPage(
  body: Buffer,
  viewerId: string,
  rules: Rules,
): { order: string; problems: string[] } {
  const page = JSON.parse(body.toString()) as FeedPage
  const ids = page.items.map(({ id }) => id)
  const problems: string[] = []
  // Blocked authors leave gaps, so a page may be short; an empty one would be a fault.
  if (ids.length === 0 || ids.length > PAGE_SIZE) problems.push(`${ids.length} items`)
  if (new Set(ids).size !== ids.length) problems.push('a video twice on a page')
  for (const card of page.items) problems.push(...checkCard(card, viewerId, rules))
  return { order: ids.join(), problems }
}

function* checkCard(card: VideoCard, viewerId: string, rules: Rules): Generator<string> {
  if (rules.hiddenVideoIds.has(card.id)) yield `hidden video ${card.id}`
  if (rules.blockedPairs.has(`${viewerId} ${card.author.id}`)) yield `blocked author ${card.author.id}`
  if (!card.viewer || card.viewer.isOwn !== (card.author.id === viewerId))
    yield `wrong viewer state on ${card.id}`
  if (!card.reason) yield `no reason on ${card.id}`
}

/** Whether a page is of the contract's shape, in full. @throws when it is not. */
export function parsePage(body: Buffer): FeedPage {
  return FeedPage.parse(JSON.parse(body.toString()))
}
