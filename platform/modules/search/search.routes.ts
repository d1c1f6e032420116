/** HTTP of search. */
import { z } from 'zod'
import { PageQuery, pageOf } from '../../../contract/common.ts'
import { SearchPage, SearchQuery } from '../../../contract/social.ts'
import { TAG_MAX_LENGTH, VideoCard } from '../../../contract/videos.ts'
import type { Routes } from '../../app/http.ts'
import { callerOf, limitPerMinute } from '../../app/rate-limit.ts'
import { readingFrom } from '../regions/index.ts'
import { listTagVideos, search } from './search.service.ts'

/** Pages of results and of tags, of one account, or of all signed-out visitors of one network. */
export const SEARCHES_PER_MINUTE = 120

/** A tag of TAG_MAX_LENGTH characters has at most twice as many code units, and perhaps its `#`. */
const params = z.object({
  tag: z
    .string()
    .min(1)
    .max(2 * TAG_MAX_LENGTH + 1),
})

export const searchRoutes: Routes = (app, ctx) => {
  const preHandler = limitPerMinute(ctx, SEARCHES_PER_MINUTE, callerOf)

  app.get(
    '/search',
    {
      preHandler,
      schema: { querystring: SearchQuery.extend(PageQuery.shape), response: { 200: SearchPage } },
    },
    async (request, reply) => {
      const { q, type, ...page } = request.query
      return search(readingFrom(ctx, request, reply), { q, type, page, viewerId: request.viewer?.id ?? null })
    },
  )

  app.get(
    '/tags/:tag/videos',
    { preHandler, schema: { params, querystring: PageQuery, response: { 200: pageOf(VideoCard) } } },
    async (request, reply) =>
      listTagVideos(readingFrom(ctx, request, reply), {
        viewerId: request.viewer?.id ?? null,
        tag: request.params.tag,
        page: request.query,
      }),
  )
}
