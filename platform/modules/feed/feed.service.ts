/** The two feeds, each page in four steps: skeleton, hydration, rules, presentation. */
import type { Viewer } from '../../app/http.ts'
import {
  addShown,
  NOTHING_SHOWN,
  openFollowingCursor,
  openForYouCursor,
  sealFollowingCursor,
  sealForYouCursor,
} from './cursors.ts'
import type { Feed } from './feed.ts'
import { listFollowing } from './feed.queries.ts'
import { hydrate } from './hydration.ts'
import { followingReasonJson, presentPage, rankedReasonJson, type PageItem } from './presentation.ts'
import { findNextPlace, findPlace, type Asker, type Place } from './skeleton.ts'

export interface FeedInput {
  readonly viewer: Viewer | null
  readonly cursor: string | undefined
  readonly limit: number
}

export interface ForYouInput extends FeedInput {
  /** See `Asker`. @default admits all */
  readonly admitRanking?: () => void
}

/** A page that rules leave emptier than this goes on with more videos… */
const PAGE_FILL = 0.5
/** …but not for ever: it may be empty and still have a cursor. */
const ROUNDS_MAX = 8

/**
 * A page of For You, as the JSON of a `FeedPage`.
 *
 * @throws {AppError} invalid-input, when the cursor is not one of ours; what `admitRanking` throws.
 */
export async function showForYou(feed: Feed, input: ForYouInput): Promise<Buffer> {
  const { secrets } = feed.ctx
  const viewerId = input.viewer?.id ?? null
  const asker: Asker = { viewerId, admitRanking: input.admitRanking ?? (() => {}) }
  const cursor = input.cursor === undefined ? null : openForYouCursor(secrets.cursor, input.cursor)
  let shown = cursor ? cursor.shown : NOTHING_SHOWN
  let place: Place | null = await findPlace(feed, asker, cursor)
  const { rankedAtMs } = place.snapshot
  const items: PageItem[] = []

  for (let round = 0; place && round < ROUNDS_MAX && items.length < input.limit * PAGE_FILL; round++) {
    const { snapshot, position }: Place = place
    const end = Math.min(snapshot.ranking.length, position + input.limit - items.length)
    const videoIds = snapshot.ranking.videoIds.slice(position, end)
    for (const [index, found] of (await hydrate(feed, viewerId, videoIds)).entries()) {
      if (!found) continue
      const { card, state } = found
      const reasonJson = rankedReasonJson(snapshot.ranking, position + index, card.handle)
      items.push({ card, state, reasonJson })
    }
    shown = addShown(shown, videoIds)
    place =
      end < snapshot.ranking.length ? { snapshot, position: end } : await findNextPlace(feed, asker, snapshot)
  }
  const nextCursor =
    place &&
    sealForYouCursor(secrets.cursor, {
      snapshotId: place.snapshot.id,
      position: place.position,
      shown,
    })
  return presentPage({ viewerId, items, nextCursor, rankedAtMs })
}

/**
 * A page of the videos of those whom the viewer follows, newest first, as the JSON of a `FeedPage`.
 *
 * @throws {AppError} invalid-input, when the cursor is not one of ours.
 */
export async function showFollowing(feed: Feed, input: FeedInput & { viewer: Viewer }): Promise<Buffer> {
  const { ctx } = feed
  const viewerId = input.viewer.id
  let after = input.cursor === undefined ? null : openFollowingCursor(ctx.secrets.cursor, input.cursor)
  let isOver = false
  const items: PageItem[] = []

  for (let round = 0; !isOver && round < ROUNDS_MAX && items.length < input.limit * PAGE_FILL; round++) {
    const wanted = input.limit - items.length
    // One more than wanted tells whether this is the end.
    const listed = await listFollowing(ctx.db, { viewerId, after, limit: wanted + 1 })
    isOver = listed.length <= wanted
    const taken = listed.slice(0, wanted)
    const last = taken.at(-1)
    if (last) after = { publishedAt: last.publishedAt, videoId: last.id }
    const hydrated = await hydrate(
      feed,
      viewerId,
      taken.map(({ id }) => id),
    )
    for (const found of hydrated)
      if (found) items.push({ ...found, reasonJson: followingReasonJson(found.card.handle) })
  }
  const nextCursor = isOver || !after ? null : sealFollowingCursor(ctx.secrets.cursor, after)
  return presentPage({ viewerId, items, nextCursor, rankedAtMs: ctx.clock.now().getTime() })
}
