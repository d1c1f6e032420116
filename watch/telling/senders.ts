/** Sends one subscription what is due for it, by its channel. */
import type { WatchCtx } from '../app/context.ts'
import { createMailSender } from './send-mail.ts'
import { sendHook, sendPush } from './send-web.ts'
import type { DueMessage } from './outbox.ts'
import type { Subscription } from './subscriptions.ts'
import type { VapidKeys } from './vapid.ts'

export type SendOutcome =
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'retry'
      readonly error: string
      readonly afterS?: number
      /** It may be meant for all that we send: what the operator has to do when several receivers in a row meet it. */
      readonly remedyIfMany?: string
    }
  /** The receiver wants nothing more, so the subscription ends. */
  | { readonly kind: 'gone'; readonly error: string }
  /** This message will never be taken; others may be. */
  | { readonly kind: 'impossible'; readonly error: string; readonly status?: number }
  /** Our own means fail, for all receivers alike: the message is kept as if it had not been tried. */
  | { readonly kind: 'ours'; readonly error: string; readonly remedy: string }

export interface Senders extends Disposable {
  /** Never throws. Mail goes out several at a time in one message; other channels take one. */
  send(subscription: Subscription, messages: readonly DueMessage[]): Promise<SendOutcome>
}

/** Opens the connections that stay open. */
export function createSenders(ctx: WatchCtx, vapid: VapidKeys): Senders {
  const mail = createMailSender(ctx)
  const sendBy = (subscription: Subscription, messages: readonly DueMessage[]): Promise<SendOutcome> => {
    if (subscription.channel === 'email') return mail.send(subscription, messages)
    if (subscription.channel === 'push') return sendPush(ctx, vapid, subscription, messages[0]!)
    return sendHook(ctx, subscription, messages[0]!)
  }
  return {
    async send(subscription, messages) {
      try {
        return await sendBy(subscription, messages)
      } catch (error) {
        // One subscription that can't be served must not cost the others their messages.
        ctx.log.warn({ err: error, channel: subscription.channel }, 'telling.not-sendable')
        return { kind: 'retry', error: (error as Error).message }
      }
    },
    [Symbol.dispose]: () => mail[Symbol.dispose](),
  }
}
