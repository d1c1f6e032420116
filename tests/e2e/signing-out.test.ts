/** Who signs out takes along what is theirs; what could not be sent yet is asked about. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VideoCard } from '../../contract/videos.ts'
import { signUp, type Person } from '../support/browser-upload.ts'
import { inView, openStage, readAs, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let author: Author
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author('h264', 'To be liked')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const LIKES = '**/api/v1/videos/*/like'

/** A like that doesn't get through. */
async function leaveLikeWaiting(context: BrowserContext, page: Page): Promise<void> {
  await context.route(LIKES, (route) => route.abort('connectionreset'))
  await page.goto(`/v/${author.videoId}`)
  await untilPlaying(page)
  await inView(page)
    .getByRole('button', { name: /^Like,/ })
    .click()
  await inView(page).getByRole('img', { name: 'Waiting to be sent' }).first().waitFor()
}

async function signOut(page: Page, button: string): Promise<void> {
  await page.goto('/settings')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('dialog').getByRole('button', { name: button }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

async function signIn(page: Page, person: Person): Promise<void> {
  await page.goto('/signin')
  await page.getByLabel('Handle or e-mail address').fill(person.handle)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await untilPlaying(page)
}

const likesOf = async () => (await readAs<VideoCard>(stage, null, `/videos/${author.videoId}`)).counts.likes

test('searches and kept feeds are gone from the device, settings of the device stay', async () => {
  const { page } = await stage.visitor({ as: await signUp(stage.directUrl) })
  await page.goto('/search')
  await page.getByRole('searchbox').fill('a present for my sister')
  await page.getByRole('searchbox').press('Enter')
  await page.waitForFunction(() => JSON.stringify(localStorage).includes('a present for my sister'))
  await page.evaluate(() =>
    caches.open('upbeat-answers').then((cache) => cache.put('/kept', new Response('mine'))),
  )
  await page.evaluate(() => localStorage.setItem('upbeat.of-the-device', '1'))

  await signOut(page, 'Sign out')

  await page.goto('/search')
  await page.getByRole('searchbox').waitFor()
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('sister')
  expect(await page.evaluate(() => localStorage.getItem('upbeat.of-the-device'))).toBe('1')
  expect(await page.evaluate(() => caches.match('/kept').then((kept) => kept === undefined))).toBe(true)
})

test('a like that could not be sent is asked about; kept, it is sent after the next sign-in', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  await leaveLikeWaiting(context, page)
  const before = (await likesOf())!

  await page.goto('/settings')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('1 thing that you did here could not be sent yet.').waitFor()
  await page.getByRole('button', { name: 'Keep and sign out' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await context.unroute(LIKES)
  expect(await likesOf()).toBe(before)
  await signIn(page, person)

  await expect.poll(likesOf, { timeout: 60_000 }).toBe(before + 1)
})

test('deleted, it is never sent', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  await leaveLikeWaiting(context, page)
  const before = await likesOf()

  await signOut(page, 'Delete and sign out')
  await context.unroute(LIKES)
  const writes: string[] = []
  context.on('request', (request) => void (request.method() === 'PUT' && writes.push(request.url())))
  await signIn(page, person)
  await page.reload()
  await untilPlaying(page)

  expect(writes.filter((url) => url.endsWith('/like'))).toEqual([])
  expect(await likesOf()).toBe(before)
})
