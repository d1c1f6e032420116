/** Everything in the feed by the keyboard alone. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { signUp } from '../support/browser-upload.ts'
import { DESKTOP } from '../support/chromium.ts'
import { inView, openStage, untilPlaying, untilStill, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  await Promise.all([stage.author('h264', 'One'), stage.author('h264', 'Two'), stage.author('h264', 'Three')])
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function openFeed(): Promise<Page> {
  const { page } = await stage.visitor({ as: await signUp(stage.directUrl), viewport: DESKTOP })
  await page.goto('/')
  await untilPlaying(page)
  return page
}

/** The video at a place is the one in view: nobody can get into the others. */
const untilInView = (page: Page, position: number) =>
  page.waitForFunction((at) => {
    const inView = document.querySelector('article[aria-posinset]:not([inert])')
    return inView?.getAttribute('aria-posinset') === String(at)
  }, position)

test('arrow keys, j and k go from video to video, and each one plays', async () => {
  const page = await openFeed()

  for (const [key, position] of [
    ['ArrowDown', 2],
    ['j', 3],
    ['k', 2],
    ['ArrowUp', 1],
  ] as const) {
    await page.keyboard.press(key)
    await untilInView(page, position)
    await untilPlaying(page)
  }
})

test('space pauses and goes on, l likes, c opens the comments and Escape closes them', async () => {
  const page = await openFeed()

  await page.keyboard.press(' ')
  await untilStill(page)
  await page.keyboard.press(' ')
  await untilPlaying(page)

  await page.keyboard.press('l')
  await inView(page)
    .getByRole('button', { name: /^Take back the like/ })
    .waitFor()
  await page.keyboard.press('l')
  await inView(page)
    .getByRole('button', { name: /^Like,/ })
    .waitFor()

  await page.keyboard.press('c')
  await page.getByPlaceholder('Add a comment').waitFor()
  await page.keyboard.press('Escape')
  await page.getByPlaceholder('Add a comment').waitFor({ state: 'detached' })
})

test('? lists the keys, and so does the menu', async () => {
  const page = await openFeed()
  const list = page.getByRole('dialog', { name: 'Keys' })

  await page.keyboard.press('?')
  await list.getByText('Open and close the comments').waitFor()
  await page.keyboard.press('Escape')
  await list.waitFor({ state: 'detached' })

  await page.getByRole('navigation').getByRole('button', { name: 'Keys' }).click()
  await list.waitFor()
})

test('the first Tab leads past the navigation, and the next ones reach the actions of the video in view', async () => {
  const page = await openFeed()

  await page.keyboard.press('Tab')
  await page.locator(':focus', { hasText: 'Skip to the content' }).waitFor()
  await page.keyboard.press('Enter')

  const like = inView(page).getByRole('button', { name: /^(Like|Take back the like),/ })
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press('Tab')
    if (await like.evaluate((button) => button === document.activeElement)) break
  }
  await like.and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Enter')
  await inView(page)
    .getByRole('button', { name: /^Take back the like/ })
    .waitFor()
})
