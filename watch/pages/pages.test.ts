/** The pages over real HTTP, as a browser without scripts gets them. */
import { expect, test } from 'vitest'
import { confirmOutage, openIncident, postUpdate } from '../incidents/index.ts'
import { openNetworkTable } from '../signals/networks/index.ts'
import { openReports } from '../signals/reports/index.ts'
import { publicRoutes } from './index.ts'
import { createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from './world.fixtures.ts'

const BROWSER = { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (iPhone) Mobile' }

async function serve(world: WatchWorld): Promise<string> {
  const networks = openNetworkTable(world.ctx.log)
  const reports = await openReports(world.ctx, { networks, observe: () => {} })
  return world.serve(publicRoutes({ networks, reports }))
}

const read = async (url: string): Promise<string> => (await fetch(url, { headers: BROWSER })).text()

async function openUploadIncident(world: WatchWorld) {
  world.setState('upload', { eu: 'down', na: 'up' }, 'partial_outage')
  const { id } = await openIncident(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'Upload does not work in Europe',
    body: 'We are looking.',
    featureIds: ['upload'],
    regions: ['eu'],
    impact: 'major',
  })
  await confirmOutage(world.ctx, { actor: RESPONDER, incidentId: id })
  return id
}

test('with one service the front page is its status page', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  expect(await read(url)).toContain('Everything works')
})

test('with several services the front page lists them', async () => {
  const other = ENTRY.replace('id: upbeat', 'id: other').replace('name: Upbeat', 'name: Other')
  await using world = await createWatchWorld({ entries: { other, upbeat: ENTRY } })
  const page = await read(await serve(world))
  expect(page).toContain('href="/s/other"')
  expect(page).toContain('href="/s/upbeat"')
})

test('an incident is on the status page at once, on its own page, and in the history when it is over', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  await read(url)
  const id = await openUploadIncident(world)
  expect(await read(url)).toContain('Upload does not work in Europe')
  expect(await read(`${url}/s/upbeat/incidents/${id}`)).toContain('What shows it')
  await postUpdate(world.ctx, { actor: RESPONDER, incidentId: id, state: 'resolved', body: 'Over.' })
  expect(await read(`${url}/s/upbeat/history`)).toContain(`/s/upbeat/incidents/${id}`)
})

test.each([
  '/s/none',
  '/s/upbeat/incidents/none',
  '/s/upbeat/components/none',
  '/s/upbeat/maintenances/none',
])('%s is missing, and says what to do', async (path) => {
  await using world = await createWatchWorld()
  const response = await fetch((await serve(world)) + path, { headers: BROWSER })
  expect(response.status).toBe(404)
  expect(await response.text()).toMatch(/It is not here[\s\S]*What to do:/)
})

test('an incident of another service is not shown under this one', async () => {
  const other = ENTRY.replace('id: upbeat', 'id: other').replace('name: Upbeat', 'name: Other')
  await using world = await createWatchWorld({ entries: { other, upbeat: ENTRY } })
  const url = await serve(world)
  const id = await openUploadIncident(world)
  expect((await fetch(`${url}/s/other/incidents/${id}`)).status).toBe(404)
})

test('a report is two taps in a form: the feature and the device', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  const page = await fetch(`${url}/s/upbeat/report?on=upload`, { headers: BROWSER })
  expect(await page.text()).toMatch(/value="upload"\s+checked/)
  const cookie = page.headers.get('set-cookie')!.split(';')[0]!

  const send = (form: Record<string, string>) =>
    fetch(`${url}/s/upbeat/report`, {
      method: 'POST',
      headers: { ...BROWSER, cookie, origin: url },
      body: new URLSearchParams(form),
    })
  expect(
    await (await send({ feature: 'upload', device: 'phone', region: '', diagnosis: '' })).text(),
  ).toContain('Thank you: that is counted')
  expect(await (await send({ feature: 'feed', device: 'phone' })).text()).toContain('You are counted already')
  const rows = world.ctx.store.all<{ feature_id: string; device: string }>(
    'select feature_id, device from report',
  )
  expect(rows).toMatchObject([{ feature_id: 'upload', device: 'phone' }])
})

test('a report on what is not there names what is', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  const response = await fetch(`${url}/s/upbeat/report`, {
    method: 'POST',
    headers: BROWSER,
    body: new URLSearchParams({ feature: 'nothing', device: 'phone' }),
  })
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('What to do:')
})

test('a beacon gives the caller’s own number back, and lets its timings be read by anyone', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  const response = await fetch(`${url}/beacon?nonce=abcdefgh-1`)
  expect(await response.json()).toEqual({ nonce: 'abcdefgh-1', at: '2026-11-22T04:00:00.000Z', family: 'v4' })
  expect(response.headers.get('timing-allow-origin')).toBe('*')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect((await fetch(`${url}/beacon?nonce=short`)).status).toBe(400)
})

test('the check’s page says what is seen without a script, and lets it ask only what it has to', async () => {
  await using world = await createWatchWorld()
  const url = await serve(world)
  const response = await fetch(`${url}/s/upbeat/check`, { headers: BROWSER })
  expect(await response.text()).toContain('Elsewhere it works.')
  expect(response.headers.get('content-security-policy')).toContain(
    "connect-src 'self' https://upbeat.example;",
  )
})

test('how checks went is counted once a minute for each network', async () => {
  await using world = await createWatchWorld()
  const url = `${await serve(world)}/api/v1/services/upbeat`
  const send = () =>
    fetch(`${url}/checks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ isTargetReached: true, verdict: 'nothing-wrong' }),
    })
  expect([(await send()).status, (await send()).status]).toEqual([204, 429])
  world.clock.advance(60_000)
  expect((await send()).status).toBe(204)
  expect(await (await fetch(`${url}/evidence`)).json()).toMatchObject({ peers: { passed: 2, total: 2 } })
})

test.each(['live.js', 'check.js', 'checks.js', 'verdict.js', 'report.js', 'embed.js'])(
  'the script %s is plain JavaScript without types',
  async (name) => {
    await using world = await createWatchWorld()
    const response = await fetch(`${await serve(world)}/assets/${name}`)
    const source = await response.text()
    expect(response.headers.get('content-type')).toContain('text/javascript')
    expect(source).not.toMatch(/\.ts'|^import type|\binterface \w+ \{/m)
  },
)

test('ten thousand components are paged and found by their name', async () => {
  const features = Array.from(
    { length: 10_000 },
    (_, i) => `  - { id: part-${i}, name: Part ${i}, group: G${i % 50} }`,
  )
  const entry = `${ENTRY.split('features:')[0]}features:\n${features.join('\n')}\n`
  await using world = await createWatchWorld({ entries: { upbeat: entry }, isQuiet: true })
  const url = await serve(world)
  const front = await read(url)
  expect(Buffer.byteLength(front)).toBeLessThan(50_000)
  expect(front).toContain('All 10000 components')
  const last = await read(`${url}/s/upbeat/components?page=334`)
  expect(last).toContain('Part 9999')
  expect(last).not.toContain('>Next<')
  const found = await read(`${url}/s/upbeat/components?q=part%20777`)
  expect(found).toMatch(/11 components, page\s+1\s+of\s+1/)
  expect(Buffer.byteLength(found)).toBeLessThan(50_000)
  expect((await fetch(`${url}/s/upbeat/api/v2/summary.json`)).status).toBe(200)
})
