/** Where messages go: a mail server, hosts of webhooks, and hosts that take the connection and never answer. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface ReceiversReady {
  readonly smtpPort: number
  readonly hookPorts: readonly number[]
  readonly silentPorts: readonly number[]
}

export interface Received {
  readonly mails: number
  readonly hooks: number
  /** When the last of all came, in milliseconds since 1970; null: none yet. */
  readonly lastAtMs: number | null
}

const [hosts, silentHosts] = process.argv.slice(2).map(Number) as [number, number]
let mails = 0
let hooks = 0
let lastAtMs: number | null = null

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  logger: false,
  onData(stream, _session, done) {
    stream.resume()
    stream.on('end', () => {
      mails += 1
      lastAtMs = Date.now()
      done()
    })
  },
})
smtp.on('error', () => {})
smtp.listen(0, '127.0.0.1')
await once(smtp.server, 'listening')

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const hookPorts: number[] = []
for (let i = 0; i < hosts; i++)
  hookPorts.push(
    await listen((request, response) => {
      request.resume()
      request.on('end', () => {
        hooks += 1
        lastAtMs = Date.now()
        response.writeHead(204).end()
      })
    }),
  )
const silentPorts: number[] = []
for (let i = 0; i < silentHosts; i++) silentPorts.push(await listen((request) => void request.resume()))

process.on('message', () => process.send!({ mails, hooks, lastAtMs } satisfies Received))
process.on('disconnect', () => process.exit(0))
const { port: smtpPort } = smtp.server.address() as AddressInfo
process.send!({ smtpPort, hookPorts, silentPorts } satisfies ReceiversReady)
