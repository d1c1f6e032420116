/** With the database silent a person goes on watching, and what they do meanwhile is there afterwards, once. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page as ListPage } from '../../contract/common.ts'
import type { Comment } from '../../contract/social.ts'
import type { VideoCard } from '../../contract/videos.ts'
import { signUp } from '../support/browser-upload.ts'
import { listWorkingIn, sendSignal } from '../../kit/processes.ts'
import { inView, openStage, readAs, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
const authors: Author[] = []
beforeAll(async () => {
  stage = await openStage()
  for (const caption of ['A morning', 'An evening']) authors.push(await stage.author('h264', caption))
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Stops every process of the database where it stands: connections stay open, and nothing is answered. */
async function freezeDatabase(): Promise<AsyncDisposable & { thaw(): void }> {
  const pids = await listWorkingIn(join(stage.product.dataDir, 'postgres', 'cluster'))
  const signalAll = (signal: NodeJS.Signals) => pids.forEach((pid) => void sendSignal(pid, signal))
  signalAll('SIGSTOP')
  return { thaw: () => signalAll('SIGCONT'), [Symbol.asyncDispose]: async () => signalAll('SIGCONT') }
}

/** Whose video is in view. */
async function videoInView(page: Page): Promise<string> {
  const name = (await inView(page).getAttribute('aria-label')) ?? ''
  return authors.find(({ handle }) => name.includes(handle))!.videoId
}

/** What changed this shortly before the shelf was made is not served from it. */
const SETTLED_MS = 5_000

/** Whether there is a list for such times that was made after everything here was settled. */
async function isShelfNewerThan(atMs: number): Promise<boolean> {
  const round = await stat(join(stage.product.dataDir, 'standby', 'round')).catch(() => null)
  return round !== null && round.mtimeMs > atMs + SETTLED_MS
}

test('a person keeps watching, likes and comments, reads honest words, and finds it all there afterwards, once', async () => {
  const publishedAtMs = Date.now()
  await expect.poll(() => isShelfNewerThan(publishedAtMs), { timeout: 120_000 }).toBe(true)
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  await page.goto('/')
  await untilPlaying(page)

  await using database = await freezeDatabase()
  await expect.poll(async () => (await readAs<{ level: number }>(stage, null, '/state')).level).toBe(4)

  const videoId = await videoInView(page)
  await inView(page)
    .getByRole('button', { name: /^Like,/ })
    .click()
  await inView(page)
    .getByRole('button', { name: /^Take back the like/ })
    .waitFor()
  await inView(page)
    .getByRole('button', { name: /^Comments/ })
    .click()
  await page.getByPlaceholder('Add a comment').fill('Written while it was away')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('Comments are paused while we recover. Yours is saved and will be posted.').waitFor()
  await page.keyboard.press('Escape')
  // Opened anew, it is still theirs to see, and waits.
  await page.goto(`/v/${videoId}`)
  await inView(page)
    .getByRole('button', { name: /^Comments/ })
    .click()
  const written = page.getByRole('article').filter({ hasText: 'Written while it was away' })
  await written.getByText('Saved, will be posted').waitFor()
  // Somebody else's video, on a page that was opened meanwhile.
  await page.goto('/')
  await untilPlaying(page)
  await page.keyboard.press('ArrowDown')
  await untilPlaying(page)

  database.thaw()
  await expect.poll(async () => (await readAs<{ level: number }>(stage, null, '/state')).level).toBe(0)
  const comments = () => readAs<ListPage<Comment>>(stage, person, `/videos/${videoId}/comments`)
  await expect
    .poll(async () => (await comments()).items.map(({ body }) => body))
    .toEqual(['Written while it was away'])
  await expect
    .poll(async () => {
      const { counts, viewer } = await readAs<VideoCard>(stage, person, `/videos/${videoId}`)
      return { likes: counts.likes, comments: counts.comments, isLiked: viewer?.isLiked }
    })
    .toEqual({ likes: 1, comments: 1, isLiked: true })
  await page.goto(`/v/${videoId}`)
  await inView(page)
    .getByRole('button', { name: /^Take back the like, 1 like/ })
    .waitFor()
  await inView(page)
    .getByRole('button', { name: /^Comments, 1 comment/ })
    .click()
  await page.getByText('Written while it was away').waitFor()
  expect(await page.getByText('Written while it was away').count()).toBe(1)
})
