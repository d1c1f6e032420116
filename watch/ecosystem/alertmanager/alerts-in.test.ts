import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createDetector } from '../../../engines/detect/index.ts'
import type { WordSample } from '../../../engines/detect/types.ts'
import { createWatchApp } from '../../http/http.ts'
import { signMessage } from '../../http/signature.ts'
import { listAudit } from '../../incidents/index.ts'
import { toServiceModel } from '../../incidents/service-model.ts'
import { createWatchWorld, ENTRY } from '../../pages/world.fixtures.ts'
import { alertRoutes } from './alerts.routes.ts'
import { ALERTS_MAX } from './webhook.ts'

const SECRET = 'secret-of-alertmanager'
const entry = `${ENTRY}keys:
  - { id: am, algorithm: hmac-sha256, secret: ${SECRET}, may: [alerts] }
  - { id: deploy, algorithm: hmac-sha256, secret: secret-of-the-deploys, may: [markers] }
`
const URL_PATH = '/api/v1/services/upbeat/alerts'

const alert = (labels: Record<string, string>, status = 'firing', fields: object = {}) => ({
  status,
  labels: { alertname: 'HighErrorRate', ...labels },
  annotations: { summary: 'Too many errors' },
  startsAt: '2026-05-01T12:00:00.000Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus.example/graph',
  ...fields,
})
const webhook = (...alerts: object[]) => ({
  version: '4',
  groupKey: '{}:{alertname="HighErrorRate"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'watch',
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://alertmanager.example',
  alerts,
})

async function openWorld() {
  const world = await createWatchWorld({ entries: { upbeat: entry } })
  const samples: WordSample[] = []
  const app = createWatchApp(world.ctx)
  await alertRoutes((sample) => samples.push(sample))(app, world.ctx)
  return {
    world,
    samples,
    async send(body: unknown, headers: Record<string, string> = { authorization: `Bearer ${SECRET}` }) {
      const payload = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await app.inject({
        method: 'POST',
        url: URL_PATH,
        payload,
        headers: { 'content-type': 'application/json', ...headers },
      })
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
    },
    said: () => samples.map(({ featureId, status }) => [featureId, status]),
    async [Symbol.asyncDispose]() {
      await app.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

test('what fires is the service’s word on a feature, the worst that still fires, until all of it is resolved', async () => {
  await using open = await openWorld()
  const slow = { feature: 'feed', severity: 'warning' }
  const down = { feature: 'feed', severity: 'critical' }
  expect(await open.send(webhook(alert(slow), alert(down)))).toMatchObject({
    status: 202,
    body: { firing: 2, resolved: 0, ignored: 0, unknown: [] },
  })
  await open.send(webhook(alert(down, 'resolved')))
  await open.send(webhook(alert(slow, 'resolved')))
  expect(open.said()).toEqual([
    ['feed', 'major'],
    ['feed', 'degraded'],
    ['feed', 'operational'],
  ])
})

test.each([
  ['critical', 'major'],
  ['page', 'major'],
  ['error', 'partial'],
  ['odd', 'partial'],
  ['WARNING', 'degraded'],
])('the severity %s says %s of the service as a whole when no feature is named', async (severity, status) => {
  await using open = await openWorld()
  await open.send(webhook(alert({ severity })))
  expect(open.said()).toEqual([[null, status]])
})

test('what only informs, and our own alerts that come back, count for nothing', async () => {
  await using open = await openWorld()
  const answer = await open.send(
    webhook(
      alert({ alertname: 'Watchdog', severity: 'none' }),
      alert({ severity: 'info' }),
      alert({ alertname: 'UpbeatOutage', severity: 'critical', service: 'upbeat' }),
    ),
  )
  expect(answer).toMatchObject({ status: 202, body: { firing: 0, ignored: 3 } })
  expect(open.samples).toEqual([])
})

test('features that do not exist are named, and the rest is taken', async () => {
  await using open = await openWorld()
  expect(await open.send(webhook(alert({ feature: 'mars' }), alert({ feature: 'video' })))).toMatchObject({
    body: { firing: 1, unknown: ['mars'] },
  })
  expect(open.said()).toEqual([['video', 'partial']])
})

test('an alert that is not repeated counts for half an hour, and a restart forgets none', async () => {
  await using open = await openWorld()
  await open.send(webhook(alert({ feature: 'feed', severity: 'critical' })))
  const again = createWatchApp(open.world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => again.close() }
  await alertRoutes((sample) => open.samples.push(sample))(again, open.world.ctx)
  const tell = () =>
    again.inject({
      method: 'POST',
      url: URL_PATH,
      payload: webhook(alert({ feature: 'feed', severity: 'warning' })),
      headers: { authorization: `Bearer ${SECRET}` },
    })
  open.world.clock.advance(30 * 60_000)
  await tell()
  open.world.clock.advance(1)
  await tell()
  expect(open.said().slice(1)).toEqual([
    ['feed', 'major'],
    ['feed', 'degraded'],
  ])
})

test('alerts alone never make an outage, however many and however bad', async () => {
  await using open = await openWorld()
  const detector = createDetector([toServiceModel(open.world.ctx.catalog.find('upbeat')!)])
  const startMs = open.world.clock.now().getTime()
  for (let minute = 0; minute < 60; minute++) {
    await open.send(
      webhook(alert({ severity: 'critical' }), alert({ severity: 'critical', feature: 'feed' })),
    )
    for (const sample of open.samples.splice(0)) detector.observe(sample)
    for (let s = 0; s < 60; s += 10) detector.advance(startMs + minute * 60_000 + s * 1_000)
    open.world.clock.advance(60_000)
  }
  expect(detector.outages('upbeat')).toEqual([])
})

test('the log tells changes, by whom, and not each repetition', async () => {
  await using open = await openWorld()
  for (let time = 0; time < 3; time++) await open.send(webhook(alert({ feature: 'feed' })))
  await open.send(webhook(alert({ feature: 'feed' }, 'resolved')))
  expect(
    listAudit(open.world.ctx, {}).map(({ actor, action, facts }) => [actor, action, facts['firing']]),
  ).toEqual([
    ['key:am', 'push-alerts', 0],
    ['key:am', 'push-alerts', 1],
  ])
})

test('a signed message is taken as well, once', async () => {
  await using open = await openWorld()
  const body = JSON.stringify(webhook(alert({ feature: 'feed' })))
  const headers = {
    ...signMessage(
      'am',
      { algorithm: 'hmac-sha256', secret: SECRET },
      { method: 'POST', path: URL_PATH, body: Buffer.from(body) },
      { nowMs: open.world.clock.now().getTime(), nonce: randomBytes(18).toString('base64url') },
    ),
  }
  expect(await open.send(body, headers)).toMatchObject({ status: 202 })
  expect(await open.send(body, headers)).toMatchObject({ status: 409, body: { code: 'message-replayed' } })
  expect(open.samples).toHaveLength(1)
})

test.each([
  ['no key at all', {}, 401, 'signature-wrong'],
  ['a wrong token', { authorization: 'Bearer nobody-knows-this-one' }, 401, 'signature-wrong'],
  ['another scheme', { authorization: `Basic ${SECRET}` }, 401, 'signature-wrong'],
  ['a key that may push markers', { authorization: 'Bearer secret-of-the-deploys' }, 403, 'not-allowed'],
])('%s is refused, and nothing is observed', async (_what, headers, status, code) => {
  await using open = await openWorld()
  expect(await open.send(webhook(alert({})), headers as Record<string, string>)).toMatchObject({
    status,
    body: { code },
  })
  expect(open.samples).toEqual([])
})

test('a message without a body is refused for what it lacks', async () => {
  await using open = await openWorld()
  const nothing = { 'content-type': 'application/json', 'content-length': '0' }
  expect(await open.send('', { authorization: `Bearer ${SECRET}`, ...nothing })).toMatchObject({
    status: 400,
  })
  expect(await open.send('', nothing)).toMatchObject({ status: 401 })
})

test('another version, an alert in no state, and more alerts than are read are refused by name', async () => {
  await using open = await openWorld()
  const alerts = Array.from({ length: ALERTS_MAX }, (_, at) =>
    alert({ at: String(at) }, 'firing', { annotations: {}, generatorURL: '' }),
  )
  for (const [body, field] of [
    [{ ...webhook(), version: '3' }, 'version'],
    [webhook(alert({}, 'pending')), 'alerts.0.status'],
    [webhook(...alerts, alert({})), 'alerts'],
  ] as const)
    expect(await open.send(body)).toMatchObject({
      status: 400,
      body: { fields: { [field]: expect.any(String) } },
    })
  expect(await open.send(webhook(...alerts))).toMatchObject({ status: 202, body: { firing: ALERTS_MAX } })
})
