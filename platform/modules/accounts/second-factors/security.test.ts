import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { base32 } from '@better-auth/utils/base32'
import { createOTP } from '@better-auth/utils/otp'
import type { LightMyRequestResponse } from 'fastify'
import { SMTPServer } from 'smtp-server'
import { expect, test } from 'vitest'
import { openApi, type TestApi } from '../../../../tests/support/api.ts'
import { createFakeClock, createWorld, type TestAccount } from '../../../../tests/support/world.ts'
import { startMailJobs } from '../../mail/index.ts'
import { rotateVault } from '../../../app/secrets.ts'
import { CODE_TRIES } from '../sign-in/confirmations.ts'
import { accountRoutes, resealSecondFactors } from '../index.ts'
import { PROOF_MS } from './proof.ts'

const STRANGE = {
  remoteAddress: '198.51.100.7',
  headers: { 'user-agent': 'Mozilla/5.0 Firefox/140.0 Linux' },
}

const codeAt = (secret: string, clock: { now(): Date }) =>
  createOTP(base32.decode(secret) as never).hotp(Math.floor(clock.now().getTime() / 30_000))

async function setUp(api: TestApi, person: TestAccount, clock: { now(): Date }) {
  const { secret, uri } = (await api.call('POST', '/me/totp', person)).json()
  expect(uri).toContain(`otpauth://totp/Upbeat:${person.handle}?secret=${secret}`)
  const payload = { code: await codeAt(secret, clock) }
  const { recoveryCodes } = (await api.call('PUT', '/me/totp', person, { payload })).json()
  return { secret: secret as string, recoveryCodes: recoveryCodes as string[] }
}

const signIn = (api: TestApi, { handle, password }: TestAccount, how: object = {}) =>
  api.app.inject({
    ...{ method: 'POST', url: '/api/v1/sessions', payload: { identifier: handle, password } },
    ...how,
  })

const cookiesOf = (answer: LightMyRequestResponse) => [answer.headers['set-cookie'] ?? []].flat().join('; ')

async function enterCode(api: TestApi, person: TestAccount, code: string) {
  const { facts } = (await signIn(api, person)).json()
  const payload = { confirmation: facts.confirmation, code }
  return api.call('POST', '/sessions/confirmations', null, { payload })
}

test('with an authenticator a right password is not enough; each code and each recovery code is good once', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  const person = await world.account()
  const { secret, recoveryCodes } = await setUp(api, person, clock)
  expect(recoveryCodes).toHaveLength(10)
  expect((await signIn(api, person)).json()).toMatchObject({ code: 'confirmation-needed' })

  const used = await codeAt(secret, clock)
  expect((await enterCode(api, person, used)).json().code).toBe('wrong-code')
  clock.advance(30_000)
  const next = await codeAt(secret, clock)
  expect((await enterCode(api, person, next)).statusCode).toBe(201)
  expect((await enterCode(api, person, next)).statusCode).toBe(401)
  expect((await enterCode(api, person, recoveryCodes[0]!.toUpperCase())).statusCode).toBe(201)
  expect((await enterCode(api, person, recoveryCodes[0]!)).statusCode).toBe(401)

  // The vault's key is made anew, twice, while this process goes on with the one that it began with.
  const keysPath = world.ctx.config.paths.secrets
  for (let n = 1; n <= 2; n++) {
    const resealed = await resealSecondFactors(world.ctx, await rotateVault(keysPath))
    expect(resealed).toEqual({ count: 1, lostCount: 0 })
    clock.advance(30_000)
    expect((await enterCode(api, person, await codeAt(secret, clock))).statusCode).toBe(201)
  }
  // Two rotations without sealing anew: no key opens it, which is a wrong code and no fault.
  await rotateVault(keysPath)
  const lost = await resealSecondFactors(world.ctx, await rotateVault(keysPath))
  expect(lost).toEqual({ count: 0, lostCount: 1 })
  clock.advance(30_000)
  expect((await enterCode(api, person, await codeAt(secret, clock))).json().code).toBe('wrong-code')
  expect((await enterCode(api, person, recoveryCodes[1]!)).statusCode).toBe(201)

  expect((await api.call('DELETE', '/me/totp', person)).statusCode).toBe(204)
  expect((await signIn(api, person)).statusCode).toBe(201)
})

test('a step takes five codes, and no more, even the right one', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  const person = await world.account()
  const { recoveryCodes } = await setUp(api, person, clock)
  const { facts } = (await signIn(api, person)).json()
  const enter = async (code: string) =>
    (
      await api.call('POST', '/sessions/confirmations', null, {
        payload: { confirmation: facts.confirmation, code },
      })
    ).json()
  for (let n = 1; n <= CODE_TRIES; n++)
    expect(await enter('000000')).toMatchObject({ code: 'wrong-code', facts: { triesLeft: CODE_TRIES - n } })
  expect(await enter(recoveryCodes[0]!)).toMatchObject({ code: 'confirmation-ended' })
})

test('what guards an account asks for fresh proof once the sign-in is some minutes old', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  // A session by the clock of the test.
  const account = await world.account()
  const person = { ...account, headers: { cookie: cookiesOf(await signIn(api, account)) } }
  clock.advance(PROOF_MS)
  const changeEmail = async () =>
    (await api.call('PUT', '/me/email', person, { payload: { email: 'ada@example.org' } })).json()
  expect(await changeEmail()).toMatchObject({ code: 'proof-needed', isWorkKept: true })
  for (const [method, path] of [
    ['POST', '/me/totp'],
    ['DELETE', '/me/totp'],
    ['POST', '/me/recovery-codes'],
    ['POST', '/me/passkeys/options'],
    ['DELETE', '/me/passkeys/x'],
  ] as const)
    expect((await api.call(method, path, person)).json()).toMatchObject({ code: 'proof-needed' })

  const prove = (password: string) => api.call('POST', '/me/proof', person, { payload: { password } })
  expect((await prove('a wrong one')).statusCode).toBe(401)
  expect((await prove(person.password)).statusCode).toBe(204)
  expect(await changeEmail()).toMatchObject({ email: 'ada@example.org' })
  const other = await world.account()
  const taken = await api.call('PUT', '/me/email', other, { payload: { email: 'Ada@example.org' } })
  expect(taken.json()).toMatchObject({ code: 'email-taken' })
})

/** A mail server that keeps what it is given. */
async function openMailServer() {
  const mails: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData: (stream, _session, done) => void text(stream).then((mail) => (mails.push(mail), done())),
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const unwrapped = () => mails.map((mail) => mail.replaceAll('=\r\n', '').replaceAll('=3D', '='))
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails: unwrapped,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

test('the owner of a new sign-in is mailed, taps once, and everybody is out until there is a new password', async () => {
  await using smtp = await openMailServer()
  await using world = await createWorld({ isWorker: true, env: { SMTP_URL: smtp.url } })
  await using api = await openApi(world, accountRoutes)
  using _mail = await startMailJobs(world.ctx)
  const person = await world.account()
  await api.call('PUT', '/me/email', person, { payload: { email: 'ada@example.org' } })
  const thief = await signIn(api, person, STRANGE)
  expect(thief.statusCode).toBe(201)
  const stolen = { headers: { cookie: cookiesOf(thief) } }

  await expect.poll(smtp.mails, { timeout: 20_000 }).toHaveLength(1)
  expect(smtp.mails()[0]).toContain('198.51.100.7')
  const token = /\/not-me\?token=(\S+)/.exec(smtp.mails()[0]!)![1]!
  const deny = () => api.call('POST', '/sign-in-denials', null, { payload: { token } })
  const { resetToken } = (await deny()).json()
  await expect
    .poll(async () => (await api.call('GET', '/me', stolen)).json().account, { timeout: 10_000 })
    .toBeNull()
  expect((await deny()).json()).toMatchObject({ code: 'link-ended' })

  // The thief knows the password still.
  expect((await signIn(api, person, STRANGE)).json()).toMatchObject({ code: 'confirmation-needed' })
  const reset = (newPassword: string) =>
    api.call('POST', '/password-resets', null, { payload: { resetToken, newPassword } })
  expect((await reset('football')).statusCode).toBe(400)
  expect((await reset('three unrelated words')).statusCode).toBe(204)
  expect((await reset('four more unrelated words')).json()).toMatchObject({ code: 'link-ended' })
  expect((await signIn(api, person, STRANGE)).statusCode).toBe(401)
  const changed = { ...person, password: 'three unrelated words' }
  expect((await signIn(api, changed, STRANGE)).statusCode).toBe(201)
})

test('in the app the one who taps stays, and the one who is denied goes', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const person = await world.account()
  const thief = await signIn(api, person, STRANGE)
  const stolen = { headers: { cookie: cookiesOf(thief) } }
  const [notice] = (await api.call('GET', '/me/security', person)).json().notices
  expect(notice).toMatchObject({ address: '198.51.100.7', deniedAt: null })
  const stranger = await world.account()
  expect((await api.call('POST', `/me/sign-ins/${notice.id}/denial`, stranger)).statusCode).toBe(404)

  expect((await api.call('POST', `/me/sign-ins/${notice.id}/denial`, person)).statusCode).toBe(200)

  await expect
    .poll(async () => (await api.call('GET', '/me', stolen)).json().account, { timeout: 10_000 })
    .toBeNull()
  const security = (await api.call('GET', '/me/security', person)).json()
  expect(security).toMatchObject({
    passwordAlarmAt: expect.any(String),
    notices: [{ deniedAt: expect.any(String) }],
  })
})

test('whoever came after a sign-in proves who they are before they deny it and choose a new password', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  const person = await world.account()
  await signIn(api, person, STRANGE)
  const later = { headers: { cookie: cookiesOf(await signIn(api, person)) } }
  const [notice] = (await api.call('GET', '/me/security', person)).json().notices
  const deny = () => api.call('POST', `/me/sign-ins/${notice.id}/denial`, later)
  clock.advance(PROOF_MS)

  expect((await deny()).json().code).toBe('proof-needed')
  expect((await api.call('GET', '/me/security', person)).json().notices[0].deniedAt).toBeNull()

  const payload = { password: person.password }
  expect((await api.call('POST', '/me/proof', later, { payload })).statusCode).toBe(204)
  expect((await deny()).json()).toMatchObject({ resetToken: expect.any(String) })
})
