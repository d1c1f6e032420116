/** HTTP of comments. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { Comment, NewComment } from '../../../contract/social.ts'
import { createRateBucket } from '../../../kit/rate-bucket.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import { takeOrRefuse } from '../../app/rate-limit.ts'
import * as service from './comments.service.ts'

/** Of one account. */
export const COMMENTS_PER_MINUTE = 30
const MINUTE_MS = 60_000

const params = z.object({ id: Id })
const list = { params, querystring: PageQuery, response: { 200: pageOf(Comment) } }
const like = { schema: { params, response: { 200: z.object({ isLiked: z.boolean() }) } } }
const Headers = z.looseObject({ 'idempotency-key': Id.optional() })

export const commentRoutes: Routes = (app, ctx) => {
  const comments = createRateBucket({ burst: COMMENTS_PER_MINUTE, refillMs: MINUTE_MS, clock: ctx.clock })

  app.get('/videos/:id/comments', { schema: list }, async (request) =>
    service.listComments(ctx, { viewer: request.viewer, videoId: request.params.id, page: request.query }),
  )

  app.get('/comments/:id/replies', { schema: list }, async (request) =>
    service.listReplies(ctx, { viewer: request.viewer, commentId: request.params.id, page: request.query }),
  )

  app.post(
    '/videos/:id/comments',
    { schema: { params, headers: Headers, body: NewComment, response: { 201: Comment } } },
    async (request, reply) => {
      const viewer = requireViewer(request)
      takeOrRefuse(comments, viewer.id)
      const comment = await service.addComment(ctx, {
        viewer,
        videoId: request.params.id,
        ...request.body,
        clientKey: request.headers['idempotency-key'] ?? null,
      })
      return reply.code(201).send(comment)
    },
  )

  app.delete('/comments/:id', { schema: { params, response: { 204: z.null() } } }, async (request, reply) => {
    await service.deleteComment(ctx, { viewer: requireViewer(request), commentId: request.params.id })
    return reply.code(204).send(null)
  })

  app.put('/comments/:id/like', like, async (request) =>
    service.likeComment(ctx, { viewerId: requireViewer(request).id, commentId: request.params.id }),
  )
  app.delete('/comments/:id/like', like, async (request) =>
    service.unlikeComment(ctx, { viewerId: requireViewer(request).id, commentId: request.params.id }),
  )
}
