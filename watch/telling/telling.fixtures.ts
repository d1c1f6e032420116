/** Receivers as they stand in the world: a mail server, webhooks that take, refuse or hang; and people who subscribed. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { readText, serveLocally } from '../../tests/support/local-server.ts'
import { confirmOutage, openIncident } from '../incidents/index.ts'
import { createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import { confirmSubscription, subscribe, type SubscribeInput } from './subscriptions.ts'
import type { Telling } from './telling.ts'
import { registerTelling } from './telling.routes.ts'

/** Lines joined again as quoted-printable says (RFC 2045, 6.7). */
const decode = (mail: string) =>
  mail
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** What the mail server says instead of yes: a reply's code and text. */
export interface MailRefusal {
  readonly code: number
  readonly text: string
}

export interface MailServerRules {
  /** Whoever signs in has to know it. */
  password?: string
  sender?: MailRefusal | undefined
  receiver?: (address: string) => MailRefusal | undefined
  message?: MailRefusal | undefined
}

const refuse = ({ code, text }: MailRefusal): Error => Object.assign(new Error(text), { responseCode: code })

/** Its rules can be changed while it runs. */
export async function startMailServer(rules: MailServerRules = {}) {
  const mails: string[] = []
  /** Receivers that were asked for, in order, refused ones among them. */
  const asked: string[] = []
  let signIns = 0
  const server = new SMTPServer({
    authOptional: rules.password === undefined,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth(auth, _session, done) {
      signIns += 1
      if (auth.password === rules.password) done(null, { user: auth.username })
      else done(refuse({ code: 535, text: '5.7.8 Authentication credentials invalid' }))
    },
    onMailFrom: (_address, _session, done) => done(rules.sender ? refuse(rules.sender) : null),
    onRcptTo({ address }, _session, done) {
      asked.push(address)
      const refusal = rules.receiver?.(address)
      done(refusal ? refuse(refusal) : null)
    },
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (rules.message) return done(refuse(rules.message))
        mails.push(decode(Buffer.concat(chunks).toString()))
        done()
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    mails,
    asked,
    rules,
    signIns: () => signIns,
    url: `smtp://127.0.0.1:${port}`,
    urlFor: (user: string, password: string) => `smtp://${user}:${password}@127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

export interface Delivery {
  readonly headers: IncomingMessage['headers']
  readonly path: string
  readonly body: string
}

/** A webhook that answers with what it is told to. */
export async function startReceiver(answer: (delivery: Delivery) => number = () => 200) {
  const deliveries: Delivery[] = []
  const local = await serveLocally(async (request, response) => {
    const delivery = { headers: request.headers, path: request.url ?? '', body: await readText(request) }
    deliveries.push(delivery)
    response.writeHead(answer(delivery)).end()
  })
  return { ...local, deliveries, url: `${local.url}/hook` }
}

/** A webhook that takes the connection and never answers. */
export async function startSilentReceiver() {
  let begun = 0
  let ended = 0
  const local = await serveLocally((request) => {
    begun += 1
    request.once('close', () => ended++)
  })
  return { ...local, url: `${local.url}/hook`, begun: () => begun, ended: () => ended }
}

/** A watch that sends mail, and webhooks into this machine. */
export const worldWith = (
  smtpUrl?: string,
  options: { readonly posts?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<WatchWorld> =>
  createWatchWorld({
    entries: { upbeat: `${ENTRY}${options.posts ?? ''}` },
    env: {
      WATCH_ALLOW_PRIVATE_HOOKS: 'yes',
      WATCH_PUBLIC_URL: 'https://watch.example',
      WATCH_MAIL_FROM: 'watch@watch.example',
      ...(smtpUrl && { WATCH_SMTP_URL: smtpUrl }),
      ...options.env,
    },
  })

export const serve = (world: WatchWorld, telling: Telling) =>
  world.serve((app, ctx) => registerTelling(app, ctx, telling))

/** Answers the incident's id; one update is told. */
export async function openUploadIncident(world: WatchWorld): Promise<string> {
  const { id } = await openIncident(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Upload does not work in Europe',
    body: 'We are <looking>.',
    featureIds: ['upload'],
    regions: ['eu'],
    impact: 'major',
  })
  await confirmOutage(world.ctx, { actor: RESPONDER, incidentId: id })
  return id
}

export const AT_ONCE = { digestAt: null, quiet: null, timeZone: 'Etc/UTC' } as const

/** A subscription that its owner has confirmed. */
export async function subscribed(
  world: WatchWorld,
  input: Partial<SubscribeInput> & Pick<SubscribeInput, 'channel' | 'address'>,
) {
  const subscription = await subscribe(world.ctx, {
    serviceId: 'upbeat',
    features: [],
    regions: [],
    rhythm: AT_ONCE,
    ...input,
  })
  await confirmSubscription(world.ctx, subscription.id, subscription.secret)
  return subscription
}

/** A confirmed webhook under a name of its own: subscriptions are served in the order of their ids. */
export const addHook = (id: string, address: string) => ({
  sql: `insert into subscription (id, service_id, channel, address, features, regions, rhythm, secret, created_at_ms, confirmed_at_ms)
    values (:id, 'upbeat', 'webhook', :address, '[]', '[]', :rhythm, 'x', 0, 0)`,
  params: { id, address, rhythm: JSON.stringify(AT_ONCE) },
})

/** A form as a browser sends it. */
export const post = (url: string, form: Record<string, string>) =>
  fetch(url, { method: 'POST', headers: { accept: 'text/html' }, body: new URLSearchParams(form) })

/** How many messages are in which state. */
export const messageStates = (world: WatchWorld): Record<string, number> =>
  Object.fromEntries(
    world.ctx.store
      .all<{ state: string; count: number }>('select state, count(*) as count from message group by state')
      .map(({ state, count }) => [state, count]),
  )
