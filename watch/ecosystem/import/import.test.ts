import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { serveLocally } from '../../../tests/support/local-server.ts'
import { parseEntry } from '../../configuration/index.ts'
import { incidentById, listAudit, listIncidents } from '../../incidents/index.ts'
import { createWatchWorld, type WatchWorld } from '../../pages/world.fixtures.ts'
import { noticesOfIncident } from '../../telling/notices.ts'
import { importService, type ImportInput } from './index.ts'

const WISHES = { id: null, name: null, url: null }

async function run(world: WatchWorld, kind: ImportInput['kind'], json: unknown, wishes = {}) {
  const source = join(world.dir, 'source.json')
  await writeFile(source, typeof json === 'string' ? json : JSON.stringify(json))
  const dir = join(world.dir, 'imported')
  const imported = await importService(world.ctx, { kind, source, dir, wishes: { ...WISHES, ...wishes } })
  const text = await readFile(imported.path, 'utf8')
  return {
    ...imported,
    text,
    entry: parseEntry(text, 'imported.yaml', { SECRET: 'of the environment' }).entry!,
  }
}

const kumaHttp = (fields: object) => ({
  id: 1,
  name: 'Shop',
  type: 'http',
  url: 'https://shop.example/',
  method: 'GET',
  interval: 60,
  retryInterval: 30,
  timeout: 48,
  maxredirects: 10,
  accepted_statuscodes: ['200-299'],
  active: true,
  ...fields,
})
const kuma = (...monitors: object[]) => ({ version: '1.23.16', notificationList: [], monitorList: monitors })

const reasonsIn = ({ leftOut }: { leftOut: readonly { what: string; why: string }[] }) =>
  Object.fromEntries(leftOut.map(({ what, why }) => [what, why]))

test('each monitor of Uptime Kuma becomes a feature with its check, and its group stays', async () => {
  await using world = await createWatchWorld()
  const { entry, monitors } = await run(
    world,
    'uptime-kuma',
    kuma(
      { id: 9, name: 'Köln office', type: 'group', active: true },
      kumaHttp({ parent: 9, headers: '{"x-probe":"1"}', accepted_statuscodes: ['200-299', '401'] }),
      kumaHttp({ id: 2, name: 'Words', type: 'keyword', keyword: 'Welcome', ignoreTls: 1 }),
      kumaHttp({ id: 3, name: 'No words', type: 'keyword', keyword: 'Fatal', invertKeyword: true }),
      kumaHttp({
        id: 4,
        name: 'Health',
        type: 'json-query',
        jsonPath: '$.items[0].state',
        expectedValue: 'o.k',
      }),
      { id: 5, name: 'Mail', type: 'port', hostname: '10.0.0.5', port: 25, interval: 20, active: true },
      { id: 6, name: 'Router', type: 'ping', hostname: 'router.lan', interval: 20, active: true },
      {
        id: 7,
        name: 'Name',
        type: 'dns',
        hostname: 'shop.example',
        port: 5353,
        dns_resolve_server: '1.1.1.1, 9.9.9.9',
        dns_resolve_type: 'MX',
        interval: 120,
        active: true,
      },
    ),
    { id: 'office', url: 'https://office.example' },
  )
  expect(monitors).toBe(7)
  expect(entry).toMatchObject({ id: 'office', url: 'https://office.example' })
  expect(entry.features[0]).toMatchObject({ id: 'shop', name: 'Shop', group: 'Köln office' })
  expect(entry.monitors).toMatchObject([
    {
      id: 'shop',
      type: 'http',
      features: ['shop'],
      everyS: 60,
      retryS: 30,
      timeoutS: 48,
      headers: { 'x-probe': '1' },
      expect: { status: expect.arrayContaining([200, 204, 401]) },
    },
    { verifyTls: false, expect: { contains: ['Welcome'] } },
    { expect: { lacks: ['Fatal'] } },
    { expect: { json: [{ path: 'items.0.state', matches: String.raw`^o\.k$` }] } },
    { type: 'tcp', host: '10.0.0.5', port: 25, allowPrivate: true },
    { type: 'icmp', host: 'router.lan', allowPrivate: true },
    { type: 'dns', name: 'shop.example', record: 'MX', resolvers: ['1.1.1.1:5353', '9.9.9.9:5353'] },
  ])
  expect(entry.monitors[0]).toMatchObject({ allowPrivate: false })
})

test('what has no counterpart is named with its reason, in the answer and in the file', async () => {
  await using world = await createWatchWorld()
  const imported = await run(world, 'uptime-kuma', {
    ...kuma(
      kumaHttp({}),
      kumaHttp({ name: 'Resting', active: false }),
      kumaHttp({ name: 'Reversed', upsideDown: 1 }),
      kumaHttp({ name: 'Push', type: 'push' }),
      kumaHttp({ name: 'Put', method: 'PUT' }),
      kumaHttp({ name: 'Signed', authMethod: 'ntlm' }),
      kumaHttp({ name: 'Sums', type: 'json-query', jsonPath: '$sum(items.price)', expectedValue: '3' }),
      kumaHttp({ name: 'Thief', url: 'https://evil.example/${SECRET}' }),
      { type: 'http' },
    ),
    notificationList: [{ name: 'To Slack' }],
    proxyList: [{ host: 'proxy.example' }],
  })
  expect(reasonsIn(imported)).toEqual({
    'monitor "Resting"': expect.stringContaining('paused'),
    'monitor "Reversed"': expect.stringContaining('upside down'),
    'monitor "Push"': expect.stringContaining('push'),
    'monitor "Put"': expect.stringMatching(/^method: /),
    'monitor "Signed"': expect.stringContaining('ntlm'),
    'monitor "Sums"': expect.stringContaining('$sum(items.price)'),
    'monitor "Thief"': expect.stringContaining('variable'),
    'monitor "number 9"': expect.any(String),
    'notification "To Slack"': expect.any(String),
    'proxy "proxy.example"': expect.any(String),
  })
  expect(imported.entry.monitors.map(({ id }) => id)).toEqual(['shop'])
  expect(imported.text).toContain('# Not carried over:')
  expect(imported.text).toContain('monitor "Reversed"')
})

test('a foreign name can not reach into the environment, and monitors of one name stay two', async () => {
  await using world = await createWatchWorld()
  const { entry, text } = await run(
    world,
    'uptime-kuma',
    kuma(kumaHttp({ name: 'A ${SECRET}\nid: evil' }), kumaHttp({ id: 2, name: 'A ${SECRET} id: evil' })),
  )
  expect(JSON.stringify(entry)).not.toContain('of the environment')
  expect(text).not.toContain('${')
  expect(entry.features.map(({ id }) => id)).toEqual(['a-secret-id-evil', 'a-secret-id-evil-2'])
  expect(entry.id).toBe('uptime-kuma')
})

test('a password goes into a file that only its owner reads', async () => {
  await using world = await createWatchWorld()
  const { entry, path } = await run(
    world,
    'uptime-kuma',
    kuma(kumaHttp({ authMethod: 'basic', basic_auth_user: 'ada', basic_auth_pass: 'pw' })),
  )
  expect(entry.monitors).toMatchObject([{ headers: { authorization: `Basic ${btoa('ada:pw')}` } }])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('neither a file nor a service that exists is overwritten, and nothing half-made stays', async () => {
  await using world = await createWatchWorld()
  const first = await run(world, 'uptime-kuma', kuma(kumaHttp({})))
  await expect(run(world, 'uptime-kuma', kuma(kumaHttp({ name: 'Other' })))).rejects.toThrow('exists already')
  await expect(run(world, 'uptime-kuma', kuma(kumaHttp({})), { id: 'upbeat' })).rejects.toThrow(
    'described already',
  )
  expect(await readFile(first.path, 'utf8')).toBe(first.text)
  expect(await readdir(join(world.dir, 'imported'))).toEqual(['uptime-kuma.yaml'])
})

test.each([
  ['no JSON', '{', 'is no JSON'],
  ['another JSON', { components: [] }, 'is no export of Uptime Kuma'],
  ['an empty export', kuma(), 'nothing that can be carried over'],
  ['an id that a file can not have', kuma(kumaHttp({})), "does not fit a service's file"],
])('%s is refused, and no file is written', async (_what, json, message) => {
  await using world = await createWatchWorld()
  await expect(run(world, 'uptime-kuma', json, { id: '../x' })).rejects.toThrow(message)
  expect(await readdir(world.dir)).not.toContain('imported')
})

const PAGE = { id: 'kctbh9vrtdwd', name: 'GitShop', url: 'https://status.shop.example', time_zone: 'Etc/UTC' }
const component = (id: string, name: string, fields: object = {}) => ({
  id,
  name,
  status: 'operational',
  position: 1,
  description: null,
  group: false,
  group_id: null,
  ...fields,
})
const INCIDENT = {
  id: 'p31zjtct2jer',
  name: 'Checkout fails',
  status: 'postmortem',
  impact: 'major',
  created_at: '2026-01-05T10:00:00.000Z',
  started_at: '2026-01-05T09:58:00.000Z',
  monitoring_at: '2026-01-05T10:40:00.000Z',
  resolved_at: '2026-01-05T11:00:00.000Z',
  updated_at: '2026-01-06T11:00:00.000Z',
  components: [{ id: 'cart00000001' }],
  incident_updates: [
    { id: 'u5', status: 'postmortem', body: 'A full disk.', created_at: '2026-01-06T11:00:00.000Z' },
    { id: 'u4', status: 'resolved', body: 'Over.', created_at: '2026-01-05T11:00:00.000Z' },
    { id: 'u3', status: 'monitoring', body: 'Mended.', created_at: '2026-01-05T10:40:00.000Z' },
    { id: 'u2', status: 'identified', body: 'The disk.<br />Truly.', created_at: '2026-01-05T10:20:00.000Z' },
    {
      id: 'u1',
      status: 'investigating',
      body: 'We look.',
      created_at: '2026-01-05T10:00:00.000Z',
      affected_components: [
        { code: 'cart00000001', name: 'Cart', old_status: 'operational', new_status: 'major_outage' },
      ],
    },
  ],
}
const statuspage = (incidents: unknown[] = [INCIDENT]) => ({
  page: PAGE,
  components: [
    component('group0000001', 'Buying', { group: true }),
    component('cart00000001', 'Cart', { group_id: 'group0000001', position: 2 }),
    component('pay000000001', 'Payment', { description: 'Cards.', position: 1 }),
  ],
  incidents,
  scheduled_maintenances: [{ name: 'New disks' }],
})

test('a Statuspage brings its components, its groups, its own word, and its past incidents', async () => {
  await using world = await createWatchWorld()
  const imported = await run(world, 'statuspage', statuspage())

  expect(imported.entry).toMatchObject({
    id: 'gitshop',
    name: 'GitShop',
    features: [
      { id: 'payment', description: 'Cards.', group: null },
      { id: 'cart', group: 'Buying' },
    ],
    word: {
      kind: 'statuspage',
      url: 'https://status.shop.example/api/v2/summary.json',
      features: { Cart: 'cart', Payment: 'payment' },
    },
  })
  expect(reasonsIn(imported)).toEqual({
    'maintenance "New disks"': expect.stringContaining('/operate/maintenances'),
  })
  expect(imported.incidents).toEqual({ added: 1, known: 0 })
  const [incident] = listIncidents(world.ctx, { serviceId: 'gitshop' })
  expect(incident).toMatchObject({
    title: 'Checkout fails',
    state: 'resolved',
    impact: 'major',
    featureIds: ['cart'],
    startedAtMs: Date.parse(INCIDENT.started_at),
    resolvedAtMs: Date.parse(INCIDENT.resolved_at),
    publicExplanation: { body: 'A full disk.' },
    explanationDueAtMs: null,
  })
  expect(incident!.updates.map(({ state }) => state)).toEqual([
    'resolved',
    'recovering',
    'identified',
    'confirmed',
  ])
  expect(incident!.updates[2]!.body).toBe('The disk.\nTruly.')
  expect(incident!.updates[3]!.affected).toMatchObject([{ name: 'Cart', newStatus: 'major_outage' }])
  expect(listAudit(world.ctx, {})[0]).toMatchObject({ action: 'import-statuspage', subject: 'gitshop' })
})

test('a time zone by another name is left out and named', async () => {
  await using world = await createWatchWorld()
  const page = { ...PAGE, time_zone: 'Pacific Time (US & Canada)' }
  const imported = await run(world, 'statuspage', { ...statuspage(), page })
  expect(imported.entry.timeZone).toBe('Etc/UTC')
  expect(reasonsIn(imported)).toHaveProperty(['time zone "Pacific Time (US & Canada)"'])
})

test('what is imported twice is kept once, and nobody is told of what was long ago', async () => {
  await using world = await createWatchWorld()
  await run(world, 'statuspage', statuspage(), { id: 'one' })
  const incident = listIncidents(world.ctx, { serviceId: 'one' })[0]!
  const again = await importService(world.ctx, {
    kind: 'statuspage',
    source: join(world.dir, 'source.json'),
    dir: join(world.dir, 'elsewhere'),
    wishes: { ...WISHES, id: 'one' },
  })
  expect(again.incidents).toEqual({ added: 0, known: 1 })
  expect(incidentById(world.ctx, incident.id)).toEqual(incident)
  expect(noticesOfIncident(incident, 'GitShop')).toEqual([])
})

test('an incident that is not over, and one that can not be read, are named and left out', async () => {
  await using world = await createWatchWorld()
  const imported = await run(
    world,
    'statuspage',
    statuspage([
      { ...INCIDENT, name: 'Now', resolved_at: null },
      { ...INCIDENT, name: 'Odd', created_at: 'yesterday' },
    ]),
  )
  expect(imported.incidents).toEqual({ added: 0, known: 0 })
  expect(reasonsIn(imported)).toMatchObject({
    'incident "Now"': expect.stringContaining('not over'),
    'incident "Odd"': expect.stringMatching(/^created_at/),
  })
})

test('a Statuspage is read at its address, and a page that leads elsewhere is not followed', async () => {
  await using world = await createWatchWorld()
  const { incidents, ...summary } = statuspage()
  await using server = await serveLocally((request, response) => {
    const answer = {
      '/api/v2/summary.json': { ...summary, incidents: [] },
      '/api/v2/incidents.json': { incidents },
    }[request.url!]
    if (answer) response.end(JSON.stringify(answer))
    else response.writeHead(301, { location: 'https://elsewhere.example/' }).end()
  })
  const source = server.url
  const input = { kind: 'statuspage' as const, dir: join(world.dir, 'imported'), wishes: WISHES }

  expect(await importService(world.ctx, { ...input, source: `${source}/` })).toMatchObject({
    serviceId: 'gitshop',
    incidents: { added: 1 },
  })
  await expect(importService(world.ctx, { ...input, source: `${source}/old` })).rejects.toThrow(
    'https://elsewhere.example/',
  )
})
