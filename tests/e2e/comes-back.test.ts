/** What failed for want of a server or a network goes on by itself, and says meanwhile what is missing. */
import { afterAll, beforeAll, test } from 'vitest'
import {
  goOffline,
  goOnline,
  inView,
  openStage,
  untilPlaying,
  type Author,
  type Stage,
} from './support/stage.ts'

const FEED = '/api/v1/feed/for-you'

let stage: Stage
let author: Author
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author('h264', 'Seen again')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('a profile opened while the server is away comes when it is back, without a touch', async () => {
  const { page } = await stage.visitor()
  await page.goto('/')
  await untilPlaying(page)
  stage.network.refuse()
  stage.network.reset()

  await inView(page).locator(`.who a[href="/@${author.handle}"]`).click()
  await page.getByRole('heading', { name: 'We can’t be reached' }).waitFor()
  stage.network.admit()

  await page.getByText(`@${author.handle}`).first().waitFor()
})

test('a video opened without a network plays as soon as the device is connected again', async () => {
  const { context, page } = await stage.visitor()
  await page.goto('/search')
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated')
  await goOffline(stage, context)
  await page.goto(`/v/${author.videoId}`)
  await page.getByRole('heading', { name: 'You’re offline' }).waitFor()

  await goOnline(stage, context)

  await untilPlaying(page)
})

test('a feed that this device had kept says at once that the server is away, and no longer when it is back', async () => {
  const { page } = await stage.visitor()
  await page.goto('/')
  await untilPlaying(page)
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated')
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await page.reload()
  await untilPlaying(page)
  await page.waitForFunction(async (url) => (await caches.match(url)) !== undefined, FEED)
  stage.network.refuse()
  stage.network.reset()

  await page.reload()

  await page.getByText(/The server doesn’t answer\. This is what we had/).waitFor()
  stage.network.admit()

  await page.getByText(/This is what we had/).waitFor({ state: 'detached' })
  await untilPlaying(page)
})

test('a video that does not come says whether the server answers at all', async () => {
  const { context, page } = await stage.visitor({ serviceWorkers: 'block' })
  await context.route('**/media/**/*.m3u8', (route) => route.abort('connectionrefused'))

  await page.goto('/')
  await inView(page).getByRole('heading', { name: 'The video doesn’t come through' }).waitFor()

  await context.route('**/api/v1/instance', (route) => route.abort('connectionrefused'))
  await page.reload()
  await inView(page).getByRole('heading', { name: 'The server doesn’t answer' }).waitFor()

  await context.unrouteAll()
  await untilPlaying(page)
})
