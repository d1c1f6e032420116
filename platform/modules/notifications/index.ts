/** Notifications: what an account is told of, folded where many did the same. */
import './notifications.schema.ts'
export { startNotificationJobs } from './notifications.jobs.ts'
export { notificationRoutes } from './notifications.routes.ts'
export {
  ACTORS_SHOWN,
  countUnreadNotifications,
  EXCERPT_MAX_LENGTH,
  listNotifications,
  loadNotification,
  markNotificationsRead,
  notifyAccount,
  notifyMentioned,
  withdrawCommentNotifications,
} from './notifications.service.ts'
export type { NotifyInput } from './notifications.service.ts'
