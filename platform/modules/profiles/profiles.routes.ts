/** HTTP of profiles. */
import { z } from 'zod'
import { Profile } from '../../../contract/accounts.ts'
import { Handle, PageQuery, pageOf } from '../../../contract/common.ts'
import { VideoCard } from '../../../contract/videos.ts'
import type { Routes } from '../../app/http.ts'
import { readingFrom } from '../regions/index.ts'
import * as service from './profiles.service.ts'

const params = z.object({ handle: Handle })

export const profileRoutes: Routes = (app, ctx) => {
  app.get('/profiles/:handle', { schema: { params, response: { 200: Profile } } }, async (request, reply) =>
    service.loadProfile(readingFrom(ctx, request, reply), {
      viewerId: request.viewer?.id ?? null,
      handle: request.params.handle,
    }),
  )

  app.get(
    '/profiles/:handle/videos',
    { schema: { params, querystring: PageQuery, response: { 200: pageOf(VideoCard) } } },
    async (request, reply) =>
      service.listProfileVideos(readingFrom(ctx, request, reply), {
        viewerId: request.viewer?.id ?? null,
        handle: request.params.handle,
        page: request.query,
      }),
  )
}
