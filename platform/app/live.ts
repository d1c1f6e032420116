/**
 * Live messages: what open browsers should hear of, sent between processes with the change that they tell of. They
 * carry ids; the process that holds a browser's stream loads what they mean (modules/updates).
 */
import type { VideoCounts } from '../../contract/videos.ts'
import { notifyAll, type Db, type Tx } from '../infra/db/index.ts'

/** The NOTIFY channel of live messages. */
export const LIVE_CHANNEL = 'live'

export type LiveTopic = `account:${string}` | `video:${string}`

export interface LiveMessage {
  readonly topic: LiveTopic
  readonly update:
    | { readonly kind: 'receipt'; readonly uploadId: string }
    /** `notificationId` null: only the number of unread ones changed. */
    | { readonly kind: 'notification'; readonly notificationId: string | null }
    | { readonly kind: 'comment'; readonly videoId: string; readonly commentId: string }
    | { readonly kind: 'counts'; readonly videoId: string; readonly counts: VideoCounts }
}

/** Tells whoever listens to the topics, in any process, when the transaction commits. */
export const publishLive = (db: Db | Tx, ...messages: LiveMessage[]): Promise<void> =>
  notifyAll(db, LIVE_CHANNEL, messages)
