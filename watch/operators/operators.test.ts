/** The cockpit over real HTTP, by forms, as an operator's browser sends them. */
import { expect, test } from 'vitest'
import { incidentById, listAudit, openIncident, statusOf } from '../incidents/index.ts'
import { RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import {
  codeFor,
  firstLink,
  joinBy,
  linkOf,
  openBrowser,
  openWorld,
  PASSWORD,
  type Browser,
} from './cockpit.fixtures.ts'

const openUpload = (world: WatchWorld, title = 'Upload does not work') =>
  openIncident(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title,
    body: 'We are looking.',
    featureIds: ['upload'],
    regions: [],
    impact: 'major',
  })

test('the first operator comes by the link in the data folder, which then is gone', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  expect((await browser.send('/operate')).text).toContain('first-operator-link.txt')
  const link = await firstLink(stage.world)
  await joinBy(browser, link, 'ada')
  expect((await browser.send('/operate')).text).toContain('Nothing is open.')
  expect((await openBrowser(stage.url).send(link)).status).toBe(404)
  await expect(firstLink(stage.world)).rejects.toThrow('ENOENT')
})

test('signing in takes the password and the code; each alone opens nothing, and no code opens twice', async () => {
  await using stage = await openWorld()
  const secret = await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')

  const browser = openBrowser(stage.url)
  expect(
    (await browser.send('/operate/sign-in', { name: 'ada', password: 'wrong wrong wrong' })).status,
  ).toBe(403)
  expect((await browser.send('/operate/code', { code: codeFor(secret) })).status).toBe(403)
  expect((await browser.send('/operate/sign-in', { name: 'ada', password: PASSWORD })).text).toContain(
    'Six digits',
  )
  expect((await browser.send('/operate/audit')).status).toBe(401)
  expect((await browser.send('/operate/code', { code: codeFor(secret) })).status).toBe(303)
  expect((await browser.send('/operate/audit')).status).toBe(200)
  const again = openBrowser(stage.url)
  await again.send('/operate/sign-in', { name: 'ada', password: PASSWORD })
  expect((await again.send('/operate/code', { code: codeFor(secret) })).status).toBe(403)
  await browser.send('/operate/sign-out', {})
  expect((await browser.send('/operate/audit')).status).toBe(401)
})

test('who is not signed in comes back to the page that they asked for, and to no other site', async () => {
  await using stage = await openWorld()
  const secret = await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const browser = openBrowser(stage.url)
  const refused = await browser.send('/operate/incidents/abc')
  expect(refused.status).toBe(401)
  expect(refused.text).toContain('href="/operate?back=%2Foperate%2Fincidents%2Fabc"')
  const signIn = (await browser.send('/operate?back=%2Foperate%2Fincidents%2Fabc')).text
  expect(signIn).toContain('name="back" value="/operate/incidents/abc"')
  expect((await browser.send('/operate?back=https%3A%2F%2Fevil.example')).text).toContain(
    'name="back" value="/operate"',
  )
  const back = '/operate/incidents/abc'
  const step = await browser.send('/operate/sign-in', { name: 'ada', password: PASSWORD, back })
  expect(step.text).toContain('name="back" value="/operate/incidents/abc"')
  expect(
    await browser.send('/operate/code', { code: codeFor(secret), back: '//evil.example/operate/' }),
  ).toMatchObject({
    status: 303,
    location: '/operate',
  })
})

test('after ten tries a network waits', async () => {
  await using stage = await openWorld()
  await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const browser = openBrowser(stage.url)
  const statuses: number[] = []
  for (let i = 0; i < 9; i++)
    statuses.push(
      (await browser.send('/operate/sign-in', { name: 'ada', password: 'wrong wrong wrong' })).status,
    )
  expect(statuses.slice(0, 8).every((status) => status === 403)).toBe(true)
  expect(statuses[8]).toBe(429)
})

test('an operator corrects the cause, posts from a template, explains; the log has each', async () => {
  await using stage = await openWorld()
  const { ctx } = stage.world
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { id } = await openUpload(stage.world)

  await browser.send(`/operate/incidents/${id}/confirm`, {})
  await browser.send(`/operate/incidents/${id}/cause`, { cause: 'rollout' })
  expect(incidentById(ctx, id)).toMatchObject({ cause: 'rollout', isCauseByOperator: true })
  const page = await browser.send(`/operate/incidents/${id}?template=resolved`)
  expect(page.text).toMatch(/<textarea[^>]*>\s*Upload works again/)
  await browser.send(`/operate/incidents/${id}/updates`, { state: 'resolved', body: 'Upload works again.' })
  expect(incidentById(ctx, id)).toMatchObject({ state: 'resolved' })
  expect(incidentById(ctx, id)!.updates[0]).toMatchObject({ author: 'operator:ada', state: 'resolved' })
  expect((await browser.send(`/operate/incidents/${id}`)).text).toContain('[What exactly happened')
  await browser.send(`/operate/incidents/${id}/explanation`, { body: 'A disk was full.' })
  expect(incidentById(ctx, id)!.publicExplanation).toMatchObject({ body: 'A disk was full.' })

  const log = listAudit(ctx, {}).filter(({ actor }) => actor === 'operator:ada')
  expect(log.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['join', 'correct-cause', 'post-update', 'explain-incident']),
  )
})

test('two incidents become one', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const first = await openUpload(stage.world)
  const second = await openUpload(stage.world, 'Upload is slow')
  expect((await browser.send(`/operate/incidents/${first.id}`)).text).toContain('Upload is slow')
  await browser.send(`/operate/incidents/${first.id}/merge`, { ids: second.id })
  expect(incidentById(stage.world.ctx, second.id)!.mergedInto).toBe(first.id)
})

test('maintenance is announced and taken through its steps', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const form = { service: 'upbeat', title: 'New disks', body: 'Search is away.', features: 'search' }
  await browser.send('/operate/maintenances', {
    ...form,
    from: '2026-11-23T04:00',
    until: '2026-11-23T05:00',
  })
  const [one] = statusOf(stage.world.ctx, 'upbeat').maintenances
  expect(one).toMatchObject({ title: 'New disks', status: 'scheduled', featureIds: ['search'] })
  for (const status of ['in_progress', 'verifying', 'completed'])
    await browser.send(`/operate/maintenances/${one!.id}`, { status, body: 'Now.' })
  expect(statusOf(stage.world.ctx, 'upbeat').maintenances[0]).toMatchObject({ status: 'completed' })
})

test('an explanation that is overdue after 72 hours is said on the first page', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { id } = await openUpload(stage.world)
  await browser.send(`/operate/incidents/${id}/confirm`, {})
  await browser.send(`/operate/incidents/${id}/updates`, { state: 'resolved', body: 'Over.' })
  stage.world.clock.advance(72 * 3_600_000)
  expect((await browser.send('/operate')).text).not.toContain('Overdue by')
  stage.world.clock.advance(60_000)
  expect((await browser.send('/operate')).text).toContain('Overdue by 1 min')
})

test.each([
  ['observer', '/operate/incidents', 403],
  ['observer', '/operate/people', 403],
  ['observer', '/operate/maintenances', 403],
  ['responder', '/operate/people', 403],
])('%s may not write to %s', async (role, path, status) => {
  await using stage = await openWorld()
  const admin = openBrowser(stage.url)
  await joinBy(admin, await firstLink(stage.world), 'ada')
  const made = await admin.send('/operate/people', { role })
  const link = new URL(/https?:\/\/[^\s<]+\/operate\/join\/[\w-]+/.exec(made.text)![0]).pathname
  const browser = openBrowser(stage.url)
  await joinBy(browser, link, 'bob')
  expect((await browser.send('/operate')).status).toBe(200)
  expect((await browser.send(path, { role: 'admin' })).status).toBe(status)
})

test('a foreign page can not send a form in an operator’s name', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  const { id } = await openUpload(stage.world)
  const foreign = await browser.send(
    `/operate/incidents/${id}/cause`,
    { cause: 'attack' },
    { origin: 'https://evil.example' },
  )
  expect(foreign.status).toBe(403)
  expect(incidentById(stage.world.ctx, id)!.isCauseByOperator).toBe(false)
})

test('nobody takes their own rights away, and who is removed is out at once', async () => {
  await using stage = await openWorld()
  const admin = openBrowser(stage.url)
  await joinBy(admin, await firstLink(stage.world), 'ada')
  const [ada] = stage.auth.list()
  expect((await admin.send(`/operate/people/${ada!.id}`, { role: 'none' })).status).toBe(403)
  const made = await admin.send('/operate/people', { role: 'responder' })
  const link = new URL(/https?:\/\/[^\s<]+\/operate\/join\/[\w-]+/.exec(made.text)![0]).pathname
  const browser = openBrowser(stage.url)
  await joinBy(browser, link, 'bob')
  const bob = stage.auth.list().find(({ name }) => name === 'bob')!
  await admin.send(`/operate/people/${bob.id}`, { role: 'none' })
  expect((await browser.send('/operate/audit')).status).toBe(401)
})

async function begin(browser: Browser, path: string, name: string): Promise<string> {
  const shown = await browser.send(path, { name, password: PASSWORD })
  return /secret=([A-Z2-7]+)/.exec(shown.text)![1]!
}

test('an account that was begun by an invitation opens nothing without using it up', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  const secret = await begin(browser, await firstLink(stage.world), 'ada')
  expect((await browser.send('/operate/code', { code: codeFor(secret) })).status).toBe(403)
  expect((await browser.send('/operate/audit')).status).toBe(401)
  expect(stage.auth.count()).toBe(0)
})

test('one invitation makes one operator, also for two who use it at the same time', async () => {
  await using stage = await openWorld()
  const link = await firstLink(stage.world)
  const browsers = [openBrowser(stage.url), openBrowser(stage.url)]
  const secrets = [await begin(browsers[0]!, link, 'ada'), await begin(browsers[1]!, link, 'bob')]
  const answers = await Promise.all(
    browsers.map((browser, i) => browser.send(`${link}/code`, { code: codeFor(secrets[i]!) })),
  )
  expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
  expect(stage.auth.count()).toBe(1)
})

test('who begins by one invitation and ends by another has the role of the other', async () => {
  await using stage = await openWorld()
  const admin = openBrowser(stage.url)
  const first = await firstLink(stage.world)
  const bob = openBrowser(stage.url)
  const secret = await begin(bob, first, 'bob')
  await joinBy(admin, first, 'ada')
  const link = linkOf(await admin.send('/operate/people', { role: 'observer' }))
  expect((await bob.send(`${link}/code`, { code: codeFor(secret) })).status).toBe(303)
  expect(stage.auth.list().find(({ name }) => name === 'bob')).toMatchObject({ role: 'observer' })
})

test('the invitations of an admin who is removed are no way back', async () => {
  await using stage = await openWorld()
  const ada = openBrowser(stage.url)
  await joinBy(ada, await firstLink(stage.world), 'ada')
  const bob = openBrowser(stage.url)
  await joinBy(bob, linkOf(await ada.send('/operate/people', { role: 'admin' })), 'bob')
  const own = linkOf(await bob.send('/operate/people', { role: 'admin' }))
  const other = linkOf(await ada.send('/operate/people', { role: 'observer' }))
  const { id } = stage.auth.list().find(({ name }) => name === 'bob')!
  await ada.send(`/operate/people/${id}`, { role: 'none' })
  expect((await bob.send(own)).status).toBe(404)
  expect((await bob.send(other)).status).toBe(200)
})

test('who guesses at a name from one place keeps nobody out', async () => {
  await using stage = await openWorld({ TRUSTED_PROXIES: '127.0.0.1' })
  const secret = await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const from = (address: string, password: string, browser = openBrowser(stage.url)) =>
    browser.send('/operate/sign-in', { name: 'ada', password }, { 'x-forwarded-for': address })
  for (let i = 0; i < 40; i++) await from(`2001:db8:1:${(i >> 3).toString(16)}::1`, 'wrong wrong wrong')
  expect((await from('2001:db8:1:ffff::1', PASSWORD)).status).toBe(429)
  const ada = openBrowser(stage.url)
  expect((await from('192.0.2.7', PASSWORD, ada)).status).toBe(200)
  expect((await ada.send('/operate/code', { code: codeFor(secret) })).status).toBe(303)
})
