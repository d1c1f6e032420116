/** Sends what is queued. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createTransport, type Transporter } from 'nodemailer'
import type { Ctx } from '../../app/context.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import { writeMail } from './outbox.ts'

export interface Mail {
  /** The same mail sent twice after a crash is one mail to who reads it. */
  readonly id: string
  /** Null: a decoy, which nobody gets. It takes as long to queue as a real one. */
  readonly to: string | null
  readonly subject: string
  readonly text: string
}

export const mailQueue: Queue<Mail> = { name: 'mail', retryLimit: 8, retryDelayS: 10, expireS: 120 }

const TIMEOUT_MS = 10_000
const CONNECTIONS = 4

/** Whether mail reaches anybody. */
export const canMail = (ctx: Pick<Ctx, 'config'>): boolean => ctx.config.mail.smtpUrl !== null

/** Works the queue until the context closes; disposal closes the connections. */
export async function startMailJobs(ctx: Ctx): Promise<Disposable> {
  const { smtpUrl } = ctx.config.mail
  const mailer = smtpUrl === null ? null : openMailer(smtpUrl)
  await ctx.jobs.work(mailQueue, { concurrency: CONNECTIONS }, async ({ data }) => {
    if (data.to !== null) await deliver(ctx, mailer, { ...data, to: data.to })
  })
  return { [Symbol.dispose]: () => mailer?.close() }
}

async function deliver(ctx: Ctx, mailer: Transporter | null, mail: Mail & { to: string }): Promise<void> {
  const from = ctx.config.mail.from ?? `noreply@${hostOf(ctx)}`
  const message = {
    from: { name: ctx.config.instanceName, address: from },
    to: mail.to,
    subject: mail.subject,
    text: mail.text,
    messageId: `<${mail.id}@${from.replace(/^.*@/, '')}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
  if (mailer) return void (await mailer.sendMail(message))
  await writeMail(join(ctx.config.paths.outbox, `${mail.id}.eml`), message)
}

const hostOf = ({ config }: Ctx): string =>
  config.publicUrl === null ? hostname() : new URL(config.publicUrl).hostname

function openMailer(url: string): Transporter {
  const { protocol, hostname: host, port, username, password } = new URL(url)
  return createTransport({
    host,
    port: port ? Number(port) : protocol === 'smtps:' ? 465 : 587,
    secure: protocol === 'smtps:',
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  })
}
