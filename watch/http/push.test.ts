import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Sample } from '../../engines/detect/types.ts'
import { listAudit } from '../incidents/index.ts'
import { createWatchWorld, ENTRY } from '../pages/world.fixtures.ts'
import type { Probes, TakenResult } from '../signals/probes/index.ts'
import { createWatchApp } from './http.ts'
import { pushRoutes } from './push.routes.ts'
import { signMessage, type SigningKey } from './signature.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const secretOf = (id: string) => `the secret of ${id}`
const hmac = (id: string): SigningKey => ({ algorithm: 'hmac-sha256', secret: secretOf(id) })
const RIGHTS = ['traffic', 'markers', 'probes', 'alerts'] as const

const keys = RIGHTS.map(
  (right) =>
    `  - { id: only-${right}, algorithm: hmac-sha256, secret: ${secretOf(`only-${right}`)}, may: [${right}] }`,
)
const entry = `${ENTRY}monitors:
  - { id: page, type: http, features: [feed], url: https://upbeat.example/ }
  - { id: tokyo, type: tcp, features: [feed], host: upbeat.example, port: 443, vantages: [tokyo] }
  - { id: way, type: journey, journey: upbeat-feed, features: [feed], url: https://upbeat.example/, account: { handle: watcher, password: for-the-watch-alone } }
keys:
${keys.join('\n')}
  - { id: walker, algorithm: hmac-sha256, secret: ${secretOf('walker')}, may: [probes, journeys] }
  - id: modern
    algorithm: ed25519
    publicKey: ${JSON.stringify(publicKey.export({ type: 'spki', format: 'pem' }))}
    may: [markers]
`

async function openWorld() {
  const world = await createWatchWorld({ entries: { upbeat: entry } })
  const samples: Sample[] = []
  const results: TakenResult[] = []
  const app = createWatchApp(world.ctx)
  // Of the probes only what agents saw is handed on here.
  const probes = { take: (result: TakenResult) => void results.push(result) } as Probes
  await pushRoutes({ observe: (sample) => samples.push(sample), probes })(app, world.ctx)

  function message(
    path: string,
    body: unknown,
    keyId: string,
    options: { key?: SigningKey; offsetMs?: number } = {},
  ) {
    const bytes = Buffer.from(JSON.stringify(body))
    const nowMs = world.ctx.clock.now().getTime() + (options.offsetMs ?? 0)
    const headers = signMessage(
      keyId,
      options.key ?? hmac(keyId),
      { method: 'POST', path, body: bytes },
      { nowMs, nonce: randomBytes(18).toString('base64url') },
    )
    return {
      method: 'POST' as const,
      url: path,
      payload: bytes,
      headers: { 'content-type': 'application/json', ...headers },
    }
  }
  return {
    world,
    samples,
    results,
    message,
    send: async (request: ReturnType<typeof message>) => {
      const answer = await app.inject(request)
      return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() }
    },
    sendNothing: async (path: string) => (await app.inject({ method: 'POST', url: path })).statusCode,
    now: () => world.ctx.clock.now().toISOString(),
    async [Symbol.asyncDispose]() {
      await app.close()
      await world[Symbol.asyncDispose]()
    },
  }
}

const MARKERS = '/api/v1/services/upbeat/markers'
const TRAFFIC = '/api/v1/services/upbeat/traffic'
const WORK = '/api/v1/agents/work'
const RESULTS = '/api/v1/agents/results'

test('a marker is kept, told to the detector, and stands in the audit log', async () => {
  await using open = await openWorld()
  const marker = { at: open.now(), what: 'release', features: ['feed'], note: 'v12' }
  expect(await open.send(open.message(MARKERS, marker, 'only-markers'))).toMatchObject({ status: 201 })
  expect(open.samples).toMatchObject([{ kind: 'marker', what: 'release', featureIds: ['feed'] }])
  expect(listAudit(open.world.ctx, {})[0]).toMatchObject({ actor: 'key:only-markers', action: 'push-marker' })
})

test('Ed25519 signs as well', async () => {
  await using open = await openWorld()
  const marker = { at: open.now(), what: 'configuration' }
  const key: SigningKey = { algorithm: 'ed25519', privateKey }
  expect(await open.send(open.message(MARKERS, marker, 'modern', { key }))).toMatchObject({ status: 201 })
  const other: SigningKey = { algorithm: 'ed25519', privateKey: generateKeyPairSync('ed25519').privateKey }
  expect(await open.send(open.message(MARKERS, marker, 'modern', { key: other }))).toMatchObject({
    body: { code: 'signature-wrong' },
  })
})

// Who may push what: the table of docs/operating/watch.md, row by row.
test.each(
  RIGHTS.flatMap((right) =>
    [
      [MARKERS, 'markers'],
      [TRAFFIC, 'traffic'],
      [WORK, 'probes'],
      [RESULTS, 'probes'],
    ].map(([path, needed]) => ({ right, path: path!, isAllowed: right === needed })),
  ),
)('a key that may push $right alone, at $path: $isAllowed', async ({ right, path, isAllowed }) => {
  await using open = await openWorld()
  const body =
    path === MARKERS
      ? { at: open.now(), what: 'release' }
      : path === TRAFFIC
        ? { at: open.now(), intervalS: 10, rows: [] }
        : { region: null, results: [] }
  const { status, body: answer } = await open.send(open.message(path, body, `only-${right}`))
  if (isAllowed) expect(status).toBeLessThan(300)
  else expect([status, answer['code']]).toEqual([403, 'not-allowed'])
})

test('a message that comes twice is taken once, also when both come at the same time', async () => {
  await using open = await openWorld()
  const message = open.message(MARKERS, { at: open.now(), what: 'release' }, 'only-markers')
  const answers = await Promise.all([open.send(message), open.send(message)])
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409])
  expect(await open.send(message)).toMatchObject({ body: { code: 'message-replayed' } })
  expect(open.samples).toHaveLength(1)
})

test('what was changed on the way, is unsigned, unknown, too old or from the future is refused', async () => {
  await using open = await openWorld()
  const marker = { at: open.now(), what: 'release' }
  const good = () => open.message(MARKERS, marker, 'only-markers')
  const codeOf = async (message: ReturnType<typeof good>) => (await open.send(message)).body['code']

  expect(
    await codeOf({ ...good(), payload: Buffer.from(JSON.stringify({ ...marker, what: 'policy-close' })) }),
  ).toBe('signature-wrong')
  expect(await codeOf({ ...good(), url: TRAFFIC })).toBe('signature-wrong')
  expect(await codeOf({ ...good(), headers: { 'content-type': 'application/json' } as never })).toBe(
    'signature-wrong',
  )
  expect(await codeOf(open.message(MARKERS, marker, 'nobody'))).toBe('signature-wrong')
  expect(await codeOf(open.message(MARKERS, marker, 'only-markers', { offsetMs: -6 * 60_000 }))).toBe(
    'message-stale',
  )
  expect(await codeOf(open.message(MARKERS, marker, 'only-markers', { offsetMs: 6 * 60_000 }))).toBe(
    'message-stale',
  )
  expect(open.samples).toEqual([])
})

test('traffic of features that do not exist is named, and the rest is taken', async () => {
  await using open = await openWorld()
  const rows = [
    { feature: 'feed', region: 'eu', requests: 100, errors: null },
    { feature: 'mars', region: 'eu', requests: 1 },
  ]
  const answer = await open.send(
    open.message(TRAFFIC, { at: open.now(), intervalS: 10, rows }, 'only-traffic'),
  )
  expect(answer).toMatchObject({ status: 202, body: { taken: 1, unknown: ['mars'] } })
  expect(open.samples).toMatchObject([{ kind: 'traffic', featureId: 'feed', requests: 100, errors: null }])
})

test('a push that does not fit is told what each field takes', async () => {
  await using open = await openWorld()
  const traffic = { intervalS: 0, rows: [{ feature: 'feed', requests: '5' }] }
  const marker = { at: 'now', what: 'party' }

  expect(await open.send(open.message(TRAFFIC, traffic, 'only-traffic'))).toMatchObject({
    status: 400,
    body: {
      code: 'invalid-input',
      fields: {
        at: 'is missing; it takes a time such as 2026-01-31T08:00:00Z',
        intervalS: 'takes more than 0',
        'rows.0.region': 'is missing; it takes text',
        'rows.0.requests': 'takes a number, not text',
      },
    },
  })
  expect(await open.send(open.message(MARKERS, marker, 'only-markers'))).toMatchObject({
    body: {
      detail:
        'at: takes a time such as 2026-01-31T08:00:00Z · what: takes one of release, configuration, maintenance-start, maintenance-end, policy-close, policy-open',
    },
  })
})

test('an agent is given checks but no journeys, and speaks for its own place only', async () => {
  await using open = await openWorld()
  const { body } = await open.send(open.message(WORK, {}, 'only-probes'))
  expect(body).toMatchObject({ services: [{ id: 'upbeat', monitors: [{ id: 'page' }] }] })
  const result = {
    serviceId: 'upbeat',
    monitorId: 'page',
    atMs: open.world.ctx.clock.now().getTime(),
    outcome: 'failed',
    failure: 'timeout',
    detail: '',
    durationMs: 5,
  }
  const results = [result, { ...result, monitorId: 'unknown' }, { ...result, atMs: 0 }]
  expect(await open.send(open.message(RESULTS, { region: 'eu', results }, 'only-probes'))).toMatchObject({
    body: { taken: 1 },
  })
  expect(open.results).toMatchObject([
    { vantageId: 'only-probes', region: 'eu', result: { failure: 'timeout' } },
  ])
})

test('an agent says nothing of checks that are not its own', async () => {
  await using open = await openWorld()
  const result = { serviceId: 'upbeat', outcome: 'failed', failure: 'timeout', detail: '', durationMs: 1 }
  const atMs = open.world.ctx.clock.now().getTime()
  const results = ['page', 'tokyo', 'way'].map((monitorId) => ({ ...result, monitorId, atMs }))
  const answer = await open.send(open.message(RESULTS, { region: null, results }, 'only-probes'))
  expect(answer).toMatchObject({ status: 202, body: { taken: 1 } })
  expect(open.results.map(({ monitor }) => monitor.id)).toEqual(['page'])
})

test('journeys are for agents that have the right to them, and the watch’s own account stays with it', async () => {
  await using open = await openWorld()
  const { body } = await open.send(open.message(WORK, {}, 'walker'))
  expect(body).toMatchObject({ services: [{ monitors: [{ id: 'page' }, { id: 'way', account: null }] }] })
  expect(JSON.stringify(body)).not.toContain('for-the-watch-alone')
  const atMs = open.world.ctx.clock.now().getTime()
  const result = { serviceId: 'upbeat', monitorId: 'way', atMs, outcome: 'ok', failure: null, detail: '' }
  const results = [{ ...result, durationMs: 1 }]
  expect(await open.send(open.message(RESULTS, { region: null, results }, 'walker'))).toMatchObject({
    body: { taken: 1 },
  })
  expect(open.results).toMatchObject([{ vantageId: 'walker', monitor: { id: 'way' } }])
})

test.each([MARKERS, TRAFFIC, WORK, RESULTS])(
  'a request without body or signature at %s is refused',
  async (path) => {
    await using open = await openWorld()
    expect(await open.sendNothing(path)).toBe(401)
  },
)
