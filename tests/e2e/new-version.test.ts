/** The server has a newer build, and the code of the one that a page was made of is gone: the page helps itself, once. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inView, openStage, untilPlaying, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.author()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Replaces the build: what the page has not loaded yet is gone, until a page is loaded anew. */
async function replaceBuild(page: Page): Promise<{ readonly loads: () => number }> {
  let loads = 0
  let isGone = true
  page.on('request', (request) => {
    if (!request.isNavigationRequest()) return
    loads += 1
    isGone = false
  })
  await page.route('**/_app/version.json', (route) => route.fulfill({ json: { version: 'the-next-build' } }))
  await page.route('**/_app/immutable/**', (route) =>
    isGone ? route.fulfill({ status: 404, body: 'gone' }) : route.continue(),
  )
  return { loads: () => loads }
}

/** Without the worker, which keeps a build's code for as long as its pages are open. */
const visit = () => stage.visitor({ serviceWorkers: 'block' })

test('going to a page whose code is gone loads that page of the new build', async () => {
  const { page } = await visit()
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').waitFor()
  const build = await replaceBuild(page)

  await page.getByRole('link', { name: 'Search' }).last().click()

  await page.getByRole('searchbox').waitFor()
  expect(new URL(page.url()).pathname).toBe('/search')
  expect(build.loads()).toBe(1)
})

test('a part of a page whose code is gone brings the new build, and is there then', async () => {
  const { page } = await visit()
  await page.goto('/')
  await untilPlaying(page)
  const build = await replaceBuild(page)
  const comments = inView(page).getByRole('button', { name: /^Comments,/ })

  await comments.click()

  await expect.poll(build.loads, { timeout: 60_000 }).toBe(1)
  await untilPlaying(page)
  await comments.click()
  await page.getByRole('dialog', { name: 'Comments' }).waitFor()
  expect(build.loads()).toBe(1)
})

test('a build that stays incomplete is not loaded over and over: the page says what it needs', async () => {
  const { page } = await visit()
  await page.goto('/')
  await untilPlaying(page)
  const first = await replaceBuild(page)
  const comments = inView(page).getByRole('button', { name: /^Comments,/ })
  await comments.click()
  await expect.poll(first.loads, { timeout: 60_000 }).toBe(1)
  await untilPlaying(page)
  const second = await replaceBuild(page)

  await comments.click()

  await page.getByText('This part needs the new version of the app').waitFor()
  expect(second.loads()).toBe(0)
})
