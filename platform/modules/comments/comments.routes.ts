/** HTTP of comments. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { Comment, CommentPage, LikeState, NewComment } from '../../../contract/social.ts'
import { isAdmitted } from '../../app/feature-gate.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import { doOrKeep } from '../../app/journal/index.ts'
import { accountOf, limitPerMinute } from '../../app/rate-limit.ts'
import { openCommentMemory } from './comment-memory.ts'
import { commentAct, newCommentOf } from './comments.acts.ts'
import * as service from './comments.service.ts'

/** Of one account. */
export const COMMENTS_PER_MINUTE = 30
/** Likes of comments, given and taken back, of one account. */
export const COMMENT_LIKES_PER_MINUTE = 300

const params = z.object({ id: Id })
const list = { params, querystring: PageQuery, response: { 200: pageOf(Comment) } }
const Headers = z.looseObject({ 'idempotency-key': Id.optional() })

export const commentRoutes: Routes = (app, ctx) => {
  const comments = limitPerMinute(ctx, COMMENTS_PER_MINUTE, accountOf)
  const like = {
    preHandler: limitPerMinute(ctx, COMMENT_LIKES_PER_MINUTE, accountOf),
    schema: { params, response: { 200: LikeState } },
  }

  const memory = openCommentMemory(ctx)
  app.addHook('onClose', async () => memory[Symbol.dispose]())
  app.get('/videos/:id/comments', { schema: { ...list, response: { 200: CommentPage } } }, async (request) =>
    memory.list({
      viewer: request.viewer,
      videoId: request.params.id,
      page: request.query,
      mode: isAdmitted(request) ? 'on' : ctx.steward.modeOf('comments'),
    }),
  )

  app.get('/comments/:id/replies', { schema: list }, async (request) =>
    service.listReplies(ctx, { viewer: request.viewer, commentId: request.params.id, page: request.query }),
  )

  app.post(
    '/videos/:id/comments',
    {
      preHandler: comments,
      schema: { params, headers: Headers, body: NewComment, response: { 201: Comment } },
    },
    async (request, reply) => {
      const asked = newCommentOf(ctx, {
        viewer: requireViewer(request),
        videoId: request.params.id,
        ...request.body,
        clientKey: request.headers['idempotency-key'],
      })
      return reply.code(201).send(await doOrKeep(ctx, commentAct, asked))
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
