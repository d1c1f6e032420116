/** HTTP of likes, saves, shares and views. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { LikeState, SaveState, ShareLink } from '../../../contract/social.ts'
import { VideoCard, ViewReports } from '../../../contract/videos.ts'
import { originOf, requireViewer, type Routes } from '../../app/http.ts'
import { doOrKeep } from '../../app/journal/index.ts'
import { accountOf, callerOf, limitPerMinute } from '../../app/rate-limit.ts'
import { openKeptViews } from './kept-views.ts'
import { likeAct, saveAct, unlikeAct, unsaveAct, viewsAct } from './reactions.acts.ts'
import * as service from './reactions.service.ts'
import { identifyViewer } from './viewer-keys.ts'

/** Likes, given and taken back, of one account. */
export const LIKES_PER_MINUTE = 300
/** Saves, made and taken back, of one account. */
export const SAVES_PER_MINUTE = 120
/** Of one account, or of all signed-out browsers of one network. */
export const SHARES_PER_MINUTE = 60
/** Reports of views, of one account, or of all signed-out browsers of one network. */
export const REPORTS_PER_MINUTE = 300

const params = z.object({ id: Id })
const list = { schema: { querystring: PageQuery, response: { 200: pageOf(VideoCard) } } }

export const reactionRoutes: Routes = (app, ctx) => {
  const like = {
    preHandler: limitPerMinute(ctx, LIKES_PER_MINUTE, accountOf),
    schema: { params, response: { 200: LikeState } },
  }
  const save = {
    preHandler: limitPerMinute(ctx, SAVES_PER_MINUTE, accountOf),
    schema: { params, response: { 200: SaveState } },
  }
  const shares = limitPerMinute(ctx, SHARES_PER_MINUTE, callerOf)
  const reports = limitPerMinute(ctx, REPORTS_PER_MINUTE, callerOf)
  const takeKeptViews = openKeptViews(ctx)

  app.put('/videos/:id/like', like, async (request) =>
    doOrKeep(ctx, likeAct, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.delete('/videos/:id/like', like, async (request) =>
    doOrKeep(ctx, unlikeAct, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.put('/videos/:id/save', save, async (request) =>
    doOrKeep(ctx, saveAct, { viewerId: requireViewer(request).id, videoId: request.params.id }),
  )
  app.delete('/videos/:id/save', save, async (request) =>
    doOrKeep(ctx, unsaveAct, { viewerId: requireViewer(request).id, videoId: request.params.id }),
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
    { preHandler: shares, schema: { params, response: { 200: ShareLink } } },
    async (request, reply) => {
      const sharer = identifyViewer(ctx, request, reply)
      return service.shareVideo(ctx, { sharer, videoId: request.params.id, origin: originOf(ctx, request) })
    },
  )

  app.post(
    '/views',
    { preHandler: reports, schema: { body: ViewReports, response: { 204: z.null() } } },
    async (request, reply) => {
      const viewer = identifyViewer(ctx, request, reply)
      const { views } = request.body
      await doOrKeep(ctx, viewsAct, { viewer, reports: views }, () => takeKeptViews(request, views.length))
      return reply.code(204).send(null)
    },
  )
}
