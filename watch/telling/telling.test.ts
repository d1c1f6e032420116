/** Telling over real SMTP and HTTP: what a subscriber gets, and what a stranger can't do. */
import { createECDH, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { expect, test } from 'vitest'
import { confirmOutage, openIncident, postUpdate, scheduleMaintenance } from '../incidents/index.ts'
import { createWatchWorld, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import { sweep } from '../store/retention.ts'
import { startTelling, type Telling } from './telling.ts'
import { registerTelling } from './telling.routes.ts'
import { confirmSubscription, subscribe, type SubscribeInput } from './subscriptions.ts'

/** Lines joined again as quoted-printable says (RFC 2045, 6.7). */
const decode = (mail: string) =>
  mail
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

async function startMailServer() {
  const mails: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, _session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push(decode(Buffer.concat(chunks).toString()))
        done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    mails,
    url: `smtp://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

interface Delivery {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function startReceiver(answer: () => number = () => 200) {
  const deliveries: Delivery[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    deliveries.push({ headers: request.headers, body })
    response.writeHead(answer()).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    deliveries,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const worldWith = (smtpUrl?: string): Promise<WatchWorld> =>
  createWatchWorld({
    env: {
      WATCH_ALLOW_PRIVATE_HOOKS: 'yes',
      WATCH_PUBLIC_URL: 'https://watch.example',
      WATCH_MAIL_FROM: 'watch@watch.example',
      ...(smtpUrl && { WATCH_SMTP_URL: smtpUrl }),
    },
  })

const serve = (world: WatchWorld, telling: Telling) =>
  world.serve((app, ctx) => registerTelling(app, ctx, telling))

async function openUploadIncident(world: WatchWorld): Promise<string> {
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

async function subscribed(
  world: WatchWorld,
  input: Partial<SubscribeInput> & Pick<SubscribeInput, 'channel' | 'address'>,
) {
  const subscription = await subscribe(world.ctx, {
    serviceId: 'upbeat',
    features: [],
    regions: [],
    rhythm: { digestAt: null, quiet: null, timeZone: 'Etc/UTC' },
    ...input,
  })
  await confirmSubscription(world.ctx, subscription.id, subscription.secret)
  return subscription
}

const post = (url: string, form: Record<string, string>) =>
  fetch(url, { method: 'POST', headers: { accept: 'text/html' }, body: new URLSearchParams(form) })

test('by mail: asked once, confirmed by a button, told, and ended by one tap', async () => {
  await using smtp = await startMailServer()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)

  await post(`${url}/s/upbeat/subscribe`, { channel: 'email', address: 'Ann@Example.org' })
  await post(`${url}/s/upbeat/subscribe`, { channel: 'email', address: 'ann@example.org' })
  await expect.poll(() => smtp.mails.length).toBe(1)
  const path = /https:\/\/watch\.example(\/confirm\/\S+)/.exec(smtp.mails[0]!)![1]!

  await openUploadIncident(world)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)

  expect(await (await fetch(url + path)).text()).toContain('Is it you?')
  expect((await post(url + path, {})).status).toBe(200)
  world.clock.advance(60_000)
  const [incident] = world.ctx.store.all<{ id: string }>('select id from incident')
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: incident!.id,
    state: 'recovering',
    body: 'It comes back.',
  })
  await expect.poll(() => smtp.mails.length).toBe(2)
  expect(smtp.mails[1]).toMatch(/Subject: .*Upload does not work in Europe.*recovering/)
  expect(smtp.mails[1]).toContain('It comes back.')
  const leave = /List-Unsubscribe:\s+<https:\/\/watch\.example(\S+)>/.exec(smtp.mails[1]!)![1]!
  expect((await post(url + leave, { 'List-Unsubscribe': 'One-Click' })).status).toBe(200)
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('a stranger learns nothing of who is subscribed, and changes nothing', async () => {
  await using smtp = await startMailServer()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  await subscribed(world, { channel: 'email', address: 'ann@example.org' })

  const form = { channel: 'email', address: 'ann@example.org', features: 'feed' }
  const known = await (await post(`${url}/s/upbeat/subscribe`, form)).text()
  const unknown = await (
    await post(`${url}/s/upbeat/subscribe`, { ...form, address: 'bob@example.org' })
  ).text()
  expect(known).toBe(unknown)
  const row = world.ctx.store.get<{ features: string }>(
    "select features from subscription where address like 'ann%'",
  )
  expect(row!.features).toBe('[]')
})

test('each update is told once, whatever happens between', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  {
    await using telling = await startTelling(world.ctx)
    await openUploadIncident(world)
    await telling.round()
    await telling.round()
  }
  const count = receiver.deliveries.length
  expect(count).toBeGreaterThan(0)
  await using again = await startTelling(world.ctx)
  await again.round()
  await again.round()
  expect(receiver.deliveries).toHaveLength(count)
})

test('what came up while nobody was telling is told after the restart', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(receiver.deliveries.length).toBeGreaterThan(0)
})

test('a webhook has Statuspage’s shape, and its signature fits its body', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  const { secret } = await subscribed(world, { channel: 'webhook', address: receiver.url })
  const id = await openUploadIncident(world)
  await telling.round()

  const { headers, body } = receiver.deliveries[0]!
  expect(JSON.parse(body)).toMatchObject({
    meta: { unsubscribe: expect.stringContaining('https://watch.example/unsubscribe/') },
    page: { id: expect.stringMatching(/^[a-z0-9]{12}$/), status_indicator: 'none' },
    incident: { id, name: 'Upload does not work in Europe', incident_updates: [{ incident_id: id }] },
  })
  const [, t, v1] = /^t=(\d+),v1=(\w+)$/.exec(String(headers['upbeat-signature']))!
  expect(createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')).toBe(v1)
})

test('Slack and Discord get their own shapes, and nobody is pinged', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await subscribed(world, { channel: 'slack', address: `${receiver.url}/slack` })
  await subscribed(world, { channel: 'discord', address: `${receiver.url}/discord` })
  await openUploadIncident(world)
  await telling.round()
  const bodies = receiver.deliveries.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
  expect(bodies.find(({ text }) => text)!['text']).toContain('We are &lt;looking&gt;.')
  expect(bodies.find(({ content }) => content)!['allowed_mentions']).toEqual({ parse: [] })
})

test('only what was chosen is told', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await subscribed(world, { channel: 'webhook', address: `${receiver.url}/feed`, features: ['feed'] })
  await subscribed(world, { channel: 'webhook', address: `${receiver.url}/na`, regions: ['na'] })
  await openUploadIncident(world)
  await telling.round()
  expect(receiver.deliveries).toEqual([])
  await scheduleMaintenance(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'New disks',
    body: 'All of it.',
    featureIds: [],
    regions: [],
    scheduledForMs: world.clock.now().getTime() + 3_600_000,
    scheduledUntilMs: world.clock.now().getTime() + 7_200_000,
  })
  await telling.round()
  expect(receiver.deliveries).toHaveLength(2)
})

test('a receiver that fails is tried again with growing pauses; one that is gone is left alone', async () => {
  let status = 503
  await using receiver = await startReceiver(() => status)
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  await openUploadIncident(world)
  await telling.round()
  await telling.round()
  const first = receiver.deliveries.length
  expect(first).toBe(1)
  world.clock.advance(10_000)
  await telling.round()
  await telling.round()
  expect(receiver.deliveries).toHaveLength(first + 1)
  status = 410
  world.clock.advance(20_000)
  await telling.round()
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('a webhook that does not take the greeting is not kept', async () => {
  await using receiver = await startReceiver(() => 500)
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  const response = await post(`${url}/s/upbeat/subscribe`, { channel: 'webhook', address: receiver.url })
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('did not take the greeting')
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('webhooks lead into no private network', async () => {
  await using receiver = await startReceiver()
  await using world = await createWatchWorld()
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  const response = await post(`${url}/s/upbeat/subscribe`, { channel: 'webhook', address: receiver.url })
  expect(await response.text()).toContain('lies in a private network')
  expect(receiver.deliveries).toEqual([])
})

test('one network may subscribe ten times an hour', async () => {
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  const statuses: number[] = []
  for (let i = 0; i < 11; i++)
    statuses.push((await post(`${url}/s/upbeat/subscribe`, { channel: 'none', address: 'x' })).status)
  expect(statuses.slice(0, 10).every((status) => status === 400)).toBe(true)
  expect(statuses[10]).toBe(429)
})

test('messages that waited through the night come as one mail', async () => {
  await using smtp = await startMailServer()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  const rhythm = { digestAt: null, quiet: { from: 0, until: 420 }, timeZone: 'Etc/UTC' }
  await subscribed(world, { channel: 'email', address: 'ann@example.org', rhythm })
  const id = await openUploadIncident(world)
  await telling.round()
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'resolved',
    body: 'It works again.',
  })
  await telling.round()
  expect(smtp.mails).toEqual([])
  world.clock.advance(3 * 3_600_000)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)
  expect(smtp.mails[0]).toMatch(/Subject: .*updates/)
  expect(smtp.mails[0]).toContain('It works again.')
})

const makePushSubscription = (endpoint: string) => {
  const ecdh = createECDH('prime256v1')
  return {
    endpoint,
    keys: {
      p256dh: ecdh.generateKeys().toString('base64url'),
      auth: randomBytes(16).toString('base64url'),
    },
  }
}

const postPush = (url: string, body: unknown) =>
  fetch(`${url}/api/v1/services/upbeat/push-subscriptions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('a push subscription whose keys are none ends, and costs nobody else a message', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  for (let i = 0; i < 70; i++) {
    const good = makePushSubscription(`https://push-${i}.example/x`)
    // A point that lies on no curve, and one that is too short.
    const p256dh = i % 2 === 0 ? Buffer.alloc(65, 4).toString('base64url') : 'AAAA'
    await subscribed(world, {
      channel: 'push',
      address: JSON.stringify({ ...good, keys: { ...good.keys, p256dh } }),
    })
  }
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  await openUploadIncident(world)
  await telling.round()
  expect(receiver.deliveries).toHaveLength(1)
  expect(world.ctx.store.all("select 1 from subscription where channel = 'push'")).toEqual([])
})

test('keys that are too short are refused before anything is kept', async () => {
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  const answer = await postPush(url, {
    endpoint: 'https://push.example/1',
    keys: { p256dh: 'AAAA', auth: 'AAAA' },
  })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('keys.p256dh')
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('a push address that takes no greeting is not kept', async () => {
  await using world = await createWatchWorld()
  await using telling = await startTelling(world.ctx)
  const url = await serve(world, telling)
  const answer = await postPush(url, makePushSubscription('https://127.0.0.1:9/push'))
  expect(answer.status).toBe(400)
  expect(await answer.text()).toContain('did not take the greeting')
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('an address that nobody confirms is forgotten after two days', async () => {
  await using world = await worldWith()
  const rhythm = { digestAt: null, quiet: null, timeZone: 'Etc/UTC' }
  const base = { serviceId: 'upbeat', channel: 'email' as const, features: [], regions: [], rhythm }
  await subscribe(world.ctx, { ...base, address: 'stranger@example.org' })
  await subscribed(world, { channel: 'email', address: 'ann@example.org' })
  const addresses = () =>
    world.ctx.store.all<{ address: string }>('select address from subscription').map(({ address }) => address)
  world.clock.advance(2 * 86_400_000)
  await sweep(world.ctx)
  expect(addresses()).toHaveLength(2)
  world.clock.advance(1)
  await sweep(world.ctx)
  expect(addresses()).toEqual(['ann@example.org'])
})

/** Subscriptions are served in the order of their ids. */
const addHook = (id: string, address: string) => ({
  sql: `insert into subscription (id, service_id, channel, address, features, regions, rhythm, secret, created_at_ms, confirmed_at_ms)
    values (:id, 'upbeat', 'webhook', :address, '[]', '[]', :rhythm, 'x', 0, 0)`,
  params: { id, address, rhythm: JSON.stringify({ digestAt: null, quiet: null, timeZone: 'Etc/UTC' }) },
})

test('receivers that hang keep no mail waiting', async () => {
  await using smtp = await startMailServer()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  // One host is asked fifty times at most: two keep everyone busy who sends.
  await using first = await startSilentReceiver()
  await using second = await startSilentReceiver()
  const hooks = Array.from({ length: 50 }, (_, i) =>
    [first, second].map(({ url }, j) => addHook(`!${i}-${j}`, `${url}?${i}`)),
  )
  await world.ctx.store.write(hooks.flat())
  await subscribed(world, { channel: 'email', address: 'ann@example.org' })
  await openUploadIncident(world)
  const round = telling.round()
  await expect.poll(() => smtp.mails.length).toBe(1)
  // None of them was given up for it.
  expect(first.ended() + second.ended()).toBe(0)
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
  await round
})

test('thousands at one host are told at its pace, and keep nobody at another host waiting', async () => {
  await using crowded = await startReceiver()
  await using other = await startReceiver()
  await using world = await worldWith()
  await openUploadIncident(world)
  const many = Array.from({ length: 2_100 }, (_, i) => addHook(`a${i}`, `${crowded.url}?${i}`))
  await world.ctx.store.write([...many, addHook('z', other.url)])
  await using telling = await startTelling(world.ctx)
  await telling.round()
  await telling.round()
  expect(crowded.deliveries).toHaveLength(50)
  expect(other.deliveries).toHaveLength(1)
  world.clock.advance(1_000)
  await telling.round()
  expect(crowded.deliveries).toHaveLength(100)
})

async function startSilentReceiver() {
  let ended = 0
  const server = createServer((request) => request.once('close', () => ended++))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}
