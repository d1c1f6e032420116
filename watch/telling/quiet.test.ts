/** Digests and quiet hours, from the outage to the mail. */
import { expect, test } from 'vitest'
import { postUpdate } from '../incidents/index.ts'
import { RESPONDER } from '../pages/world.fixtures.ts'
import { startTelling } from './telling.ts'
import {
  messageStates,
  openUploadIncident,
  startMailServer,
  startReceiver,
  subscribed,
  worldWith,
} from './telling.fixtures.ts'

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

const HOUR_MS = 3_600_000

test('a digest gathers a day, comes at its minute in the time zone of its reader, and once', async () => {
  await using smtp = await startMailServer()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  // The world begins at 04:00 UTC, which is 05:00 in Berlin.
  const rhythm = { digestAt: 7 * 60 + 30, quiet: null, timeZone: 'Europe/Berlin' }
  await subscribed(world, { channel: 'email', address: 'ann@example.org', rhythm })
  const id = await openUploadIncident(world)
  await telling.round()
  world.clock.advance(2 * HOUR_MS)
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'identified',
    body: 'A disk is full.',
  })
  await telling.round()
  world.clock.advance(HOUR_MS / 2 - 1)
  await telling.round()
  expect(smtp.mails).toEqual([])
  world.clock.advance(1)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)
  expect(smtp.mails[0]).toContain('We are <looking>.')
  expect(smtp.mails[0]).toContain('A disk is full.')

  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'resolved',
    body: 'It works again.',
  })
  await telling.round()
  world.clock.advance(24 * HOUR_MS - 1)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)
  world.clock.advance(1)
  await telling.round()
  expect(smtp.mails).toHaveLength(2)
  expect(messageStates(world)).toEqual({ sent: 3 })
})

test('quiet hours end for mail at their minute, do not begin before theirs, and programs have none', async () => {
  await using smtp = await startMailServer()
  await using receiver = await startReceiver()
  await using world = await worldWith(smtp.url)
  await using telling = await startTelling(world.ctx)
  // From 05:00 to 06:00 in Berlin: the world begins within, at the first minute.
  const rhythm = { digestAt: null, quiet: { from: 5 * 60, until: 6 * 60 }, timeZone: 'Europe/Berlin' }
  await subscribed(world, { channel: 'email', address: 'ann@example.org', rhythm })
  await subscribed(world, { channel: 'webhook', address: receiver.url, rhythm })
  const id = await openUploadIncident(world)
  await telling.round()
  expect(receiver.deliveries).toHaveLength(1)
  world.clock.advance(HOUR_MS - 1)
  await telling.round()
  expect(smtp.mails).toEqual([])
  world.clock.advance(1)
  await telling.round()
  expect(smtp.mails).toHaveLength(1)
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'resolved',
    body: 'It works again.',
  })
  await telling.round()
  expect(smtp.mails).toHaveLength(2)
})
