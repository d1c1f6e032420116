/** HTTP of videos. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { PublishState, VideoCard, VideoEdit } from '../../../contract/videos.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import { openCardMemory } from './card-memory.ts'
import { loadVideoCards } from './cards.ts'
import * as service from './videos.service.ts'

const Params = z.object({ id: Id })

export const videoRoutes: Routes = (app, ctx) => {
  const memory = openCardMemory(ctx)
  app.addHook('onClose', async () => memory[Symbol.dispose]())
  app.get(
    '/videos/:id',
    { schema: { params: Params, response: { 200: VideoCard } } },
    async (request, reply) => {
      reply.header('cache-control', 'private, no-cache')
      return memory.read({ viewerId: request.viewer?.id ?? null, videoId: request.params.id })
    },
  )

  app.patch(
    '/videos/:id',
    { schema: { params: Params, body: VideoEdit, response: { 200: VideoCard, 204: z.null() } } },
    async (request, reply) => {
      const viewerId = requireViewer(request).id
      const videoId = request.params.id
      await service.editVideo(ctx, { viewerId, videoId, edit: request.body })
      // There is no card of what can't be played yet; its receipt shows the change.
      const card = (await loadVideoCards(ctx, viewerId, [videoId])).get(videoId)
      return card ? reply.send(card) : reply.code(204).send(null)
    },
  )

  app.delete(
    '/videos/:id',
    { schema: { params: Params, response: { 204: z.null() } } },
    async (request, reply) => {
      await service.deleteVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id })
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/videos/:id/publish',
    { schema: { params: Params, response: { 200: PublishState } } },
    async (request) =>
      service.publishVideo(ctx, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )

  app.get(
    '/me/videos',
    { schema: { querystring: PageQuery, response: { 200: pageOf(VideoCard) } } },
    async (request) =>
      service.listOwnVideos(ctx, { viewerId: requireViewer(request).id, page: request.query }),
  )
}
