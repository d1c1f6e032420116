/** What a message looks like in each channel, and whom it concerns. */
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { scheduleMaintenance } from '../incidents/index.ts'
import { RESPONDER } from '../pages/world.fixtures.ts'
import { startTelling } from './telling.ts'
import { openUploadIncident, startReceiver, subscribed, worldWith } from './telling.fixtures.ts'

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
