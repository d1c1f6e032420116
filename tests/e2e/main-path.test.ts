/** The way that matters most: somebody posts a film, somebody else watches it and answers. */
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeClip } from '../support/clips.ts'
import { inView, openStage, untilPlaying, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function signUpByPage(page: Page, handle: string): Promise<void> {
  await page.goto('/signup')
  await page.getByLabel('Handle').fill(handle)
  await page.getByLabel('Password', { exact: true }).fill(`a password of ${handle}`)
  await page.getByRole('button', { name: 'Sign up' }).click()
  await page.getByText(`Welcome, @${handle}`).waitFor()
}

test('a person signs up, uploads a film, and another one watches it, likes it, comments and follows', async () => {
  const suffix = randomUUID().slice(0, 6)
  const [author, viewer] = [`author_${suffix}`, `viewer_${suffix}`]
  const path = await makeClip('h264IndexAtEnd')

  const { page: desk } = await stage.visitor()
  await signUpByPage(desk, author)
  await desk.getByRole('link', { name: 'Upload' }).first().click()
  await desk.locator('input[type=file][multiple]').setInputFiles(path)
  await desk.getByLabel('Caption').fill('My first film #morning')
  await desk.getByRole('button', { name: 'Post', exact: true }).click()
  await desk.getByText('Everyone can watch it, in every quality.').waitFor()

  // The receipt is about these very bytes.
  await desk.getByRole('button', { name: 'Receipt' }).click()
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  await desk.getByRole('dialog').getByText(sha256).waitFor()

  const { page: feed } = await stage.visitor()
  await signUpByPage(feed, viewer)
  await feed.getByRole('article', { name: `Video 1 by ${author}` }).waitFor()
  await untilPlaying(feed)
  await feed.getByText('My first film').waitFor()

  await inView(feed)
    .getByRole('button', { name: /^Like,/ })
    .click()
  await inView(feed)
    .getByRole('button', { name: /^Take back the like, 1 like/ })
    .waitFor()
  await inView(feed)
    .getByRole('button', { name: `Follow ${author}` })
    .click()
  await inView(feed)
    .getByRole('button', { name: `Follow ${author}` })
    .waitFor({ state: 'detached' })
  await inView(feed)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  await feed.getByPlaceholder('Add a comment').fill('What a morning!')
  await feed.getByRole('button', { name: 'Send' }).click()
  await feed.getByText('What a morning!').waitFor()

  // All of it is the server's, not only this page's.
  await desk.keyboard.press('Escape')
  await desk.goto('/notifications')
  for (const words of [/liked/, /follow/, /What a morning!/]) await desk.getByText(words).first().waitFor()
  await feed.goto('/following')
  await inView(feed)
    .getByRole('button', { name: /^Take back the like, 1 like/ })
    .waitFor()
  await inView(feed)
    .getByRole('button', { name: /^Comments, 1 comment/ })
    .waitFor()
  await untilPlaying(feed)
})

test('a visitor without an account watches, and is asked to sign in when it comes to liking', async () => {
  await stage.author('h264')
  const { page } = await stage.visitor()
  await page.goto('/')
  await untilPlaying(page)

  await inView(page)
    .getByRole('button', { name: /^Like,/ })
    .click()

  await page.getByText('Sign in to like videos and find them again.').waitFor()
  expect(await page.getByRole('link', { name: 'Sign in' }).first().getAttribute('href')).toContain('/signin')
})
