/** The plain way: one mail, or one webhook, after the other, and nothing of it kept. */
import { createTransport } from 'nodemailer'

export interface LoopTask {
  readonly smtpPort: number
  readonly mails: number
  readonly hookUrls: readonly string[]
  readonly text: string
}

export interface LoopDone {
  readonly durationMs: number
}

process.on('message', (task: LoopTask) => void run(task))
process.on('disconnect', () => process.exit(0))
process.send!('ready')

async function run({ smtpPort, mails, hookUrls, text }: LoopTask): Promise<void> {
  const mailer = createTransport({ host: '127.0.0.1', port: smtpPort, pool: true, maxConnections: 1 })
  const startedMs = performance.now()
  for (let i = 0; i < mails; i++)
    await mailer.sendMail({ from: 'watch@watch.example', to: `p${i}@example.org`, subject: 'Outage', text })
  for (const url of hookUrls)
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text })
  const durationMs = performance.now() - startedMs
  mailer.close()
  process.send!({ durationMs } satisfies LoopDone)
}
