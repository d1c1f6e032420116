/**
 * The two feeds, each page in four steps: skeleton, hydration, rules, presentation. When there is no database to ask, or no
 * time, For You comes from the standby shelf instead.
 */
import type { FeatureMode } from '../../../contract/state.ts'
import { AppError } from '../../app/errors.ts'
import { pausedError } from '../../app/feature-gate.ts'
import type { Viewer } from '../../app/http.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import {
  addShown,
  NOTHING_SHOWN,
  openFollowingCursor,
  openForYouCursor,
  sealFollowingCursor,
  sealForYouCursor,
  type ForYouCursor,
} from './cursors.ts'
import type { Feed } from './feed.ts'
import { listFollowing } from './feed.queries.ts'
import { hydrate } from './hydration.ts'
import { followingReasonJson, presentPage, rankedReasonJson, type PageItem } from './presentation.ts'
import { LATE } from './patience.ts'
import { currentState, showStandby } from './standby-page.ts'
import { findNextPlace, findPlace, type Asker, type Place } from './skeleton.ts'

export interface FeedInput {
  readonly viewer: Viewer | null
  readonly cursor: string | undefined
  readonly limit: number
  /** How the feed works for this viewer. @default as for everybody */
  readonly mode?: FeatureMode
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
 * A page of For You, as the JSON of a `FeedPage`: a personal one, or one from the standby shelf when that is the level of
 * service, when the database is away, or when it is in doubt and lets wait.
 *
 * @throws {AppError} invalid-input, when the cursor is not one of ours; what `admitRanking` throws; feature-paused, when
 *   everything that there is at this moment was shown.
 */
export async function showForYou(feed: Feed, input: ForYouInput): Promise<Buffer> {
  const { secrets, steward } = feed.ctx
  const viewerId = input.viewer?.id ?? null
  const cursor = input.cursor === undefined ? null : openForYouCursor(secrets.cursor, input.cursor)
  const standby = () => showStandby(feed, { viewerId, cursor, limit: input.limit })
  if ((input.mode ?? steward.modeOf('feed')) !== 'on') {
    const page = standby()
    if (page) return page
  }
  const personal = showPersonal(feed, input, cursor)
  try {
    const page = await feed.patience.wait(personal)
    if (page !== LATE) return page
  } catch (error) {
    if (!isDatabaseUnavailable(error) && !isRushBack(error, cursor)) throw error
    const page = standby()
    if (page) return page
    throw error
  }
  return standby() ?? personal
}

/** Service is back, and all visitors of one network want a ranking of their own at once: some go on as they were. */
const isRushBack = (error: unknown, cursor: ForYouCursor | null): boolean =>
  cursor?.snapshotId === null && error instanceof AppError && error.code === 'too-many-requests'

async function showPersonal(feed: Feed, input: ForYouInput, cursor: ForYouCursor | null): Promise<Buffer> {
  const { secrets } = feed.ctx
  const viewerId = input.viewer?.id ?? null
  const asker: Asker = { viewerId, admitRanking: input.admitRanking ?? (() => {}) }
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
 * @throws {AppError} invalid-input, when the cursor is not one of ours; feature-paused, when there are no personal pages.
 */
export async function showFollowing(feed: Feed, input: FeedInput & { viewer: Viewer }): Promise<Buffer> {
  if ((input.mode ?? feed.ctx.steward.modeOf('feed')) !== 'on') throw followingPaused(feed)
  try {
    const page = await feed.patience.wait(showFollowed(feed, input))
    if (page !== LATE) return page
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error
  }
  throw followingPaused(feed)
}

function followingPaused({ ctx }: Feed): AppError {
  const { details } = pausedError('feed', currentState(ctx), ctx)
  return new AppError('feature-paused', {
    ...details,
    facts: { ...details.facts, list: 'following' },
    detail: 'Whom you follow can not be looked up at the moment. For You goes on.',
  })
}

async function showFollowed(feed: Feed, input: FeedInput & { viewer: Viewer }): Promise<Buffer> {
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
