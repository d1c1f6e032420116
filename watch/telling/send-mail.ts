/** Mail over SMTP: one for all that is due for a subscription, over connections that stay open. */
import { createTransport, type Transporter } from 'nodemailer'
import type { WatchCtx } from '../app/context.ts'
import { toText } from './formats.ts'
import { confirmUrl, missAddress, originOfMessages, unsubscribeUrl } from './message-links.ts'
import type { DueMessage } from './outbox.ts'
import type { SendOutcome } from './senders.ts'
import { judgeSmtpError, type SmtpError } from './smtp-refusal.ts'
import type { Subscription } from './subscriptions.ts'

const TIMEOUT_MS = 10_000
/** Several round trips a mail: at 20 ms each, this many send 10,000 in less than a minute. */
export const SMTP_CONNECTIONS = 20
const MESSAGES_PER_CONNECTION = 200
/** The outbox tries again; two layers that do would multiply. Its types do not know the option. */
const NO_REQUEUES: object = { maxRequeues: 0 }

export interface MailSender extends Disposable {
  send(subscription: Subscription, messages: readonly DueMessage[]): Promise<SendOutcome>
}

/** Opens nothing before the first mail. */
export function createMailSender(ctx: WatchCtx): MailSender {
  const { smtpUrl } = ctx.config.telling
  const mailer = smtpUrl === null ? null : openMailer(smtpUrl)
  return {
    async send(subscription, messages) {
      if (!mailer)
        return {
          kind: 'ours',
          error: 'No mail server is configured, and people are subscribed by e-mail.',
          remedy: 'Set WATCH_SMTP_URL to the address of a mail server.',
        }
      if (ctx.config.publicUrl === null) missAddress(ctx)
      try {
        await mailer.sendMail(composeMail(ctx, subscription, messages))
        return { kind: 'sent' }
      } catch (error) {
        return judgeSmtpError(error as SmtpError)
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
    maxMessages: MESSAGES_PER_CONNECTION,
    ...NO_REQUEUES,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  })
}

function composeMail(ctx: WatchCtx, subscription: Subscription, messages: readonly DueMessage[]) {
  const first = messages[0]!.notice
  const domain = ctx.config.telling.mailFrom.replace(/^.*@/, '').replace(/>.*$/, '')
  return {
    from: { name: ctx.config.name, address: ctx.config.telling.mailFrom },
    to: subscription.address,
    subject:
      messages.length === 1
        ? `${first.serviceName}: ${first.title}${first.kind === 'confirm' ? '' : ` (${first.state.toLowerCase()})`}`
        : `${first.serviceName}: ${messages.length} updates`,
    text: textOf(ctx, subscription, messages),
    // The same message sent again after a crash is the same message to the receiver.
    messageId: `<${messages[0]!.id}@${domain}>`,
    ...(first.subjectId && { references: [`<${first.subjectId}@${domain}>`] }),
    headers: {
      'Auto-Submitted': 'auto-generated',
      // RFC 8058: one tap in the mail program. Who is on call is so by the service's file, not by a subscription.
      ...(first.kind !== 'page' && {
        'List-Unsubscribe': `<${unsubscribeUrl(ctx, subscription)}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
  }
}

function textOf(ctx: WatchCtx, subscription: Subscription, messages: readonly DueMessage[]): string {
  const first = messages[0]!.notice
  if (first.kind === 'confirm')
    return `${first.body}\n\n${confirmUrl(ctx, subscription)}\n\nIf this was not you, do nothing: nothing more will come.`
  const origin = originOfMessages(ctx)
  const told = messages.map(({ notice }) => toText(notice, origin)).join('\n\n– – –\n\n')
  return first.kind === 'page'
    ? told
    : `${told}\n\nTo hear no more of this: ${unsubscribeUrl(ctx, subscription)}`
}
