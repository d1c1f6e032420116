/** Who is blocked is out of sight, from wherever they were blocked, until that is lifted. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signUp } from '../support/browser-upload.ts'
import { inView, openStage, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let pest: Author
beforeAll(async () => {
  stage = await openStage()
  await stage.author('h264', 'Quite nice')
  pest = await stage.author('h264', 'Not so nice')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('blocked from their video, somebody is gone from the feed and stands in the settings, which lift it', async () => {
  const { page } = await stage.visitor({ as: await signUp(stage.directUrl) })
  await page.goto(`/v/${pest.videoId}`)
  await untilPlaying(page)
  await inView(page).getByRole('button', { name: 'More' }).click()
  await page.getByRole('button', { name: `Block @${pest.handle}` }).click()
  await page.getByRole('button', { name: 'Block', exact: true }).click()

  await page.getByText(`@${pest.handle} is blocked.`).waitFor()
  await page.getByText('Not so nice').waitFor({ state: 'detached' })
  await page.goto('/')
  await inView(page).getByText('Quite nice').waitFor()
  expect(await page.getByText('Not so nice').count()).toBe(0)

  await page.goto('/settings')
  await page.getByRole('link', { name: 'Blocked people' }).click()
  await page.getByText(`@${pest.handle}`).waitFor()
  await page.getByRole('button', { name: 'Unblock' }).click()
  await page.getByRole('button', { name: 'Block again' }).waitFor()
  await page.goto(`/v/${pest.videoId}`)
  await inView(page).getByText('Not so nice').waitFor()
})

test('blocked from their profile, it says so and shows nothing, until that is lifted there', async () => {
  const { page } = await stage.visitor({ as: await signUp(stage.directUrl) })
  await page.goto(`/@${pest.handle}`)
  await page
    .getByRole('link', { name: /Not so nice/ })
    .or(page.locator('#videos a'))
    .first()
    .waitFor()
  await page
    .getByRole('button', { name: `More about @${pest.handle}` })
    .or(page.getByRole('button', { name: /More/ }))
    .first()
    .click()
  await page.getByRole('button', { name: `Block @${pest.handle}` }).click()
  await page.getByRole('button', { name: 'Block', exact: true }).click()

  await page.getByText(`You block @${pest.handle}`).waitFor()
  expect(await page.locator('#videos a').count()).toBe(0)
  await page.getByRole('button', { name: `Unblock @${pest.handle}` }).click()
  await page.locator('#videos a').first().waitFor()
  await page.getByRole('button', { name: 'Follow', exact: true }).waitFor()
})
