/** The feed on screens of other shapes than an upright phone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inView, openStage, untilPlaying, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await stage.author('h264', 'One')
  await stage.author('h264', 'Two')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test.each([
  { width: 844, height: 390 },
  { width: 667, height: 375 },
  { width: 568, height: 320 },
])('on a phone on its side ($width × $height) every action lies within its own video', async (viewport) => {
  const { page } = await stage.visitor({ viewport })
  await page.goto('/')
  await untilPlaying(page)

  const { slide, rail } = await inView(page).evaluate((article) => {
    const boxOf = (element: Element) => {
      const { top, bottom } = element.getBoundingClientRect()
      return { top, bottom }
    }
    return { slide: boxOf(article), rail: boxOf(article.querySelector('.rail')!) }
  })

  expect(rail.top).toBeGreaterThanOrEqual(slide.top)
  expect(rail.bottom).toBeLessThanOrEqual(slide.bottom)
})

test('a portrait video fills a phone, and is shown whole on a tablet', async () => {
  const { page } = await stage.visitor()
  await page.goto('/')
  await untilPlaying(page)
  const fit = () => page.evaluate(() => getComputedStyle(document.querySelector('video.shown')!).objectFit)
  expect(await fit()).toBe('cover')

  await page.setViewportSize({ width: 820, height: 1180 })

  await expect.poll(fit).toBe('contain')
})
