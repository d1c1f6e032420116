/** Who may write what: a test for each row of the table in docs/operating/watch.md that is about people. Keys are tested at the pushes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATOR_ROLES } from '../app/actor.ts'
import { ENTRY } from '../pages/world.fixtures.ts'
import { firstLink, joinBy, linkOf, openBrowser, openWorld, type Browser } from './cockpit.fixtures.ts'

/** The least that a write takes; `anyone`: it checks something else than a session. */
const WRITES: Readonly<Record<string, (typeof OPERATOR_ROLES)[number] | 'anyone'>> = {
  // The way in and out: name and password, a code, an invitation.
  'POST /operate/sign-in': 'anyone',
  'POST /operate/code': 'anyone',
  'POST /operate/sign-out': 'anyone',
  'POST /operate/join/:key': 'anyone',
  'POST /operate/join/:key/code': 'anyone',
  // The link of whoever was paged.
  'POST /pages/:page/:person/:signature': 'anyone',
  // One's own browsers.
  'POST /operate/on-call/devices': 'observer',
  'POST /operate/on-call/devices/:id/end': 'observer',
  'POST /operate/incidents': 'responder',
  'POST /operate/incidents/:id/confirm': 'responder',
  'POST /operate/incidents/:id/cause': 'responder',
  'POST /operate/incidents/:id/updates': 'responder',
  'POST /operate/incidents/:id/merge': 'responder',
  'POST /operate/incidents/:id/explanation': 'responder',
  'POST /operate/incidents/:id/roles': 'responder',
  'POST /operate/incidents/:id/follow-ups': 'responder',
  'POST /operate/follow-ups/:id': 'responder',
  'POST /operate/maintenances': 'responder',
  'POST /operate/maintenances/:id': 'responder',
  'POST /operate/pages/:id/acknowledge': 'responder',
  'POST /operate/on-call/overrides': 'responder',
  'POST /operate/on-call/overrides/:id/end': 'responder',
  'POST /operate/on-call/test': 'responder',
  'POST /operate/people': 'admin',
  'POST /operate/people/:id': 'admin',
}
const ROWS = Object.entries(WRITES).filter(([, least]) => least !== 'anyone')

let stage: Awaited<ReturnType<typeof openWorld>>
const browsers = new Map<string, Browser>()

beforeAll(async () => {
  stage = await openWorld({}, { entries: { upbeat: ENTRY } })
  const admin = openBrowser(stage.url)
  await joinBy(admin, await firstLink(stage.world), 'ada')
  browsers.set('admin', admin)
  for (const role of ['observer', 'responder']) {
    const browser = openBrowser(stage.url)
    await joinBy(browser, linkOf(await admin.send('/operate/people', { role })), role)
    browsers.set(role, browser)
  }
}, 30_000)
afterAll(() => stage[Symbol.asyncDispose]())

/** With whatever stands for an id, and nothing that would fit the form: only who asks is in question. */
const attempt = (browser: Browser, row: string) =>
  browser.send(row.replace('POST ', '').replaceAll(/:\w+/g, 'nobody'), { x: 'y' }, { accept: '*/*' })

test('every write that exists is in the table', () => {
  expect(stage.writes.toSorted()).toEqual(Object.keys(WRITES).toSorted())
})

test.each(ROWS)('%s takes a session, of the role %s or a higher one', async (row, least) => {
  const isJson = row === 'POST /operate/on-call/devices'
  expect((await attempt(openBrowser(stage.url), row)).status).toBe(isJson ? 400 : 401)
  for (const role of OPERATOR_ROLES) {
    const { status } = await attempt(browsers.get(role)!, row)
    if (OPERATOR_ROLES.indexOf(role) < OPERATOR_ROLES.indexOf(least as typeof role)) expect(status).toBe(403)
    else expect([401, 403]).not.toContain(status)
  }
})

test('a browser to be paged is added by those who are signed in, only', async () => {
  const body = JSON.stringify({
    endpoint: 'https://push.example/x',
    keys: { p256dh: 'a'.repeat(87), auth: 'a'.repeat(22) },
  })
  const response = await fetch(`${stage.url}/operate/on-call/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(response.status).toBe(401)
})

test('a link that nobody was sent answers no page', async () => {
  const { status } = await attempt(openBrowser(stage.url), 'POST /pages/:page/:person/:signature')
  expect(status).toBe(404)
})

test('an invitation that was never made lets nobody in', async () => {
  for (const path of ['/operate/join/nothing', '/operate/join/nothing/code'])
    expect(
      (await openBrowser(stage.url).send(path, { name: 'eve', password: 'x'.repeat(20), code: '123456' }))
        .status,
    ).toBe(404)
})
