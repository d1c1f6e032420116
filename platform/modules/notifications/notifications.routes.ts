/** HTTP of notifications. */
import { PageQuery, pageOf } from '../../../contract/common.ts'
import { Notification, ReadMark, UnreadCount } from '../../../contract/social.ts'
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
    { schema: { body: ReadMark, response: { 200: UnreadCount } } },
    async (request) =>
      service.markNotificationsRead(ctx, { viewerId: requireViewer(request).id, upTo: request.body.upTo }),
  )
}
