/** The page of one video: it leads on from its end, and offers no way to where one is. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inView, openStage, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let author: Author
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('after its only video the page goes on with For You', async () => {
  const { page } = await stage.visitor()
  await page.goto(`/v/${author.videoId}`)
  await untilPlaying(page)

  await page.keyboard.press('ArrowDown')
  await page.getByRole('link', { name: 'Go on with For You' }).click()

  await page.waitForURL('/')
  await untilPlaying(page)
})

test('its menu does not offer the page that one is on, the feed’s does', async () => {
  const { page } = await stage.visitor()
  const openMenu = () => inView(page).getByRole('button', { name: 'More', exact: true }).click()
  const link = page.getByRole('link', { name: 'Open the video’s own page' })
  await page.goto('/')
  await untilPlaying(page)
  await openMenu()
  await link.waitFor()

  await page.goto(`/v/${author.videoId}`)
  await untilPlaying(page)
  await openMenu()
  await page.getByRole('dialog', { name: 'More' }).waitFor()

  expect(await link.count()).toBe(0)
})
