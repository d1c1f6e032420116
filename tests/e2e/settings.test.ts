/** What the settings say of the instance. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Instance } from '../../contract/instance.ts'
import { openStage, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test.each([
  ['https://code.example.org/our-upbeat', 'Source code of this instance'],
  [null, 'ask its operator'],
] as const)('the source code is a link where the operator named one: %s', async (sourceUrl, words) => {
  const { page } = await stage.visitor()
  await page.route('**/api/v1/instance', async (route) => {
    const response = await route.fetch()
    const instance = (await response.json()) as Instance
    await route.fulfill({ response, json: { ...instance, sourceUrl } })
  })

  await page.goto('/settings/about')

  await page.getByText(words).waitFor()
  const links = page.getByRole('link', { name: 'Source code of this instance' })
  expect(await links.count()).toBe(sourceUrl === null ? 0 : 1)
  if (sourceUrl !== null) expect(await links.getAttribute('href')).toBe(sourceUrl)
})
