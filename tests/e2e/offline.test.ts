/** Without a network: the last feed is there with its age, and what is done is kept and sent once. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page as ListPage } from '../../contract/common.ts'
import type { Comment } from '../../contract/social.ts'
import type { FeedPage, VideoCard } from '../../contract/videos.ts'
import { signUp } from '../support/browser-upload.ts'
import {
  goOffline,
  goOnline,
  inView,
  openStage,
  readAs,
  untilPlaying,
  type Author,
  type Stage,
} from './support/stage.ts'

const DAY_MS = 24 * 3_600_000
const FEED = '/api/v1/feed/for-you'

let stage: Stage
let author: Author
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author('h264', 'Seen before the tunnel')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Opens the feed twice: the worker is there from the second time on, and keeps what it shows. */
async function openKeptFeed(page: Page): Promise<void> {
  await page.goto('/')
  await untilPlaying(page)
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready
  })
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await page.reload()
  await untilPlaying(page)
  await page.waitForFunction(async (url) => (await caches.match(url)) !== undefined, FEED)
}

/** Ages what the worker has kept: the only clock that counts is the date of the ranking in it. */
async function ageKeptFeed(page: Page, ageMs: number): Promise<void> {
  await page.evaluate(
    async ({ url, rankedAt }) => {
      for (const name of await caches.keys()) {
        const cache = await caches.open(name)
        const kept = await cache.match(url)
        if (!kept) continue
        const feed = (await kept.json()) as FeedPage
        await cache.put(url, Response.json({ ...feed, rankedAt }))
      }
    },
    { url: FEED, rankedAt: new Date(Date.now() - ageMs).toISOString() },
  )
}

const likeButton = (page: Page) => inView(page).getByRole('button', { name: /^(Like|Take back the like),/ })
const card = () => readAs<VideoCard>(stage, null, `/videos/${author.videoId}`)

/** Writes that left the browser, in their order. */
function watchWrites(context: BrowserContext): { method: string; path: string; key: string | undefined }[] {
  const writes: { method: string; path: string; key: string | undefined }[] = []
  context.on('request', (request) => {
    if (['GET', 'HEAD'].includes(request.method())) return
    const key = request.headers()['idempotency-key']
    writes.push({ method: request.method(), path: new URL(request.url()).pathname, key })
  })
  return writes
}

test('a feed kept for three days is shown with its age, and is fresh again with the network', async () => {
  const { context, page } = await stage.visitor()
  await openKeptFeed(page)
  await ageKeptFeed(page, 3 * DAY_MS)
  await goOffline(stage, context)

  await page.reload()

  await page.getByText('Not connected. This is what we had 3 days ago.').waitFor()
  await page.getByText('Seen before the tunnel').first().waitFor()
  await goOnline(stage, context)
  await page.getByText(/This is what we had/).waitFor({ state: 'detached' })
  await untilPlaying(page)
})

test('a like and a comment made offline outlive the tab, and are sent once each', async () => {
  const viewer = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: viewer })
  await openKeptFeed(page)
  await goOffline(stage, context)

  await likeButton(page).click()
  await inView(page).getByRole('img', { name: 'Waiting to be sent' }).first().waitFor()
  await inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  await page.getByPlaceholder('Add a comment').fill('Written in a tunnel')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('You’re offline. What you do is sent later. (2 waiting)').waitFor()
  await page.close()
  expect((await card()).counts.likes).toBe(0)

  const writes = watchWrites(context)
  const later = await context.newPage()
  await goOnline(stage, context)
  await later.goto('/')
  await inView(later)
    .getByRole('button', { name: /^Take back the like, 1 like/ })
    .waitFor()

  await expect
    .poll(async () => (await card()).counts, { timeout: 60_000 })
    .toMatchObject({ likes: 1, comments: 1 })
  const actions = writes.filter(({ path }) => /\/(like|comments)$/.test(path))
  expect(actions.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)).toEqual([
    'PUT like',
    'POST comments',
  ])
})

test('a like that waits counts after a reload too, and can be taken back before it was sent', async () => {
  const viewer = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: viewer })
  await openKeptFeed(page)
  const before = (await card()).counts.likes!
  await goOffline(stage, context)
  await likeButton(page).click()
  const liked = inView(page).getByRole('button', {
    name: new RegExp(`^Take back the like, ${before + 1} like`),
  })
  await liked.waitFor()

  await page.reload()

  await liked.click()
  await inView(page)
    .getByRole('button', { name: new RegExp(`^Like, ${before} like`) })
    .waitFor()
  await goOnline(stage, context)
})

test('the notice that there is no network covers nothing of a page', async () => {
  const { context, page } = await stage.visitor({ serviceWorkers: 'block' })
  await page.goto('/search?q=clip')
  await page.getByRole('tab').first().waitFor()
  await goOffline(stage, context)

  const notice = page.getByText('You’re offline. What you do is sent later.')
  await notice.waitFor()
  const [noticeBox, fieldBox] = [await notice.boundingBox(), await page.getByRole('searchbox').boundingBox()]
  const tabs = await page.getByRole('tablist').boundingBox()

  expect(noticeBox!.y + noticeBox!.height).toBeLessThanOrEqual(fieldBox!.y)
  expect(noticeBox!.y + noticeBox!.height).toBeLessThanOrEqual(tabs!.y)
  await goOnline(stage, context)
})

test('a comment whose answer was lost is sent again, and is there once', async () => {
  const viewer = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: viewer })
  let lostCount = 0
  await context.route('**/api/v1/videos/*/comments', async (route) => {
    if (route.request().method() !== 'POST' || lostCount > 0) return route.continue()
    lostCount += 1
    // The server gets it and answers; the answer doesn't arrive.
    await route.fetch()
    await route.abort('connectionreset')
  })
  const writes = watchWrites(context)
  await page.goto('/')
  await untilPlaying(page)
  await inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  await page.getByPlaceholder('Add a comment').fill('Only once, please')
  await page.getByRole('button', { name: 'Send' }).click()

  const sent = () => writes.filter(({ path }) => path.endsWith('/comments'))
  await expect.poll(() => sent().length, { timeout: 60_000 }).toBe(2)
  await page.getByRole('img', { name: 'Waiting to be sent' }).waitFor({ state: 'detached' })

  expect(new Set(sent().map(({ key }) => key)).size).toBe(1)
  const comments = await readAs<ListPage<Comment>>(stage, viewer, `/videos/${author.videoId}/comments`)
  expect(comments.items.filter(({ body }) => body === 'Only once, please')).toHaveLength(1)
})
