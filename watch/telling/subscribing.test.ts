/** Subscribing: twice asked, once told why not, and nothing that a stranger could make of it. */
import { createECDH, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { postUpdate } from '../incidents/index.ts'
import { createWatchWorld, RESPONDER } from '../pages/world.fixtures.ts'
import { sweep } from '../store/retention.ts'
import { subscribe } from './subscriptions.ts'
import { startTelling } from './telling.ts'
import {
  openUploadIncident,
  post,
  serve,
  startMailServer,
  startReceiver,
  subscribed,
  worldWith,
} from './telling.fixtures.ts'

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
