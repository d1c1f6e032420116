/** Sends one subscription what is due for it, by its channel. */
import { createHmac } from 'node:crypto'
import { createTransport, type Transporter } from 'nodemailer'
import webPush from 'web-push'
import { GuardedRequestError, sendGuarded } from '../../kit/guarded-request.ts'
import type { WatchCtx } from '../app/context.ts'
import { statusOf } from '../incidents/index.ts'
import { toDiscord, toPush, toSlack, toStatuspageWebhook, toText, urlOf } from './formats.ts'
import type { DueMessage } from './outbox.ts'
import type { Subscription } from './subscriptions.ts'
import type { VapidKeys } from './vapid.ts'

const TIMEOUT_MS = 10_000
const PUSH_TTL_S = 6 * 3600
const SMTP_CONNECTIONS = 8
const SMTP_MESSAGES_PER_CONNECTION = 200

/** `gone`: the receiver wants nothing more, so the subscription ends. `impossible`: it will never work as it is. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly error: string; readonly afterS?: number }
  | { readonly kind: 'gone' | 'impossible'; readonly error: string }

export interface Senders extends Disposable {
  /** Never throws. Mail goes out several at a time in one message; other channels take one. */
  send(subscription: Subscription, messages: readonly DueMessage[]): Promise<SendOutcome>
}

/** Opens the connections that stay open. */
export function createSenders(ctx: WatchCtx, vapid: VapidKeys): Senders {
  const { smtpUrl } = ctx.config.telling
  const mailer = smtpUrl === null ? null : openMailer(smtpUrl)
  const sendBy = (subscription: Subscription, messages: readonly DueMessage[]): Promise<SendOutcome> => {
    if (subscription.channel === 'email') return sendMail(ctx, mailer, subscription, messages)
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
    [Symbol.dispose]: () => mailer?.close(),
  }
}

const openMailer = (url: string): Transporter => {
  const { protocol, hostname, port, username, password } = new URL(url)
  return createTransport({
    host: hostname,
    port: port ? Number(port) : protocol === 'smtps:' ? 465 : 587,
    secure: protocol === 'smtps:',
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    pool: true,
    maxConnections: SMTP_CONNECTIONS,
    maxMessages: SMTP_MESSAGES_PER_CONNECTION,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  })
}

/** The address by which people reach the watch, for links in messages. */
export const originOfMessages = (ctx: WatchCtx): string =>
  ctx.config.publicUrl ?? `http://localhost:${ctx.config.port}`

/** The page that ends a subscription. */
export const unsubscribeUrl = (ctx: WatchCtx, { id, secret }: Subscription): string =>
  `${originOfMessages(ctx)}/unsubscribe/${id}/${secret}`
export const confirmUrl = (ctx: WatchCtx, { id, secret }: Subscription): string =>
  `${originOfMessages(ctx)}/confirm/${id}/${secret}`

async function sendMail(
  ctx: WatchCtx,
  mailer: Transporter | null,
  subscription: Subscription,
  messages: readonly DueMessage[],
): Promise<SendOutcome> {
  if (!mailer) return { kind: 'retry', error: 'No mail server is configured (WATCH_SMTP_URL).', afterS: 600 }
  const origin = originOfMessages(ctx)
  const first = messages[0]!.notice
  const isConfirmation = first.kind === 'confirm'
  const leave = unsubscribeUrl(ctx, subscription)
  const text = isConfirmation
    ? `${first.body}\n\n${confirmUrl(ctx, subscription)}\n\nIf this was not you, do nothing: nothing more will come.`
    : `${messages.map(({ notice }) => toText(notice, origin)).join('\n\n– – –\n\n')}\n\nTo hear no more of this: ${leave}`
  const domain = ctx.config.telling.mailFrom.replace(/^.*@/, '').replace(/>.*$/, '')
  try {
    await mailer.sendMail({
      from: { name: ctx.config.name, address: ctx.config.telling.mailFrom },
      to: subscription.address,
      subject:
        messages.length === 1
          ? `${first.serviceName}: ${first.title}${isConfirmation ? '' : ` (${first.state.toLowerCase()})`}`
          : `${first.serviceName}: ${messages.length} updates`,
      text,
      // The same message sent again after a crash is the same message to the receiver.
      messageId: `<${messages[0]!.id}@${domain}>`,
      ...(first.subjectId && { references: [`<${first.subjectId}@${domain}>`] }),
      headers: {
        'Auto-Submitted': 'auto-generated',
        // RFC 8058: one tap in the mail program.
        'List-Unsubscribe': `<${leave}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
    })
    return { kind: 'sent' }
  } catch (error) {
    const { responseCode, message } = error as Error & { responseCode?: number }
    // 5xx of the receiver is final (RFC 5321, 4.2.1).
    const isFinal = responseCode !== undefined && responseCode >= 500
    return { kind: isFinal ? 'impossible' : 'retry', error: message }
  }
}

async function sendHook(
  ctx: WatchCtx,
  subscription: Subscription,
  message: DueMessage,
): Promise<SendOutcome> {
  const origin = originOfMessages(ctx)
  const { notice } = message
  const payload =
    subscription.channel === 'slack'
      ? toSlack(notice, origin)
      : subscription.channel === 'discord'
        ? toDiscord(notice, origin)
        : toStatuspageWebhook(ctx, {
            notice,
            view: statusOf(ctx, notice.serviceId),
            origin,
            unsubscribeUrl: unsubscribeUrl(ctx, subscription),
          })
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

async function sendPush(
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
        urgency: notice.kind === 'incident' ? 'high' : 'normal',
        vapidDetails: { subject: vapidSubject(ctx, urlOf(notice, origin)), ...vapid },
      },
    )
  } catch (error) {
    // Its keys are none: nothing can be encrypted for them, ever.
    return { kind: 'gone', error: (error as Error).message }
  }
  return post(ctx, details.endpoint, details.body ?? '', details.headers as Record<string, string>)
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
      return { kind: 'retry', error, ...(afterS > 0 && { afterS: Math.min(afterS, 3600) }) }
    return { kind: 'impossible', error }
  } catch (error) {
    if (error instanceof GuardedRequestError && error.kind === 'private')
      return { kind: 'impossible', error: 'The address lies in a private network.' }
    return { kind: 'retry', error: (error as Error).message }
  }
}
