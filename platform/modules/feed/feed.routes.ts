/** HTTP of the feed. */
import { z } from 'zod'
import { PageQuery } from '../../../contract/common.ts'
import { FeedPage } from '../../../contract/videos.ts'
import { networkOf } from '../../../kit/network/network-of.ts'
import { createRateBucket } from '../../../kit/bounded/rate-bucket.ts'
import { isAdmitted } from '../../app/feature-gate.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import { takeOrRefuse } from '../../app/rate-limit.ts'
import { CURSOR_MAX_LENGTH } from './cursors.ts'
import { openFeed } from './feed.ts'
import { showFollowing, showForYou } from './feed.service.ts'

/** Rankings of their own, of all signed-out visitors of one network: those that they share are not counted. */
export const RANKINGS_PER_MINUTE = 60
const MINUTE_MS = 60_000
/** How a page begins that has nothing in it. */
const EMPTY_PAGE = Buffer.from('{"items":[]')
const FIRST_PAGE_AT_EDGES = 'max-age=2, stale-while-revalidate=30, stale-if-error=86400'

const FeedQuery = PageQuery.extend({ cursor: z.string().max(CURSOR_MAX_LENGTH).optional() })

export const feedRoutes: Routes = (app, ctx) => {
  const feed = openFeed(ctx)
  app.addHook('onClose', () => feed[Symbol.asyncDispose]())
  const rankings = createRateBucket({ burst: RANKINGS_PER_MINUTE, refillMs: MINUTE_MS, clock: ctx.clock })
  const schema = { querystring: FeedQuery, response: { 200: FeedPage } }

  // A page arrives as bytes, which no serializer touches: `response` describes it, and the tests hold it to that.
  app.get('/feed/for-you', { schema }, async (request, reply) => {
    const { cursor, limit } = request.query
    const { viewer } = request
    const admitRanking = () => {
      if (!viewer) takeOrRefuse(rankings, networkOf(request.ip), reply)
    }
    const page = await showForYou(feed, {
      viewer,
      cursor,
      limit,
      admitRanking,
      mode: isAdmitted(request) ? 'on' : ctx.steward.modeOf('feed'),
    })
    if (cursor === undefined) ctx.vitals.noteFeed(page.subarray(0, EMPTY_PAGE.length).equals(EMPTY_PAGE))
    // A visitor's first page is anybody's: edges share it (RFC 9213), and have it when nobody is behind them.
    if (!viewer && cursor === undefined) reply.header('cdn-cache-control', FIRST_PAGE_AT_EDGES)
    return reply
      .header('cache-control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(page as never)
  })

  app.get('/feed/following', { schema }, async (request, reply) => {
    const { cursor, limit } = request.query
    const page = await showFollowing(feed, {
      viewer: requireViewer(request),
      cursor,
      limit,
      mode: isAdmitted(request) ? 'on' : ctx.steward.modeOf('feed'),
    })
    return reply
      .header('cache-control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(page as never)
  })
}
