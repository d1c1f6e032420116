/** Views are counted however the page is left, also when the video in view is the first and only one. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VideoCard } from '../../contract/videos.ts'
import { openStage, readAs, untilPlaying, type Stage } from './support/stage.ts'

/** Watched for so long, a showing is a view for sure. */
const WATCHED_S = 3.5

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function watchAVideo(): Promise<{ page: Page; viewsNow: () => Promise<number | null> }> {
  const author = await stage.author()
  const { page } = await stage.visitor()
  await page.goto(`/v/${author.videoId}`)
  await untilPlaying(page)
  await page.waitForFunction(
    (watchedS) => [...document.querySelectorAll('video')].some((video) => video.currentTime > watchedS),
    WATCHED_S,
  )
  const viewsNow = async () =>
    (await readAs<VideoCard>(stage, null, `/videos/${author.videoId}`)).counts.views
  return { page, viewsNow }
}

test('closing the tab counts what was watched in it', async () => {
  const { page, viewsNow } = await watchAVideo()

  await page.close()

  await expect.poll(viewsNow).toBe(1)
})

test('going to another site counts it too', async () => {
  const { page, viewsNow } = await watchAVideo()

  await page.goto('about:blank')

  await expect.poll(viewsNow).toBe(1)
})
