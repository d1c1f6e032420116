import { expect, test } from 'vitest'
import { readText, serveLocally } from '../../../tests/support/local-server.ts'
import { openIncident, postUpdate } from '../../incidents/index.ts'
import { createWatchWorld, RESPONDER, type WatchWorld } from '../../pages/world.fixtures.ts'
import { createAlertsOut } from './alerts-out.ts'

interface Delivery {
  readonly url: string
  readonly authorization: string | undefined
  readonly alerts: Record<string, unknown>[]
}

async function startAlertmanager(answer: () => number = () => 200) {
  const deliveries: Delivery[] = []
  const local = await serveLocally(async (request, response) => {
    const alerts = JSON.parse(await readText(request)) as Delivery['alerts']
    deliveries.push({ url: request.url!, authorization: request.headers.authorization, alerts })
    response.writeHead(answer()).end()
  })
  return { ...local, deliveries, host: `127.0.0.1:${local.port}` }
}

const worldTelling = (...urls: string[]) =>
  createWatchWorld({
    env: { WATCH_ALERTMANAGERS: urls.join(','), WATCH_PUBLIC_URL: 'https://watch.example' },
  })

const open = (world: WatchWorld) =>
  openIncident(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Upload does not work in Europe',
    body: 'We are looking into it.',
    featureIds: ['upload'],
    regions: ['eu'],
    impact: 'major',
  })

test('an open incident is an alert that is repeated each minute, with a place to read on', async () => {
  await using manager = await startAlertmanager()
  await using world = await worldTelling(`http://ada:p%40ss@${manager.host}/am/`)
  using out = createAlertsOut(world.ctx)
  expect(await out.round()).toBe(0)
  const { id, startedAtMs } = await open(world)

  expect(await out.round()).toBe(1)
  expect(await out.round()).toBe(0)
  world.clock.advance(59_999)
  expect(await out.round()).toBe(0)
  world.clock.advance(1)
  expect(await out.round()).toBe(1)

  expect(manager.deliveries).toHaveLength(2)
  const { url, authorization, alerts } = manager.deliveries[0]!
  expect([url, authorization]).toEqual(['/am/api/v2/alerts', `Basic ${btoa('ada:p@ss')}`])
  expect(alerts).toEqual([
    {
      labels: {
        alertname: 'UpbeatOutage',
        service: 'upbeat',
        incident: id,
        watch: 'watch',
        severity: 'critical',
      },
      annotations: {
        summary: 'Upbeat: Upload does not work in Europe',
        description: 'We are looking into it.',
        features: 'upload',
        regions: 'eu',
      },
      startsAt: new Date(startedAtMs).toISOString(),
      endsAt: new Date(startedAtMs + 240_000).toISOString(),
      generatorURL: `https://watch.example/s/upbeat/incidents/${id}`,
    },
  ])
  expect(manager.deliveries[1]!.alerts[0]!['labels']).toEqual(alerts[0]!['labels'])
})

test('the end is told at once, again for a quarter of an hour, and then no more', async () => {
  await using manager = await startAlertmanager()
  await using world = await worldTelling(`http://${manager.host}`)
  using out = createAlertsOut(world.ctx)
  const { id: incidentId } = await open(world)
  await out.round()
  world.clock.advance(1_000)
  await postUpdate(world.ctx, { actor: RESPONDER, incidentId, state: 'resolved', body: 'It is over.' })
  const endsAt = world.clock.now().toISOString()

  expect(await out.round()).toBe(1)
  expect(manager.deliveries.at(-1)!.alerts).toMatchObject([
    { endsAt, annotations: { description: 'It is over.' } },
  ])
  world.clock.advance(15 * 60_000)
  expect(await out.round()).toBe(1)
  world.clock.advance(60_000)
  expect(await out.round()).toBe(0)
})

test('an Alertmanager that fails is asked again after a while, and holds up none beside it', async () => {
  let status = 503
  await using failing = await startAlertmanager(() => status)
  await using healthy = await startAlertmanager()
  await using world = await worldTelling(`http://${failing.host}`, `http://${healthy.host}`)
  using out = createAlertsOut(world.ctx)
  await open(world)

  expect(await out.round()).toBe(1)
  status = 200
  expect(await out.round()).toBe(0)
  world.clock.advance(15_000)
  expect(await out.round()).toBe(1)
  expect([failing.deliveries.length, healthy.deliveries.length]).toEqual([2, 1])
})
