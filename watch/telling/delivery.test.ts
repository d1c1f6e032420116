/** Messages on their way: once each, in order, again after a failure, and past receivers that hang. */
import { expect, test } from 'vitest'
import { WatchError } from '../app/errors.ts'
import { postUpdate } from '../incidents/index.ts'
import { RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import type { Store } from '../store/index.ts'
import { startTelling } from './telling.ts'
import {
  addHook,
  messageStates,
  openUploadIncident,
  startMailServer,
  startReceiver,
  startSilentReceiver,
  subscribed,
  worldWith,
} from './telling.fixtures.ts'

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

const say = (world: WatchWorld, incidentId: string, body: string) =>
  postUpdate(world.ctx, { actor: RESPONDER, incidentId, state: 'identified', body })

test('what a webhook refuses for good costs it that message, and the next ones go out at once', async () => {
  let count = 0
  await using receiver = await startReceiver(() => (++count % 2 === 1 ? 422 : 200))
  await using world = await worldWith()
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  const id = await openUploadIncident(world)
  for (let i = 1; i < 10; i++) {
    world.clock.advance(1_000)
    await say(world, id, `Word ${i}.`)
  }
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(receiver.deliveries).toHaveLength(10)
  expect(messageStates(world)).toEqual({ 'given-up': 5, sent: 5 })
})

test('a webhook that fails gets its messages later and in order, not one after the other to fail as well', async () => {
  let status = 503
  await using receiver = await startReceiver(() => status)
  await using world = await worldWith()
  await subscribed(world, { channel: 'slack', address: receiver.url })
  const id = await openUploadIncident(world)
  world.clock.advance(1_000)
  await say(world, id, 'A disk is full.')
  await using telling = await startTelling(world.ctx)
  await telling.round()
  await telling.round()
  expect(receiver.deliveries).toHaveLength(1)
  status = 200
  world.clock.advance(10_000)
  await telling.round()
  const told = receiver.deliveries.slice(1).map(({ body }) => body)
  expect(told[0]).toContain('We are')
  expect(told[1]).toContain('A disk is full.')
})

test('hosts that hang keep no other host waiting, not even for one time-out', async () => {
  await using other = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await using hostile = new AsyncDisposableStack()
  // More connections than are made at the same time, each to a host of its own that never answers.
  const silent = await Promise.all(
    Array.from({ length: 8 }, async () => hostile.use(await startSilentReceiver())),
  )
  const hooks = silent.flatMap(({ url }, host) =>
    Array.from({ length: 40 }, (_, i) => addHook(`!${host}-${i}`, `${url}?${i}`)),
  )
  await world.ctx.store.write([...hooks, addHook('z', other.url)])
  await openUploadIncident(world)
  const round = telling.round()
  await expect.poll(() => other.deliveries.length).toBe(1)
  expect(silent.reduce((sum, one) => sum + one.ended(), 0)).toBe(0)
  await hostile.disposeAsync()
  await round
})

test('while the disk refuses to keep that a message was sent, it is not sent again', async () => {
  await using receiver = await startReceiver()
  await using world = await worldWith()
  await subscribed(world, { channel: 'webhook', address: receiver.url })
  await openUploadIncident(world)
  let refusals = 0
  const store: Store = {
    ...world.ctx.store,
    write(statements) {
      const isOutcome = statements.some(({ sql }) => sql.includes("state = 'sent'"))
      if (!isOutcome || refusals >= 2) return world.ctx.store.write(statements)
      refusals += 1
      return Promise.reject(new WatchError('storage-unavailable', { detail: 'The disk is full.' }))
    },
  }
  await using telling = await startTelling({ ...world.ctx, store })
  await telling.round()
  expect(refusals).toBe(2)
  expect(messageStates(world)).toEqual({ sent: 1 })
  expect(receiver.deliveries).toHaveLength(1)
})

test('more hosts that hang than there are places delay nobody whose host took a message before', async () => {
  await using other = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await world.ctx.store.write([addHook('z', other.url)])
  const id = await openUploadIncident(world)
  await telling.round()
  expect(other.deliveries).toHaveLength(1)
  await using hostile = new AsyncDisposableStack()
  const silent = await Promise.all(
    Array.from({ length: 40 }, async () => hostile.use(await startSilentReceiver())),
  )
  await world.ctx.store.write(
    silent.flatMap(({ url }, host) =>
      Array.from({ length: 5 }, (_, i) => addHook(`!${host}-${i}`, `${url}?${i}`)),
    ),
  )
  world.clock.advance(1_000)
  await say(world, id, 'A disk is full.')
  const round = telling.round()
  await expect.poll(() => other.deliveries.length).toBe(2)
  expect(silent.reduce((sum, one) => sum + one.ended(), 0)).toBe(0)
  await hostile.disposeAsync()
  await round
})

test('news that comes up while a host hangs is not kept waiting either', async () => {
  await using hostile = await startSilentReceiver()
  await using other = await startReceiver()
  await using world = await worldWith()
  await using telling = await startTelling(world.ctx)
  await world.ctx.store.write([addHook('a', hostile.url)])
  const id = await openUploadIncident(world)
  await expect.poll(() => hostile.begun()).toBe(1)
  await world.ctx.store.write([addHook('b', other.url)])
  world.clock.advance(1_000)
  await say(world, id, 'A disk is full.')
  await expect.poll(() => other.deliveries.length).toBe(1)
  expect(hostile.ended()).toBe(0)
  await hostile[Symbol.asyncDispose]()
  await telling.round()
})
