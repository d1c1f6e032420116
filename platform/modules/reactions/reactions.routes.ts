/** HTTP of likes, saves, shares and views. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { VideoCard, ViewReports } from '../../../contract/videos.ts'
import { networkOf } from '../../../kit/network-of.ts'
import { createRateBucket } from '../../../kit/rate-bucket.ts'
import { originOf, requireViewer, type Routes } from '../../app/http.ts'
import { takeOrRefuse } from '../../app/rate-limit.ts'
import * as service from './reactions.service.ts'
import { identifyViewer } from './viewer-keys.ts'
import { recordViews } from './views.ts'

/** Reports and shares of one account, or of all signed-out browsers at one address. */
export const REPORTS_PER_MINUTE = 300
const MINUTE_MS = 60_000

const params = z.object({ id: Id })
const like = { schema: { params, response: { 200: z.object({ isLiked: z.boolean() }) } } }
const save = { schema: { params, response: { 200: z.object({ isSaved: z.boolean() }) } } }
const list = { schema: { querystring: PageQuery, response: { 200: pageOf(VideoCard) } } }

export const reactionRoutes: Routes = (app, ctx) => {
  const reports = createRateBucket({ burst: REPORTS_PER_MINUTE, refillMs: MINUTE_MS, clock: ctx.clock })

  app.put('/videos/:id/like', like, async (request) =>
    service.likeVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.delete('/videos/:id/like', like, async (request) =>
    service.unlikeVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.put('/videos/:id/save', save, async (request) =>
    service.saveVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.delete('/videos/:id/save', save, async (request) =>
    service.unsaveVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.get('/me/liked', list, async (request) =>
    service.listReactedVideos(ctx, {
      viewerId: requireViewer(request).id,
      reaction: 'like',
      page: request.query,
    }),
  )
  app.get('/me/saved', list, async (request) =>
    service.listReactedVideos(ctx, {
      viewerId: requireViewer(request).id,
      reaction: 'save',
      page: request.query,
    }),
  )

  app.post(
    '/videos/:id/shares',
    { schema: { params, response: { 200: z.object({ url: z.string() }) } } },
    async (request, reply) => {
      takeOrRefuse(reports, request.viewer?.id ?? networkOf(request.ip))
      const sharer = identifyViewer(ctx, request, reply)
      return service.shareVideo(ctx, { sharer, videoId: request.params.id, origin: originOf(ctx, request) })
    },
  )

  app.post(
    '/views',
    { schema: { body: ViewReports, response: { 204: z.null() } } },
    async (request, reply) => {
      takeOrRefuse(reports, request.viewer?.id ?? networkOf(request.ip))
      const viewer = identifyViewer(ctx, request, reply)
      await recordViews(ctx, { viewer, reports: request.body.views })
      return reply.code(204).send(null)
    },
  )
}
