/** The API over real HTTP, read by the client that Statuspage's users install. */
import { Statuspage } from 'statuspage.io'
import { expect, test } from 'vitest'
import { WatchStatus } from '../../contract/watch.ts'
import type { WatchCtx } from '../app/context.ts'
import type { WatchApp } from '../http/http.ts'
import {
  confirmOutage,
  explainIncident,
  openIncident,
  postUpdate,
  scheduleMaintenance,
} from '../incidents/index.ts'
import { createViewCache } from '../pages/view-cache.ts'
import { createWatchWorld, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import { registerApi } from './api.routes.ts'
import type { StatuspageComponent, StatuspageIncident } from './statuspage.ts'

const register = (app: WatchApp, ctx: WatchCtx): void => registerApi(app, ctx, createViewCache(ctx))

function clientFor(url: string): Statuspage {
  const client = new Statuspage('upbeat')
  client.setApiUrl(url)
  return client
}

const getJson = async <T>(url: string): Promise<T> => (await (await fetch(url)).json()) as T

async function openUploadIncident(world: WatchWorld) {
  world.setState('upload', { eu: 'down', na: 'up' }, 'partial_outage')
  return openIncident(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Upload does not work in Europe',
    body: 'We are looking into it.',
    featureIds: ['upload'],
    regions: ['eu'],
    impact: 'major',
  })
}

test('Statuspage’s client reads a calm service', async () => {
  await using world = await createWatchWorld()
  const { api } = clientFor(await world.serve(register))

  const summary = await api.getSummary()
  // The client's own type of a summary can't be had by any object: it joins the two meanings of `status`.
  expect(summary).toMatchObject({
    status: { indicator: 'none', description: 'All Systems Operational' },
    incidents: [],
    scheduled_maintenances: [],
  })
  expect(await api.incidents.getAll()).toMatchObject({ incidents: [] })
  expect(await api.incidents.getUnresolved()).toMatchObject({ incidents: [] })
  expect(await api.scheduledMaintenances.getAll()).toMatchObject({ scheduled_maintenances: [] })
  expect(await api.scheduledMaintenances.getUpcoming()).toMatchObject({ scheduled_maintenances: [] })
  expect((await api.getStatus()).page).toMatchObject({ name: 'Upbeat', time_zone: 'Etc/UTC' })
})

test('components have opaque ids of twelve characters, and groups their members', async () => {
  await using world = await createWatchWorld()
  const { components } = await clientFor(await world.serve(register)).api.getComponents()

  for (const { id, page_id } of components) expect(`${id} ${page_id}`).toMatch(/^[a-z0-9]{12} [a-z0-9]{12}$/)
  const shown = components as readonly StatuspageComponent[]
  const group = shown.find((component) => component.group)!
  const members = shown.filter(({ group_id }) => group_id === group.id)
  expect(group.components).toEqual(members.map(({ id }) => id))
  expect(members.map(({ name }) => name)).toEqual(['Search', 'Tags'])
  expect(Object.keys(shown.find(({ name }) => name === 'Feed')!)).toEqual([
    'id',
    'name',
    'status',
    'created_at',
    'updated_at',
    'position',
    'description',
    'showcase',
    'start_date',
    'group_id',
    'page_id',
    'group',
    'only_show_if_degraded',
  ])
})

test('an incident goes from investigating over monitoring to postmortem', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  const { api } = clientFor(`${url}/s/upbeat`)
  const { id } = await openUploadIncident(world)
  const statusNow = async () => ((await api.incidents.getAll()).incidents as { status: string }[])[0]!.status

  expect(await statusNow()).toBe('investigating')
  expect((await api.incidents.getUnresolved()).incidents).toHaveLength(1)
  world.clock.advance(60_000)
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'recovering',
    body: 'It comes back.',
  })
  expect(await statusNow()).toBe('monitoring')
  world.clock.advance(60_000)
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'resolved',
    body: 'It works again.',
  })
  expect(await statusNow()).toBe('resolved')
  await explainIncident(world.ctx, { actor: RESPONDER, incidentId: id, body: 'A disk was full.' })
  expect(await statusNow()).toBe('postmortem')

  const { incidents } = await getJson<{ incidents: StatuspageIncident[] }>(`${url}/api/v2/incidents.json`)
  const incident = incidents[0]!
  expect(incident.incident_updates.map(({ status }) => status)).toEqual([
    'postmortem',
    'resolved',
    'monitoring',
    'investigating',
  ])
  expect(incident).toMatchObject({
    impact: 'major',
    shortlink: `${url}/s/upbeat/incidents/${id}`,
    components: [{ name: 'Upload', status: 'partial_outage' }],
    reminder_intervals: null,
  })
  expect((await api.incidents.getUnresolved()).incidents).toEqual([])
})

test('maintenance is upcoming, then not active before it begins', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  const fromMs = world.clock.now().getTime() + 3_600_000
  await scheduleMaintenance(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'New disks',
    body: 'Search is away.',
    featureIds: ['search'],
    regions: [],
    scheduledForMs: fromMs,
    scheduledUntilMs: fromMs + 3_600_000,
  })

  const { api } = clientFor(url)
  expect((await api.scheduledMaintenances.getUpcoming()).scheduled_maintenances).toMatchObject([
    { status: 'scheduled', impact: 'maintenance', scheduled_for: new Date(fromMs).toISOString() },
  ])
  const active = await getJson(`${url}/api/v2/scheduled-maintenances/active.json`)
  expect(active).toMatchObject({ scheduled_maintenances: [] })
})

test('status.json fits the contract and says what is unknown', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  world.setState('feed', { eu: 'unknown', na: 'unknown' }, 'operational')
  await openUploadIncident(world)

  const response = await fetch(`${url}/api/v1/services/upbeat/status.json`)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const status = WatchStatus.parse(await response.json())
  expect(status.features.find(({ id }) => id === 'feed')).toMatchObject({
    status: 'operational',
    state: 'unknown',
  })
  expect(status.incidents).toMatchObject([{ title: 'Upload does not work in Europe', regions: ['eu'] }])
  expect(status.service.statusUrl).toBe(`${url}/s/upbeat`)
})

test('an answer that did not change costs nothing', async () => {
  await using world = await createWatchWorld()
  const url = `${await world.serve(register)}/api/v2/summary.json`
  const etag = (await fetch(url)).headers.get('etag')!
  expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304)
})

test('feeds carry incidents with their updates, and hostile words are escaped', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  const { id } = await openUploadIncident(world)
  await confirmOutage(world.ctx, { actor: RESPONDER, incidentId: id })
  const body = 'A <b>"quoted"</b> & \u0000control\u0007 character, 😀'
  await postUpdate(world.ctx, { actor: RESPONDER, incidentId: id, state: 'identified', body })

  for (const kind of ['rss', 'atom']) {
    const response = await fetch(`${url}/s/upbeat/history.${kind}`)
    expect(response.headers.get('content-type')).toContain(`application/${kind}+xml`)
    const text = await response.text()
    expect(text).toContain(id)
    expect(text).toContain('😀')
    expect(text).not.toMatch(/<b>|\p{Cc}(?<!\n)/u)
  }
})

test('badges say the state in words', async () => {
  await using world = await createWatchWorld()
  const url = `${await world.serve(register)}/s/upbeat`
  world.setState('upload', { eu: 'down', na: 'down' }, 'major_outage')
  const read = async (path: string) => (await fetch(`${url}${path}`)).text()
  expect(await read('/components/upload/badge.svg')).toContain('<title>Upload: down</title>')
  expect(await read('/components/feed/uptime.svg')).toContain('<title>Feed: ')
  expect(await read('/badge.svg')).toContain('aria-label="Upbeat: ')
})

test('metrics leave out what is unknown', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  world.setState('feed', { eu: 'unknown', na: 'up' }, 'operational')
  const text = await (await fetch(`${url}/metrics`)).text()
  expect(text).toContain(
    'upbeat_watch_cell_state{service="upbeat",feature="feed",region="eu",state="unknown"} 1',
  )
  expect(text).toContain(
    'upbeat_watch_cell_posterior_ratio{service="upbeat",feature="feed",region="na"} 0.01',
  )
  expect(text).not.toContain('upbeat_watch_cell_posterior_ratio{service="upbeat",feature="feed",region="eu"}')
})

test('a service that is not watched is said to be missing', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  const response = await fetch(`${url}/s/other/api/v2/summary.json`)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ code: 'not-found' })
})

test('a host that a proxy tells of goes into no shared cache, unless the address is set', async () => {
  const forwarded = { headers: { 'x-forwarded-host': 'evil.example' } }
  const path = '/api/v1/services/upbeat/status.json'
  {
    await using world = await createWatchWorld({ env: { TRUSTED_PROXIES: '127.0.0.1' } })
    const url = await world.serve(register)
    expect((await fetch(url + path)).headers.get('cache-control')).toContain('public')
    const answer = await fetch(url + path, forwarded)
    expect(answer.headers.get('cache-control')).toBe('private, max-age=5')
  }
  await using world = await createWatchWorld({ env: { WATCH_PUBLIC_URL: 'https://watch.example' } })
  const answer = await fetch((await world.serve(register)) + path, forwarded)
  expect(answer.headers.get('cache-control')).toContain('public')
  expect(await answer.text()).not.toContain('evil.example')
})

test('a service of a name that is too long is not here', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve(register)
  expect((await fetch(`${url}/s/${'a'.repeat(64)}/api/v2/status.json`)).status).toBe(404)
})
