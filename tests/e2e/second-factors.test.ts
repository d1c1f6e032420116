/** Passkeys and one-time codes, from the settings to the next sign-in. */
import { base32 } from '@better-auth/utils/base32'
import { createOTP } from '@better-auth/utils/otp'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signUp, type Person } from '../support/browser-upload.ts'
import { openStage, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** An authenticator of the browser's own (WebAuthn level 3, 11), which says yes. */
async function addAuthenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}

const signOut = (page: Page) => page.context().clearCookies()
const accountOf = (page: Page) =>
  page.evaluate(async () => {
    const response = await fetch('/api/v1/me')
    return ((await response.json()) as { account: { handle: string } | null }).account?.handle ?? null
  })

test('a passkey is added, signs in without a password, and is taken away again', async () => {
  const person: Person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  await addAuthenticator(page)

  await page.goto('/settings/security')
  await page.getByLabel('Name', { exact: true }).fill('My test key')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('My test key').waitFor()

  await signOut(page)
  await page.goto('/signin')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await expect.poll(() => accountOf(page), { timeout: 30_000 }).toBe(person.handle)

  await page.goto('/settings/security')
  await page.getByRole('listitem').filter({ hasText: 'My test key' }).getByRole('button').click()
  await page.getByText('None yet').waitFor()
  await signOut(page)
  await page.goto('/signin')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByText('This passkey was not accepted').waitFor()
})

test('an authenticator is set up by its QR code, and asked for at the next sign-in', async () => {
  const person: Person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  await page.goto('/settings/security')
  await page.getByRole('button', { name: 'Set up' }).click()
  const picture = page.getByRole('img', { name: 'QR code for an authenticator' })
  await picture.waitFor()
  expect(await picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
  const key = await page.getByText('Or type this key:').innerText()
  const secret = base32.decode(key.split(': ')[1]!.trim())
  const codeIn = (steps: number) => createOTP(secret as never).hotp(Math.floor(Date.now() / 30_000) + steps)
  await page.getByLabel('Code of the app').fill(await codeIn(0))
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('Your recovery codes').waitFor()
  await page.getByRole('button', { name: 'I have kept them' }).click()
  await page.getByText('10 recovery codes left').waitFor()

  await signOut(page)
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(person.handle)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByLabel('Code').fill('000000')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByText('This code does not fit').waitFor()
  // Each time step is good once: the next one is taken early.
  await page.getByLabel('Code').fill(await codeIn(1))
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect.poll(() => accountOf(page), { timeout: 30_000 }).toBe(person.handle)
})

test('somebody who has mistyped often lets the device work, and gets in', async () => {
  const person: Person = await signUp(stage.directUrl)
  const { page } = await stage.visitor()
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(person.handle)
  const attempt = async (password: string) => {
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  const asked: number[] = []
  page.on('response', (response) => {
    if (response.url().endsWith('/api/v1/sessions')) asked.push(response.status())
  })
  for (let n = 1; n <= 3; n++) {
    await attempt(`a wrong one ${n}`)
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(n)
  }
  await attempt(person.password)
  await expect.poll(() => accountOf(page), { timeout: 60_000 }).toBe(person.handle)
  expect(asked).toEqual([401, 401, 401, 428, 201])
})
