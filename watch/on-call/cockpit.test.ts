/** Being on call in the cockpit, by forms, as an operator's browser sends them. */
import { expect, test } from 'vitest'
import { listAudit } from '../incidents/index.ts'
import {
  firstLink,
  joinBy,
  linkOf,
  openBrowser,
  openWorld,
  type Browser,
} from '../operators/cockpit.fixtures.ts'
import { breakUpload, ENTRY } from '../pages/world.fixtures.ts'
import { findLastPage, listOverrides, listRoles, subjectOfIncident } from './page-records.ts'
import { startPaging } from './paging.ts'

const HOUR_MS = 3_600_000
const ENTRY_ON_CALL = `${ENTRY}
timeZone: Europe/Berlin
onCall:
  people:
    - { id: ada, name: Ada L, operator: ada }
    - { id: bob, name: Bob, email: bob@example.org }
  rotas:
    - id: first
      name: First line
      layers:
        - { people: [ada, bob], startsOn: 2026-11-16 }
        - { people: [bob], startsOn: 2090-01-02, hours: { from: '09:00', until: '17:00' } }
    - id: office
      name: Office
      layers:
        - { people: [bob], startsOn: 2026-01-05, hours: { days: [monday], from: '09:00', until: '17:00' } }
  escalation:
    - { to: [rota:first] }
    - { to: [role:commander, person:bob] }
  runbooks:
    unknown: [Ask the cat., Then the dog.]
`

async function openStage() {
  const stage = await openWorld(
    { WATCH_SMTP_URL: 'smtp://127.0.0.1:9', LOG_LEVEL: 'silent' },
    { entries: { upbeat: ENTRY_ON_CALL } },
  )
  const browser = openBrowser(stage.url)
  await joinBy(browser, await firstLink(stage.world), 'ada')
  return { ...stage, browser }
}

/** What a person reads of a page. */
const wordsOf = ({ text }: { readonly text: string }): string =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(' ,', ',')

const DEVICE = {
  endpoint: 'https://push.example/her-phone',
  keys: { p256dh: 'B'.repeat(87), auth: 'C'.repeat(22) },
}

const addDevice = (url: string, { jar }: Browser) =>
  fetch(`${url}/operate/on-call/devices`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      'user-agent': 'Mozilla/5.0 (Linux; Android 16) Chrome/140',
      origin: url,
    },
    body: JSON.stringify(DEVICE),
  })

test('the page says who is on call now, who follows, and where nobody is', async () => {
  await using stage = await openStage()
  const words = wordsOf(await stage.browser.send('/operate/on-call'))
  // Sunday, 22 November, 05:00 in Berlin; the week ends on Monday at nine.
  expect(words).toContain('First line Now: Ada L, for 1 d 4 h more')
  expect(words).toContain('Office Now: Nobody: a gap, for 1 d 4 h more')
  expect(words).toContain('23 Nov 2026, 09:00 CET Bob')
  expect(words).toContain('whoever is on call in First line; then wait 10 min.')
})

test('an override is put in by the wall of the service, and ended by one tap', async () => {
  await using stage = await openStage()
  const { browser, world } = stage
  await browser.send('/operate/on-call/overrides', {
    service: 'upbeat',
    rota: 'first',
    person: 'bob',
    from: '2026-11-22T05:00',
    until: '2026-11-22T12:00',
  })
  const [override] = listOverrides(world.ctx.store, 'upbeat', 0)
  expect(new Date(override!.untilMs).toISOString()).toBe('2026-11-22T11:00:00.000Z')
  expect(wordsOf(await browser.send('/operate/on-call'))).toContain('Now: Bob (stands in), for 7 h more')
  await browser.send(`/operate/on-call/overrides/${override!.id}/end`, {})
  expect(wordsOf(await browser.send('/operate/on-call'))).toContain('Now: Ada L, for')
  expect(listAudit(world.ctx, {}).map(({ action }) => action)).toEqual(
    expect.arrayContaining(['override-rota', 'end-override']),
  )
})

test('taking over now is two taps, and holds for as long as was chosen', async () => {
  await using stage = await openStage()
  const form = { service: 'upbeat', rota: 'office', person: 'ada', hours: '8' }
  await stage.browser.send('/operate/on-call/overrides', form)
  const [override] = listOverrides(stage.world.ctx.store, 'upbeat', 0)
  expect(override!.untilMs - override!.fromMs).toBe(8 * HOUR_MS)
})

test.each([
  ['an end before its beginning', { from: '2026-11-22T12:00', until: '2026-11-22T12:00' }, 400],
  ['an end in the past', { from: '2026-11-20T12:00', until: '2026-11-22T05:00' }, 400],
  ['more than 62 days', { from: '2026-11-22T05:00', until: '2027-01-23T05:01' }, 400],
  ['62 days', { from: '2026-11-22T05:00', until: '2027-01-23T05:00' }, 303],
  [
    'a person who is not among them',
    { person: 'eve', from: '2026-11-22T05:00', until: '2026-11-23T05:00' },
    404,
  ],
  ['a time that is none', { from: 'soon', until: '2026-11-23T05:00' }, 400],
])('an override with %s', async (_, changes, status) => {
  await using stage = await openStage()
  const form = { service: 'upbeat', rota: 'first', person: 'bob', ...changes }
  expect((await stage.browser.send('/operate/on-call/overrides', form)).status).toBe(status)
})

test('beside an incident stand who was paged, who does what, and the service’s own steps', async () => {
  await using stage = await openStage()
  const { browser, world } = stage
  expect((await addDevice(stage.url, browser)).status).toBe(201)
  const { id } = await breakUpload(world)
  await using paging = startPaging(world.ctx, stage.links)
  await paging.round()
  await expect.poll(() => findLastPage(world.ctx.store, subjectOfIncident(id))?.stepsTaken).toBe(1)
  const before = await browser.send(`/operate/incidents/${id}`)
  expect(before.text).toContain('not answered yet. The next step comes in 10 min.')
  expect(before.text).toContain('browser: on its way')
  expect(before.text).toContain('Ask the cat.')
  expect((await browser.send('/operate')).text).toContain('not answered yet')

  const page = findLastPage(world.ctx.store, subjectOfIncident(id))!
  expect(await browser.send(`/operate/pages/${page.id}/acknowledge`, {})).toMatchObject({
    status: 303,
    location: `/operate/incidents/${id}`,
  })
  const after = await browser.send(`/operate/incidents/${id}`)
  expect(after.text).toContain('answered by ada after')
  expect(after.text).toContain('Acknowledge page')
  expect(listRoles(world.ctx.store, id)).toMatchObject([{ role: 'commander', person: 'operator:ada' }])
  await browser.send(`/operate/incidents/${id}/roles`, { role: 'scribe', person: 'person:bob' })
  expect(listRoles(world.ctx.store, id)).toHaveLength(2)
  expect(
    (await browser.send(`/operate/incidents/${id}/roles`, { role: 'king', person: 'person:bob' })).status,
  ).toBe(400)
})

test('a browser is paged once it was added, by its owner, who alone ends it', async () => {
  await using stage = await openStage()
  const { browser, world } = stage
  await addDevice(stage.url, browser)
  await addDevice(stage.url, browser)
  const shown = (await browser.send('/operate/on-call')).text
  const [, id] = /\/operate\/on-call\/devices\/(\w+)\/end/.exec(shown)!
  expect(shown).toContain('Chrome on Android')
  const other = openBrowser(stage.url)
  await joinBy(other, linkOf(await browser.send('/operate/people', { role: 'admin' })), 'eve')
  expect((await other.send(`/operate/on-call/devices/${id}/end`, {})).status).toBe(409)
  expect(world.ctx.store.all('select 1 from on_call_device')).toHaveLength(1)
  expect((await browser.send(`/operate/on-call/devices/${id}/end`, {})).status).toBe(303)
  expect(world.ctx.store.all('select 1 from subscription')).toEqual([])
})

test('a test pages whoever asks, and says what is missing when it can not', async () => {
  await using stage = await openStage()
  const { browser, world } = stage
  const refused = await browser.send('/operate/on-call/test', { service: 'upbeat' })
  expect(refused.text).toContain('There is no address to reach Ada L at.')
  await addDevice(stage.url, browser)
  expect(await browser.send('/operate/on-call/test', { service: 'upbeat' })).toMatchObject({ status: 303 })
  expect(listAudit(world.ctx, {})[0]).toMatchObject({ action: 'test-page', facts: { channels: 'push' } })
})
