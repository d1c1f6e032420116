/** What the mail server refuses to ourselves: no message is lost by it, and the operator hears of it. */
import { expect, test } from 'vitest'
import { registerApi } from '../api/api.routes.ts'
import { createViewCache } from '../pages/view-cache.ts'
import { createWatchWorld, type WatchWorld } from '../pages/world.fixtures.ts'
import { startTelling } from './telling.ts'
import {
  messageStates,
  openUploadIncident,
  startMailServer,
  subscribed,
  worldWith,
} from './telling.fixtures.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS

const subscribeMany = async (world: WatchWorld, count: number) => {
  for (let i = 0; i < count; i++) await subscribed(world, { channel: 'email', address: `p${i}@example.org` })
}

test('a wrong password loses no mail, however long it takes to correct it, and is said to the operator', async () => {
  await using smtp = await startMailServer({ password: 'right' })
  await using world = await worldWith(smtp.urlFor('watch', 'wrong'))
  await subscribeMany(world, 40)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(messageStates(world)).toEqual({ waiting: 40 })
  expect(world.ctx.troubles.list()).toMatchObject([
    { id: 'email', what: expect.stringContaining('535'), remedy: expect.stringContaining('WATCH_SMTP_URL') },
  ])
  const url = await world.serve((app, ctx) => registerApi(app, ctx, createViewCache(ctx)))
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('upbeat_watch_trouble{trouble="email"} 1')
  expect(metrics).toMatch(/upbeat_watch_messages_overdue\{channel="email"\} \d\d/)

  for (let i = 0; i < 50; i++) {
    world.clock.advance(30 * MINUTE_MS)
    await telling.round()
  }
  expect(messageStates(world)).toEqual({ waiting: 40 })
  smtp.rules.password = 'wrong'
  world.clock.advance(10 * MINUTE_MS)
  await telling.round()
  // The one that tried in vain last stands behind the others.
  world.clock.advance(1)
  await telling.round()
  expect(messageStates(world)).toEqual({ sent: 40 })
  expect(smtp.mails).toHaveLength(40)
  expect(world.ctx.troubles.list()).toEqual([])
})

test('while the server refuses us it is asked ever more rarely, by one mail at a time', async () => {
  await using smtp = await startMailServer({ password: 'right' })
  await using world = await worldWith(smtp.urlFor('watch', 'wrong'))
  await subscribeMany(world, 40)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  const first = smtp.signIns()
  await telling.round()
  expect(smtp.signIns()).toBe(first)
  for (const restMs of [10_000, 20_000, 40_000]) {
    world.clock.advance(restMs - 1)
    await telling.round()
    const before = smtp.signIns()
    world.clock.advance(1)
    await telling.round()
    expect(smtp.signIns()).toBe(before + 1)
  }
})

test('a receiver that is refused for good costs nobody else a mail', async () => {
  await using smtp = await startMailServer({
    receiver: (address) =>
      address === 'p0@example.org' ? { code: 550, text: '5.1.1 No such mailbox' } : undefined,
  })
  await using world = await worldWith(smtp.url)
  await subscribeMany(world, 3)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(messageStates(world)).toEqual({ 'given-up': 1, sent: 2 })
  expect(world.ctx.troubles.list()).toEqual([])
})

test('a sender that the server does not let us be is ours, not the receivers’', async () => {
  await using smtp = await startMailServer({ sender: { code: 550, text: '5.7.1 Sender not allowed' } })
  await using world = await worldWith(smtp.url)
  await subscribeMany(world, 2)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(messageStates(world)).toEqual({ waiting: 2 })
  expect(world.ctx.troubles.list()[0]?.remedy).toContain('WATCH_MAIL_FROM')
})

test('relaying that is refused to everybody is kept and said; refused to one, it holds up nobody', async () => {
  const refusal = { code: 554, text: '5.7.1 <someone@example.org>: Relay access denied' }
  await using smtp = await startMailServer({ receiver: () => refusal })
  await using world = await worldWith(smtp.url)
  await subscribeMany(world, 30)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(world.ctx.troubles.list()).toMatchObject([
    { id: 'email', what: expect.stringContaining('Relay access') },
  ])
  expect(world.ctx.troubles.list()[0]!.what).not.toContain('example.org')
  for (let i = 0; i < 50; i++) {
    world.clock.advance(30 * MINUTE_MS)
    await telling.round()
  }
  expect(messageStates(world)).toEqual({ waiting: 30 })
  smtp.rules.receiver = (address) => (address === 'p7@example.org' ? refusal : undefined)
  for (let i = 0; i < 3; i++) {
    world.clock.advance(DAY_MS)
    await telling.round()
  }
  expect(smtp.mails).toHaveLength(29)
  expect(world.ctx.troubles.list()).toEqual([])
})

test('mails whose links lead nowhere go out, and the operator hears of it', async () => {
  await using smtp = await startMailServer()
  await using world = await createWatchWorld({ env: { WATCH_SMTP_URL: smtp.url } })
  await subscribeMany(world, 1)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)
  expect(world.ctx.troubles.list()).toMatchObject([{ id: 'public-url' }])
})

test('a mail server that can not be reached costs no mail', async () => {
  const smtp = await startMailServer()
  await smtp[Symbol.asyncDispose]()
  await using world = await worldWith(smtp.url)
  await subscribeMany(world, 2)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  world.clock.advance(2 * DAY_MS)
  await telling.round()
  expect(messageStates(world)).toEqual({ waiting: 2 })
  expect(world.ctx.troubles.list()[0]?.remedy).toContain('can be reached')
})

test('subscribers by mail of a watch that has no mail server any more are kept, and it says which setting', async () => {
  await using world = await worldWith()
  await subscribeMany(world, 2)
  await openUploadIncident(world)
  await using telling = await startTelling(world.ctx)
  world.clock.advance(2 * DAY_MS)
  await telling.round()
  expect(messageStates(world)).toEqual({ waiting: 2 })
  expect(world.ctx.troubles.list()[0]?.remedy).toContain('Set WATCH_SMTP_URL')
})
