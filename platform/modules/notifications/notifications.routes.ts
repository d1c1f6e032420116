/** HTTP of notifications. */
import { z } from 'zod'
import { Id, PageQuery, pageOf } from '../../../contract/common.ts'
import { Notification } from '../../../contract/social.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import * as service from './notifications.service.ts'

export const notificationRoutes: Routes = (app, ctx) => {
  app.get(
    '/notifications',
    { schema: { querystring: PageQuery, response: { 200: pageOf(Notification) } } },
    async (request) =>
      service.listNotifications(ctx, { viewerId: requireViewer(request).id, page: request.query }),
  )

  app.post(
    '/notifications/read',
    { schema: { body: z.object({ upTo: Id }), response: { 200: z.object({ unread: z.int() }) } } },
    async (request) =>
      service.markNotificationsRead(ctx, { viewerId: requireViewer(request).id, upTo: request.body.upTo }),
  )
}
