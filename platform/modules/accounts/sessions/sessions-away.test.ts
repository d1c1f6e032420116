import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startFaultProxy } from '../../../../tests/support/fault-proxy.ts'
import { createFakeClock, createWorld, type World } from '../../../../tests/support/world.ts'
import { openContext } from '../../../app/context.ts'
import { createApi } from '../../../roles/api.ts'
import { ASSERTION_VALID_MS } from './assertions.ts'
import { forgetOldRevocations } from '../accounts.jobs.ts'
import {
  keepRevoked,
  openRevocations,
  REVOCATIONS_KEPT_MS,
  VOUCHED_FOR_MS,
  writeRevocations,
} from './revocations.ts'
import { issueOperatorLink, readSessionToken } from '../index.ts'

const MINUTE_MS = 60_000

/** An api on the world's database, by a way that can be cut, and with the world's folder. */
async function openApi(world: World, { isAway = false } = {}) {
  await using stack = new AsyncDisposableStack()
  const url = new URL(world.databaseUrl)
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(url.port) }))
  url.port = String(proxy.port)
  if (isAway) proxy.refuse()
  const config = { ...world.config, database: { ...world.config.database, url: url.href } }
  const { ctx } = stack.use(await openContext({ config, role: 'api', clock: world.ctx.clock }))
  const app = await createApi(ctx)
  stack.defer(() => app.close())
  const owned = stack.move()
  return {
    ctx,
    app,
    async goAway() {
      proxy.refuse()
      proxy.reset()
      await expect.poll(() => ctx.databaseGuard.isUp, { timeout: 5_000 }).toBe(false)
    },
    async comeBack() {
      proxy.admit()
      await expect.poll(() => ctx.databaseGuard.isUp, { timeout: 5_000 }).toBe(true)
    },
    me: (cookie: string) => app.inject({ url: '/api/v1/me', headers: { cookie } }),
    /** Signs up, and gives what the browser holds then. */
    async signUp(handle: string, operatorToken?: string): Promise<string> {
      const made = await app.inject({
        method: 'POST',
        url: '/api/v1/accounts',
        payload: { handle, password: 'a long password', operatorToken },
      })
      return [made.headers['set-cookie'] ?? []]
        .flat()
        .map((each) => each.split(';')[0])
        .join('; ')
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const withoutAssertion = (cookies: string) => cookies.split('; ')[0]!

test('whoever is signed in stays so without the database, also with a process that never had one', async () => {
  await using world = await createWorld()
  await using before = await openApi(world)
  const cookies = await before.signUp('stays')
  await writeRevocations(before.ctx)
  await before.goAway()
  expect((await before.me(cookies)).json().account).toMatchObject({ handle: 'stays', role: 'member' })

  await using after = await openApi(world, { isAway: true })
  expect((await after.me(cookies)).json().account).toMatchObject({ handle: 'stays', role: 'member' })
})

test('what is in memory stays good without an assertion, longer than it would with the database', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world)
  const cookies = await api.signUp('remembered')
  const session = withoutAssertion(cookies)
  await api.me(session)
  await api.goAway()
  clock.advance(10 * MINUTE_MS)

  const answer = await api.app.inject({ url: '/api/v1/sessions', headers: { cookie: session } })

  // It is the list of sessions that is not there, not the viewer.
  expect(answer.json().code).toBe('database-unavailable')
  expect(answer.json().detail ?? '').not.toContain('signed in')
})

test('a session that nobody can tell about is not called signed out', async () => {
  await using world = await createWorld()
  await using before = await openApi(world)
  const session = withoutAssertion(await before.signUp('unknown'))
  await using api = await openApi(world, { isAway: true })

  const answer = await api.me(session)

  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'database-unavailable', retryAfterS: 5 })
})

test('an assertion is good for a day, for its own session, as it was signed, and not while the database is there', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using before = await openApi(world)
  const [ours, theirs] = [await before.signUp('ours'), await before.signUp('theirs')]
  const assertion = ours.split('; ')[1]!
  await using api = await openApi(world, { isAway: true })
  const statusOf = async (cookies: string) => (await api.me(cookies)).statusCode

  expect(await statusOf(`${withoutAssertion(theirs)}; ${assertion}`)).toBe(503)
  expect(await statusOf(`${withoutAssertion(ours)}; ${assertion}x`)).toBe(503)
  expect((await api.me(assertion)).json()).toEqual({ account: null })
  clock.advance(ASSERTION_VALID_MS)
  expect(await statusOf(ours)).toBe(200)
  clock.advance(1)
  expect(await statusOf(ours)).toBe(503)

  await before.app.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers: { cookie: theirs } })
  await expect.poll(async () => (await before.me(theirs)).json()).toEqual({ account: null })
})

test('a session that was ended is not let in by its assertion: known from memory, and from disk', async () => {
  await using world = await createWorld()
  await using before = await openApi(world)
  const [ended, endedEarlier] = [await before.signUp('ended'), await before.signUp('earlier')]
  const end = (cookie: string) =>
    before.app.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers: { cookie } })
  await end(endedEarlier)
  // On disk in the list alone, and in a file of its minute alone.
  await writeRevocations(before.ctx)
  const lately = join(world.config.dataDir, 'standby', 'revoked-lately')
  for (const name of await readdir(lately)) await writeFile(join(lately, name), '')
  await end(ended)
  await before.goAway()
  await using after = await openApi(world, { isAway: true })

  for (const api of [before, after])
    for (const cookies of [ended, endedEarlier]) expect((await api.me(cookies)).statusCode).toBe(503)
})

test('an operator is let in as one only while the list of ended sessions is whole and young', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using before = await openApi(world)
  const link = await issueOperatorLink(before.ctx)
  const token = new URL(link!, 'http://x').searchParams.get('token')!
  const cookies = await before.signUp('operator', token)
  const roleIn = async (api: typeof before) => (await api.me(cookies)).json().account.role

  await using withoutList = await openApi(world, { isAway: true })
  expect(await roleIn(withoutList)).toBe('member')

  await writeRevocations(before.ctx)
  await using api = await openApi(world, { isAway: true })
  expect(await roleIn(api)).toBe('operator')
  clock.advance(VOUCHED_FOR_MS)
  expect(await roleIn(api)).toBe('operator')
  clock.advance(1)
  expect(await roleIn(api)).toBe('member')
})

test('an operator whom memory or an assertion alone speaks for may look, and is told where to give orders', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using before = await openApi(world)
  const link = await issueOperatorLink(before.ctx)
  const token = new URL(link!, 'http://x').searchParams.get('token')!
  const cookies = await before.signUp('orders', token)
  await writeRevocations(before.ctx)
  const orderIn = (api: typeof before, cookie: string) =>
    api.app.inject({
      method: 'POST',
      url: '/api/v1/operations/orders',
      headers: { cookie },
      payload: { type: 'pause-feature', feature: 'search', reason: 'A bad index', forS: 600 },
    })
  // A test runs without a supervisor: whoever may order is told of that.
  expect((await orderIn(before, cookies)).json().code).toBe('no-supervisor')
  await before.goAway()
  expect((await orderIn(before, cookies)).json().code).toBe('no-supervisor')
  clock.advance(MINUTE_MS + 1)
  await using after = await openApi(world, { isAway: true })
  for (const answer of [
    await orderIn(before, withoutAssertion(cookies)),
    await orderIn(before, cookies),
    await orderIn(after, cookies),
  ]) {
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({
      code: 'session-not-checked',
      isWorkKept: false,
      next: expect.stringContaining('command line'),
    })
  }
})

test('signing out without the database takes the cookies away, and says what is left to do', async () => {
  await using world = await createWorld()
  await using api = await openApi(world)
  const cookies = await api.signUp('leaves')
  await api.goAway()

  const answer = await api.app.inject({
    method: 'DELETE',
    url: '/api/v1/sessions/current',
    headers: { cookie: cookies },
  })

  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({
    detail: expect.stringContaining('This device is signed out.'),
    facts: { isSignedOutHere: true },
  })
  const told = [answer.headers['set-cookie'] ?? []].flat()
  expect(told.every((each) => each.includes('Max-Age=0'))).toBe(true)
  expect(told.map((each) => each.split('=')[0])).toEqual(['upbeat.session_token', 'upbeat.assertion'])
})

test('the largest profile fits the cookie', async () => {
  await using world = await createWorld()
  await using api = await openApi(world)
  const cookies = await api.signUp('largest')
  await api.app.inject({
    method: 'PATCH',
    url: '/api/v1/me',
    headers: { cookie: cookies },
    payload: { name: '漢'.repeat(50), bio: '漢'.repeat(300) },
  })

  const answer = await api.me(withoutAssertion(cookies))

  expect(String(answer.headers['set-cookie'])).toContain('upbeat.assertion=')
})

test('signing in and up answer with the reason and a time while the database is away', async () => {
  await using world = await createWorld()
  await using api = await openApi(world)
  await api.goAway()

  for (const [url, payload] of [
    ['/api/v1/sessions', { identifier: 'somebody', password: 'a long password' }],
    ['/api/v1/accounts', { handle: 'somebody', password: 'a long password' }],
  ] as const) {
    const answer = await api.app.inject({ method: 'POST', url, payload })
    expect(answer.statusCode).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.json().code).toMatch(/^(feature-paused|database-unavailable)$/)
  }
})

test('ended sessions are forgotten after longer than an assertion lives', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world)
  const cookie = await api.signUp('forgotten')
  await api.app.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers: { cookie } })
  clock.advance(REVOCATIONS_KEPT_MS)
  expect(await forgetOldRevocations(api.ctx)).toBe(0)
  clock.advance(1)
  expect(await forgetOldRevocations(api.ctx)).toBe(1)
})

test('a session that another process ended is not remembered, though nobody told of it before the database went', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world)
  const cookies = await api.signUp('unheard')
  await api.me(cookies)
  const token = readSessionToken(cookies, api.ctx.secrets.session)!
  await keepRevoked(world.ctx, [token])
  await api.goAway()
  clock.advance(2 * MINUTE_MS)
  expect((await api.me(cookies)).statusCode).toBe(503)
})

test('what was ended is known also when the database is back: a question can fail all the same', async () => {
  await using world = await createWorld()
  await using api = await openApi(world)
  await keepRevoked(world.ctx, ['a token'])
  using revocations = openRevocations(api.ctx)
  await api.goAway()
  await api.comeBack()
  expect(await revocations.isRevoked('a token')).toBe(true)
})
