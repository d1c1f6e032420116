/**
 * Live messages carry ids; this loads what they mean: once per process, however many browsers hear it. While one load
 * is under way, further messages about the same thing wait together for one more.
 */
import type { Update } from '../../../contract/updates.ts'
import type { Receipt } from '../../../contract/uploads.ts'
import type { Ctx } from '../../app/context.ts'
import type { LiveMessage } from '../../app/live.ts'
import { authorOf, commentFor, loadSharedComment, type Reader } from '../comments/index.ts'
import { loadHiddenAccountIds } from '../follows/index.ts'
import { countUnreadNotifications, loadNotification } from '../notifications/index.ts'

/** Given by the composition root, so that this module need not load the machinery of uploads. */
export type LoadReceipt = (ctx: Ctx, uploadId: string) => Promise<Receipt | null>

/** What goes to the browsers of a topic. */
export interface Payload {
  /** The update as this reader gets it, as JSON. */
  textFor(reader: Reader | null): string
  /** Accounts that do not hear of it: there is a block between them and its author. */
  readonly hiddenFrom: ReadonlySet<string>
}

/** Null: there is nothing to tell (any more). */
export async function loadPayload(
  ctx: Ctx,
  loadReceipt: LoadReceipt,
  { topic, update }: LiveMessage,
): Promise<Payload | null> {
  switch (update.kind) {
    case 'counts':
      return same(update)
    case 'receipt': {
      const receipt = await loadReceipt(ctx, update.uploadId)
      return receipt && same({ kind: 'receipt', receipt })
    }
    case 'notification': {
      const accountId = topic.slice('account:'.length)
      const [notification, unread] = await Promise.all([
        update.notificationId === null
          ? null
          : loadNotification(ctx, { accountId, notificationId: update.notificationId }),
        countUnreadNotifications(ctx.db, accountId),
      ])
      return same({ kind: 'notification', notification, unread })
    }
    case 'comment': {
      const shared = await loadSharedComment(ctx, update.commentId)
      if (!shared) return null
      return {
        hiddenFrom: await loadHiddenAccountIds(ctx.db, authorOf(shared)),
        textFor: (reader) =>
          toText({ kind: 'comment', videoId: update.videoId, comment: commentFor(shared, reader) }),
      }
    }
  }
}

const NOBODY: ReadonlySet<string> = new Set()

const toText = (update: Update) => JSON.stringify(update)

function same(update: Update): Payload {
  const text = toText(update)
  return { hiddenFrom: NOBODY, textFor: () => text }
}

/** Messages with the same key are about the same thing: only the last one matters. */
export function keyOf({ topic, update }: LiveMessage): string {
  switch (update.kind) {
    case 'receipt':
      return `${topic} receipt ${update.uploadId}`
    case 'comment':
      return `${topic} comment ${update.commentId}`
    case 'counts':
    case 'notification':
      return `${topic} ${update.kind}`
  }
}

/**
 * Runs `work` for one message of a key at a time; of those that come meanwhile, only the last is worked on next, so that
 * a burst costs two runs instead of hundreds.
 */
export function createLatestOnly(work: (message: LiveMessage) => Promise<void>) {
  const waiting = new Map<string, LiveMessage | null>()
  return async (message: LiveMessage): Promise<void> => {
    const key = keyOf(message)
    if (waiting.has(key)) return void waiting.set(key, message)
    for (let next: LiveMessage | null = message; next; next = waiting.get(key) ?? null) {
      waiting.set(key, null)
      await work(next)
    }
    waiting.delete(key)
  }
}
