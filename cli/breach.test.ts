/** What is done after a break-in, on a running product and on a folder where nothing runs. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { base32 } from '@better-auth/utils/base32'
import { createOTP } from '@better-auth/utils/otp'
import { assert, expect, test } from 'vitest'
import { loadSecrets } from '../platform/app/secrets.ts'
import { signUp } from '../tests/support/browser-upload.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { eventually } from '../tests/support/eventually.ts'
import { startProduct } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'

const post = (url: string, path: string, body: object, cookie = '') =>
  fetch(`${url}/api/v1${path}`, {
    method: path === '/me/totp' && 'code' in body ? 'PUT' : 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  })

/** Answers how its codes are made, so many time steps from now. */
async function addAuthenticator(url: string, cookie: string): Promise<(steps: number) => Promise<string>> {
  const { secret } = (await (await post(url, '/me/totp', {}, cookie)).json()) as { secret: string }
  const otp = createOTP(base32.decode(secret) as never)
  const codeIn = (steps: number) => otp.hotp(Math.floor(Date.now() / 30_000) + steps)
  expect((await post(url, '/me/totp', { code: await codeIn(0) }, cookie)).status).toBe(200)
  return codeIn
}

const WHY = ['--reason', 'A backup was found in public']

test('one command signs everybody out, changes the keys, keeps the evidence and drafts the notices', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  await product.settled()
  // Roles may be ready before the way back from the beginning is at its end.
  const person = await eventually(
    () => signUp(product.url).catch(() => null),
    (made) => made !== null,
  )
  assert(person)
  const me = async (cookie: string) => {
    const answer = await fetch(`${product.url}/api/v1/me`, { headers: { cookie } })
    return ((await answer.json()) as { account: { handle: string } | null }).account
  }
  expect(await me(person.cookie)).toMatchObject({ handle: person.handle })
  const secrets = await loadSecrets(join(dir.path, 'secrets.json'))
  const codeIn = await addAuthenticator(product.url, person.cookie)

  const done = await upbeat(['breach', 'respond', ...WHY, '--data', dir.path])

  expect(done).toMatchObject({ code: 0, errors: '' })
  expect(done.output).toContain('1 sessions are ended')
  expect(done.output).toMatch(/seal .*: [0-9a-f]{64}/)
  expect(done.output).toContain('1 second factors')
  const now = await loadSecrets(join(dir.path, 'secrets.json'))
  for (const name of ['session', 'media', 'cursor', 'vault'] as const)
    expect(now[name]).not.toBe(secrets[name])
  // One process after the other takes over, each with the new keys.
  await expect.poll(() => me(person.cookie)).toBeNull()
  const again = await post(product.url, '/sessions', { identifier: person.handle, password: person.password })
  expect(again.status).toBe(401)
  const { facts } = (await again.json()) as { facts: { confirmation: string } }
  const confirmed = await post(product.url, '/sessions/confirmations', { ...facts, code: await codeIn(1) })
  expect(confirmed.status).toBe(201)
  const [notices] = await readdir(join(dir.path, 'notices'))
  expect(await readFile(join(dir.path, 'notices', notices!, 'authority.md'), 'utf8')).toContain(
    '1 accounts exist',
  )
  const audit = await upbeat(['audit', '--data', dir.path])
  for (const step of ['freeze-evidence', 'rotate-keys', 'revoke-all', 'draft-notices'])
    expect(audit.output).toContain(`breach, step "${step}"`)
})

test('with neither database nor any process all of it is done as far as it can be, and said', async () => {
  await using dir = await makeTemporaryDir()
  await mkdir(join(dir.path, 'logs'))
  const before = await loadSecrets(join(dir.path, 'secrets.json'))
  const done = await upbeat(['breach', 'respond', ...WHY, '--data', dir.path])
  expect(done.code).toBe(0)
  expect(done.output).toContain('the database is away')
  expect(done.output).toContain('does not run here')
  expect((await loadSecrets(join(dir.path, 'secrets.json'))).session).not.toBe(before.session)
  expect(await readFile(join(dir.path, 'logs', 'audit.jsonl'), 'utf8')).toContain(
    'A backup was found in public',
  )
})

test('a step that there is not, and one without a reason, are told', async () => {
  await using dir = await makeTemporaryDir()
  expect(await upbeat(['breach', 'panic', ...WHY, '--data', dir.path])).toMatchObject({ code: 2 })
  const silent = await upbeat(['breach', 'revoke-all', '--data', dir.path])
  expect(silent).toMatchObject({ code: 2, errors: expect.stringContaining('--reason') })
})
