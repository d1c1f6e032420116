/**
 * Live updates: one event stream per browser (`GET /api/v1/updates`, text/event-stream).
 *
 * Each event's `data` is one `Update`. What a browser hears: everything of its own account, and of the videos named
 * in `?videos=ID,ID` (at most 10).
 */
import { z } from 'zod'
import { Id } from './common.ts'
import { Comment, Notification } from './social.ts'
import { Receipt } from './uploads.ts'
import { VideoCounts } from './videos.ts'

export const UPDATES_MAX_VIDEOS = 10

export const Update = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('receipt'), receipt: Receipt }),
  z.object({
    kind: z.literal('notification'),
    notification: Notification.nullable(),
    unread: z.int().nullable(),
  }),
  z.object({ kind: z.literal('comment'), videoId: Id, comment: Comment }),
  z.object({ kind: z.literal('counts'), videoId: Id, counts: VideoCounts }),
])
export type Update = z.infer<typeof Update>
