/** Webhooks and web push: one POST a message, to an address that somebody else chose. */
import { createHmac } from 'node:crypto'
import webPush from 'web-push'
import { GuardedRequestError, sendGuarded } from '../../kit/network/guarded-request.ts'
import type { WatchCtx } from '../app/context.ts'
import { statusOf } from '../incidents/index.ts'
import { toDiscord, toPageWebhook, toPush, toSlack, toStatuspageWebhook } from './formats.ts'
import { originOfMessages, unsubscribeUrl, urlOf } from './message-links.ts'
import type { DueMessage } from './outbox.ts'
import type { SendOutcome } from './senders.ts'
import type { Subscription } from './subscriptions.ts'
import type { VapidKeys } from './vapid.ts'

const TIMEOUT_MS = 10_000
const PUSH_TTL_S = 6 * 3600
const LONGEST_WISH_S = 3600
const SIGNATURE_REFUSED: ReadonlySet<number> = new Set([401, 403])

/** Sends a webhook in the shape of its channel, signed. */
export async function sendHook(
  ctx: WatchCtx,
  subscription: Subscription,
  message: DueMessage,
): Promise<SendOutcome> {
  const payload = payloadOf(ctx, subscription, message)
  if (payload === null) return { kind: 'impossible', error: 'The service is not watched any more.' }
  const body = JSON.stringify(payload)
  const seconds = Math.floor(ctx.clock.now().getTime() / 1000)
  const signature = createHmac('sha256', subscription.secret).update(`${seconds}.${body}`).digest('hex')
  return post(ctx, subscription.address, body, {
    'content-type': 'application/json',
    'user-agent': 'Upbeat-Watch/1',
    'upbeat-message-id': message.id,
    'upbeat-signature': `t=${seconds},v1=${signature}`,
  })
}

/** Null for what can not be said of a service that the catalogue has no more. */
function payloadOf(ctx: WatchCtx, subscription: Subscription, { notice }: DueMessage): unknown {
  const origin = originOfMessages(ctx)
  if (subscription.channel === 'slack') return toSlack(notice, origin)
  if (subscription.channel === 'discord') return toDiscord(notice, origin)
  if (notice.kind === 'page') return toPageWebhook(notice, origin)
  if (!ctx.catalog.find(notice.serviceId)) return null
  return toStatuspageWebhook(ctx, {
    notice,
    view: statusOf(ctx, notice.serviceId),
    origin,
    unsubscribeUrl: unsubscribeUrl(ctx, subscription),
  })
}

/** Sends a web push, encrypted for its browser (RFC 8291). */
export async function sendPush(
  ctx: WatchCtx,
  vapid: VapidKeys,
  subscription: Subscription,
  { notice }: DueMessage,
): Promise<SendOutcome> {
  const origin = originOfMessages(ctx)
  let details: webPush.RequestDetails
  try {
    details = webPush.generateRequestDetails(
      JSON.parse(subscription.address) as webPush.PushSubscription,
      JSON.stringify(toPush(notice, origin)),
      {
        TTL: PUSH_TTL_S,
        urgency: notice.kind === 'incident' || notice.kind === 'page' ? 'high' : 'normal',
        vapidDetails: { subject: vapidSubject(ctx, urlOf(notice, origin)), ...vapid },
      },
    )
  } catch (error) {
    // Its keys are none: nothing can be encrypted for them, ever.
    return { kind: 'gone', error: (error as Error).message }
  }
  const outcome = await post(
    ctx,
    details.endpoint,
    details.body ?? '',
    details.headers as Record<string, string>,
  )
  // RFC 8292, 4.2: our signature was refused. That says nothing against the message, which is tried for a day.
  const isSignatureRefused =
    outcome.kind === 'impossible' && outcome.status !== undefined && SIGNATURE_REFUSED.has(outcome.status)
  return isSignatureRefused ? { kind: 'retry', error: outcome.error } : outcome
}

/** RFC 8292, 2.1: a `mailto:` or `https:` contact; push services refuse localhost. */
const vapidSubject = (ctx: WatchCtx, url: string): string =>
  url.startsWith('https:') ? new URL(url).origin : `mailto:${ctx.config.telling.mailFrom}`

async function post(
  ctx: WatchCtx,
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<SendOutcome> {
  try {
    const { status, headers: answer } = await sendGuarded({
      url,
      method: 'POST',
      body,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: 4096,
      allowPrivate: ctx.config.telling.allowPrivate,
    })
    if (status >= 200 && status < 300) return { kind: 'sent' }
    const error = `The receiver answered ${status}.`
    if (status === 404 || status === 410) return { kind: 'gone', error }
    const afterS = Number(answer['retry-after'])
    if (status === 429 || status >= 500 || status === 408)
      return { kind: 'retry', error, ...(afterS > 0 && { afterS: Math.min(afterS, LONGEST_WISH_S) }) }
    return { kind: 'impossible', error, status }
  } catch (error) {
    if (error instanceof GuardedRequestError && error.kind === 'private')
      return { kind: 'impossible', error: 'The address lies in a private network.' }
    return { kind: 'retry', error: (error as Error).message }
  }
}
