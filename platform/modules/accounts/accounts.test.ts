import { expect, test } from 'vitest'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { createApi } from '../../roles/api.ts'
import { PICTURES_PER_TEN_MINUTES } from './sign-in/sign-in.routes.ts'
import { issueOperatorLink } from './index.ts'

async function open(world: World) {
  const app = await createApi(world.ctx)
  return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() })
}

const cookieOf = (response: { headers: Record<string, unknown> }) =>
  String(response.headers['set-cookie']).split(';')[0]!

test('a person signs up, is signed in, signs out and signs in again with handle or e-mail', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = { handle: 'Ada.L', password: 'a long password', email: 'Ada@example.org' }

  const signedUp = await app.inject({ method: 'POST', url: '/api/v1/accounts', payload: person })
  expect(signedUp.json()).toMatchObject({ handle: 'Ada.L', email: 'ada@example.org', role: 'member' })
  const cookie = cookieOf(signedUp)
  expect((await app.inject({ url: '/api/v1/me', headers: { cookie } })).json().account.handle).toBe('Ada.L')

  const out = await app.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers: { cookie } })
  expect(out.statusCode).toBe(204)
  await expect
    .poll(async () => (await app.inject({ url: '/api/v1/me', headers: { cookie } })).json().account)
    .toBeNull()

  for (const identifier of ['ada.l', 'ADA.L', 'ada@example.org']) {
    const signedIn = await app.inject({
      method: 'POST',
      url: '/api/v1/sessions',
      payload: { identifier, password: person.password },
    })
    expect(signedIn.json()).toMatchObject({ handle: 'Ada.L' })
  }
})

test('an account without an e-mail address never shows the internal one', async () => {
  await using world = await createWorld()
  await using app = await open(world)

  const response = await app.inject({
    method: 'POST',
    url: '/api/v1/accounts',
    payload: { handle: 'nomail', password: 'a long password' },
  })

  expect(response.json()).toMatchObject({ email: null })
  expect(response.body).not.toContain('noreply')
})

test('a handle is taken whatever its capitals, also when two people race for it', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const attempt = (handle: string) =>
    app.inject({ method: 'POST', url: '/api/v1/accounts', payload: { handle, password: 'a long password' } })

  const codes = (await Promise.all([attempt('Race'), attempt('race'), attempt('RACE')])).map(
    (r) => r.statusCode,
  )

  expect(codes.toSorted((a, b) => a - b)).toEqual([201, 409, 409])
  expect((await attempt('rAce')).json()).toMatchObject({
    code: 'handle-taken',
    side: 'you',
    isWorkKept: true,
  })
})

test.each([
  ['ab', 'too short'],
  ['a'.repeat(25), 'too long'],
  ['_x_', 'does not begin with a letter or digit'],
  ['a b c', 'has a space'],
  ['été', 'has other letters'],
])('the handle "%s" is refused: it %s', async (handle) => {
  await using world = await createWorld()
  await using app = await open(world)
  const response = await app.inject({
    method: 'POST',
    url: '/api/v1/accounts',
    payload: { handle, password: 'a long password' },
  })
  expect(response.statusCode).toBe(400)
  expect(response.json().fields).toHaveProperty('handle')
})

test('a wrong password and an unknown handle get the same answer', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const known = await world.account()
  const attempt = (identifier: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/sessions',
      payload: { identifier, password: 'not the password' },
    })

  const [a, b] = [(await attempt(known.handle)).json(), (await attempt('nobody.here')).json()]

  expect({ ...a, requestId: '' }).toEqual({ ...b, requestId: '' })
  expect(a.code).toBe('wrong-credentials')
})

test('sessions are listed, and a revoked one is signed out at once', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = await world.account()
  const phone = await app.inject({
    method: 'POST',
    url: '/api/v1/sessions',
    payload: { identifier: person.handle, password: person.password },
    headers: {
      'user-agent': 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
    },
  })
  const phoneCookie = cookieOf(phone)
  expect(
    (await app.inject({ url: '/api/v1/me', headers: { cookie: phoneCookie } })).json().account,
  ).not.toBeNull()

  const { items } = (await app.inject({ url: '/api/v1/sessions', headers: person.headers })).json()
  expect(items).toHaveLength(2)
  const onPhone = items.find((s: { isCurrent: boolean }) => !s.isCurrent)
  expect(onPhone.device).toBe('Chrome on Android')
  const revoked = await app.inject({
    method: 'DELETE',
    url: `/api/v1/sessions/${onPhone.id}`,
    headers: person.headers,
  })

  expect(revoked.statusCode).toBe(204)
  await expect
    .poll(
      async () => (await app.inject({ url: '/api/v1/me', headers: { cookie: phoneCookie } })).json().account,
    )
    .toBeNull()
})

test('nobody revokes the session of another', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const [owner, stranger] = [await world.account(), await world.account()]
  const { items } = (await app.inject({ url: '/api/v1/sessions', headers: owner.headers })).json()

  const attempt = await app.inject({
    method: 'DELETE',
    url: `/api/v1/sessions/${items[0].id}`,
    headers: stranger.headers,
  })

  expect(attempt.statusCode).toBe(404)
  expect((await app.inject({ url: '/api/v1/me', headers: owner.headers })).json().account).not.toBeNull()
})

test('a changed password signs out the other sessions and only the new one works', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = await world.account()
  const signIn = (password: string) =>
    app.inject({ method: 'POST', url: '/api/v1/sessions', payload: { identifier: person.handle, password } })
  const otherCookie = cookieOf(await signIn(person.password))

  const change = (currentPassword: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/me/password',
      headers: person.headers,
      payload: { currentPassword, newPassword: 'an even longer one' },
    })
  expect((await change('wrong')).json().code).toBe('wrong-credentials')
  expect((await change(person.password)).statusCode).toBe(204)

  await expect
    .poll(
      async () => (await app.inject({ url: '/api/v1/me', headers: { cookie: otherCookie } })).json().account,
    )
    .toBeNull()
  expect((await app.inject({ url: '/api/v1/me', headers: person.headers })).json().account).not.toBeNull()
  expect((await signIn(person.password)).statusCode).toBe(401)
  expect((await signIn('an even longer one')).statusCode).toBe(201)
})

test('a forged or bent cookie is a signed-out visitor', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = await world.account()
  for (const cookie of [
    person.headers.cookie.slice(0, -6),
    `${person.headers.cookie}x`,
    'upbeat.session_token=%E0%A4%A',
    'upbeat.session_token=abc.def',
  ]) {
    expect((await app.inject({ url: '/api/v1/me', headers: { cookie } })).json()).toEqual({ account: null })
  }
})

test('a write from a foreign site is refused', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = await world.account()
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    const response = await app.inject({
      method: 'PATCH',
      url: '/api/v1/me',
      headers: { ...person.headers, ...headers },
      payload: { name: 'Mallory' },
    })
    expect(response.json()).toMatchObject({ code: 'foreign-origin', status: 403 })
  }
})

test('the one-time link makes exactly one operator', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const link = await issueOperatorLink(world.ctx)
  const operatorToken = new URL(link!, 'http://localhost').searchParams.get('token')!
  const attempt = (handle: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/accounts',
      payload: { handle, password: 'a long password', operatorToken },
    })

  const answers = await Promise.all([attempt('first'), attempt('second')])

  expect(answers.map((answer) => answer.statusCode).toSorted((a, b) => a - b)).toEqual([201, 410])
  expect(answers.find((a) => a.statusCode === 201)!.json().handle).toBeDefined()
  expect(await issueOperatorLink(world.ctx)).toBeNull()
})

test('a link whose sign-up failed can be used again', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  await world.account({ handle: 'taken' })
  const operatorToken = new URL((await issueOperatorLink(world.ctx))!, 'http://localhost').searchParams.get(
    'token',
  )!
  const attempt = (handle: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/accounts',
      payload: { handle, password: 'a long password', operatorToken },
    })

  expect((await attempt('taken')).json().code).toBe('handle-taken')
  expect((await attempt('operator')).json()).toMatchObject({ role: 'operator' })
})

test('where sign-up is closed, nobody makes an account but by the operator’s link', async () => {
  await using world = await createWorld({ env: { SIGN_UP: 'closed' } })
  await using app = await open(world)
  const attempt = async (payload: Record<string, string>) =>
    (
      await app.inject({
        method: 'POST',
        url: '/api/v1/accounts',
        payload: { handle: 'somebody', password: 'a long password', ...payload },
      })
    ).json()

  expect(await attempt({})).toMatchObject({ code: 'sign-up-closed', status: 403 })
  expect(await attempt({ operatorToken: 'x'.repeat(32) })).toMatchObject({ code: 'operator-link-used' })

  const link = new URL((await issueOperatorLink(world.ctx))!, 'http://localhost')
  const operatorToken = link.searchParams.get('token')!
  expect(await attempt({ operatorToken })).toMatchObject({ handle: 'somebody', role: 'operator' })
})

test('when making the operator fails in the middle, the same link and handle work the next time', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const link = await issueOperatorLink(world.ctx)
  const operatorToken = new URL(link!, 'http://localhost').searchParams.get('token')!
  const attempt = () =>
    app.inject({
      method: 'POST',
      url: '/api/v1/accounts',
      payload: { handle: 'operator', password: 'a long password', operatorToken },
    })
  const { pool } = world.ctx
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
    create trigger refuse before update of role on account for each row execute function refuse();`)

  expect((await attempt()).statusCode).toBe(500)
  expect((await pool.query('select id from account')).rows).toEqual([])
  await pool.query('drop trigger refuse on account')

  expect((await attempt()).json()).toMatchObject({ handle: 'operator', role: 'operator' })
  expect((await attempt()).json()).toMatchObject({ code: 'operator-link-used' })
})

test('a picture becomes a small square JPEG, and a text named .jpg is refused with what to do', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const person = await world.account()
  // A 2×1 GIF.
  const gif = Buffer.from('R0lGODdhAgABAIABAP8AAAAA/ywAAAAAAgABAAACAkQKADs=', 'base64')
  const put = (payload: Buffer) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/me/picture',
      payload,
      headers: { ...person.headers, 'content-type': 'image/gif' },
    })

  const { pictureUrl } = (await put(gif)).json()
  const stored = await world.ctx.blobs.readAll(pictureUrl.replace('/media/', ''))
  expect([...stored!.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])

  expect((await put(Buffer.from('hello'))).json()).toMatchObject({
    code: 'picture-unreadable',
    isWorkKept: true,
  })
  expect((await put(Buffer.alloc(5 * 1024 * 1024 + 1, 'GIF8'))).statusCode).toBe(413)
  const removed = await app.inject({ method: 'DELETE', url: '/api/v1/me/picture', headers: person.headers })
  expect(removed.json().pictureUrl).toBeNull()
  expect(await world.ctx.blobs.stat(pictureUrl.replace('/media/', ''))).toBeNull()
})

test('a name is one line that turns no text around, a bio has no controls, and a NUL is the sender’s fault', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const { headers } = await world.account()
  const edit = (payload: object) => app.inject({ method: 'PATCH', url: '/api/v1/me', payload, headers })

  const edited = await edit({ name: ' \u202eAda\n\u0000 L\u2066 ', bio: 'one\u0000\r\ntwo\u0007' })
  expect(edited.json()).toMatchObject({ name: 'Ada L', bio: 'one\ntwo' })
  expect((await edit({ name: '\u202e\n' })).json()).toMatchObject({ code: 'invalid-input' })

  const signIn = { identifier: 'a\u0000da', password: 'a long password' }
  const refused = await app.inject({ method: 'POST', url: '/api/v1/sessions', payload: signIn })
  expect(refused.json()).toMatchObject({ code: 'invalid-input' })
})

test('pictures wait for each other instead of filling the machine, and an account sends only so many', async () => {
  await using world = await createWorld()
  await using app = await open(world)
  const [one, other] = [await world.account(), await world.account()]
  const put = (headers: Record<string, string>) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/me/picture',
      payload: Buffer.from('GIF8 and no picture'),
      headers: { ...headers, 'content-type': 'image/gif' },
    })
  const times = async (count: number) =>
    (await Promise.all(Array.from({ length: count }, () => put(one.headers)))).map((answer) => answer.json())

  const codes = (await times(PICTURES_PER_TEN_MINUTES)).map(({ code }) => code)
  // 2 at once and 16 that wait; how many of the others come while all places are taken is up to the machine.
  expect(codes.filter((code) => code === 'picture-unreadable').length).toBeGreaterThanOrEqual(18)
  expect(codes.every((code) => ['picture-unreadable', 'busy'].includes(code))).toBe(true)

  // Those that found all places taken are not counted.
  for (const { code } of await times(codes.filter((code) => code === 'busy').length))
    expect(code).toBe('picture-unreadable')
  const [refused] = await times(1)
  expect(refused).toMatchObject({ code: 'too-many-requests', retryAfterS: expect.any(Number) })
  expect((await put(other.headers)).json().code).toBe('picture-unreadable')
  expect((await put({})).statusCode).toBe(401)
})
