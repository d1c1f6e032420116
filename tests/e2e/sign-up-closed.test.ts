/** An instance whose operator makes the accounts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStage, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({ SIGN_UP: 'closed' })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('the page to sign up says that nobody can, and leads to signing in', async () => {
  const { page } = await stage.visitor()

  await page.goto('/signup')

  await page.getByRole('heading', { name: 'No new accounts here' }).waitFor()
  expect(await page.getByRole('button', { name: 'Sign up' }).count()).toBe(0)
  await page.getByRole('link', { name: 'Sign in' }).first().click()
  await page.waitForURL(/\/signin/)
})
