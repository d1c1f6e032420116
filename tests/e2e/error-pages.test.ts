/** Where there is nothing, or nobody answers, the page says what is the matter and what one can do. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signUp } from '../support/browser-upload.ts'
import { openStage, untilPlaying, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.author()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('an address that leads nowhere is a 404 that says so and shows the way out', async () => {
  const { page } = await stage.visitor()

  const response = await page.goto('/no/such/page')

  expect(response!.status()).toBe(404)
  await page.getByRole('heading', { name: 'There’s nothing here' }).waitFor()
  await page.getByText('/no/such/page').waitFor()
  await page.getByRole('link', { name: 'Go to For You' }).click()
  await untilPlaying(page)
})

test('a video and a person that do not exist are missed in words', async () => {
  const { page } = await stage.visitor()

  for (const path of [`/v/${randomUUID()}`, '/@nobody_is_called_so']) {
    const response = await page.goto(path)
    expect(response!.status()).toBe(404)
    await page
      .getByRole('heading', { level: 1 })
      .or(page.getByRole('heading', { level: 2 }))
      .first()
      .waitFor()
    const words = await page.locator('main').innerText()
    expect(words).not.toMatch(/something went wrong|an error occurred|please try again later/i)
    expect(words.length).toBeGreaterThan(20)
  }
})

test('a page of an account asks a visitor to sign in, and leads back to it', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor()
  await page.goto('/upload')
  await page.getByRole('heading', { name: 'Sign in to upload' }).waitFor()

  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click()
  await page.getByLabel('Handle or e-mail address').fill(person.handle)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()

  await page.getByRole('button', { name: 'Choose files' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/upload')
})

test('a wrong password is told at the form, which keeps what was typed', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor()
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(person.handle)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()

  await page.getByRole('alert').or(page.locator('[aria-invalid=true]')).first().waitFor()
  expect(await page.getByLabel('Handle or e-mail address').inputValue()).toBe(person.handle)
})

test('a server that does not answer is named as what it is, and asking again helps once it does', async () => {
  const { page } = await stage.visitor()
  await page.goto('/search')
  await page.getByRole('searchbox').waitFor()
  stage.network.refuse()
  stage.network.reset()
  try {
    await page.getByRole('searchbox').fill('bunny')
    await page.getByText('We can’t be reached').waitFor()
  } finally {
    stage.network.admit()
  }
  // The page asks again by itself, too, and may have been faster.
  await page
    .getByRole('button', { name: /Try/ })
    .first()
    .click({ timeout: 5_000 })
    .catch(() => {})
  await page.getByText('We can’t be reached').waitFor({ state: 'detached' })
})

test('a page whose code does not come through says that it is the network, and works once that is back', async () => {
  const { page } = await stage.visitor()
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').waitFor()
  stage.network.refuse()
  stage.network.reset()
  try {
    await page.getByRole('link', { name: 'Search' }).last().click()
    await page.getByRole('heading', { name: 'We can’t be reached' }).waitFor()
  } finally {
    stage.network.admit()
  }
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('searchbox').waitFor()
})
