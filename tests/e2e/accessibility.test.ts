/** axe-core on every page, on a phone and on a desktop, signed in and signed out. */
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DESKTOP, PHONE } from '../support/chromium.ts'
import { inView, openStage, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let author: Author
let axeSource: string
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author('h264', 'A clip with #tags and words')
  axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** What a page shows once it has what it asked for. */
interface PageOf {
  readonly path: string
  /** @default its first heading is there */
  readonly until?: (page: Page) => Promise<unknown>
}

const signedOut = (): PageOf[] => [
  { path: '/', until: untilPlaying },
  { path: `/v/${author.videoId}`, until: untilPlaying },
  { path: `/@${author.handle}` },
  { path: '/tag/tags' },
  { path: '/search' },
  { path: '/signin' },
  { path: '/signup' },
  { path: '/upload' },
  { path: '/no/such/page' },
]
const signedIn = (): PageOf[] => [
  { path: '/', until: untilPlaying },
  { path: '/following' },
  { path: `/@${author.handle}` },
  { path: '/upload' },
  { path: '/notifications' },
  { path: '/settings' },
  { path: '/settings/profile' },
  { path: '/settings/security' },
  { path: '/settings/playback' },
  { path: '/settings/storage' },
  { path: '/settings/blocked' },
  { path: '/settings/about' },
]

test.each([
  ['signed out, on a phone', signedOut, null, PHONE],
  ['signed out, on a desktop', signedOut, null, DESKTOP],
  ['signed in, on a phone', signedIn, 'author', PHONE],
  ['signed in, on a desktop', signedIn, 'author', DESKTOP],
] as const)('no page has a serious barrier: %s', async (_, pages, as, viewport) => {
  const { page } = await stage.visitor({ as: as && author, viewport })
  const found: string[] = []
  for (const { path, until = untilHeaded } of pages()) {
    await page.goto(path)
    await until(page)
    found.push(...(await findBarriers(page, path)))
  }
  expect(found).toEqual([])
})

test('the comments, open over a video, have no serious barrier', async () => {
  const { page } = await stage.visitor({ as: author })
  await page.goto('/')
  await untilPlaying(page)
  await inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  await page.getByPlaceholder('Add a comment').waitFor()

  expect(await findBarriers(page, 'comments')).toEqual([])
})

async function untilHeaded(page: Page): Promise<void> {
  await page.getByRole('heading').first().waitFor()
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' })
}

/** One line for each violation that axe-core calls serious or critical. */
async function findBarriers(page: Page, path: string): Promise<string[]> {
  await untilAnimationsEnd(page)
  // Evaluated, not added as a script: the page's security policy holds.
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, help, nodes }) => `${path}: ${id} (${help}) at ${nodes.map(({ target }) => target).join(', ')}`,
    )
}

/** A colour in the middle of a fade has no contrast of its own. Endless animations are left out. */
async function untilAnimationsEnd(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((one) => one.playState !== 'running' || one.effect?.getComputedTiming().endTime === Infinity),
  )
}
