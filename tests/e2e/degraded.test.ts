/** What people see and do while an operator, or trouble, has taken something away: words, and nothing lost. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { OperatorOrder } from '../../contract/operations.ts'
import type { CommentPage } from '../../contract/social.ts'
import type { FeedPage } from '../../contract/videos.ts'
import { askDesk } from '../../platform/supervisor/control.ts'
import type { Person } from '../support/browser-upload.ts'
import { findBarriers } from './support/barriers.ts'
import { DESKTOP, PHONE } from '../support/chromium.ts'
import { inView, openStage, readAs, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let author: Author
let operator: Person
beforeAll(async () => {
  stage = await openStage()
  operator = await makeOperator()
  author = await stage.author('h264', 'Seen at every level')
})
afterAll(() => stage?.[Symbol.asyncDispose]())
// One test that fails must not take its level into the next.
afterEach(() => giveOrder({ type: 'clear-level' }).catch(() => {}))

async function makeOperator(): Promise<Person> {
  const path = await stage.product.operatorPath()
  const operatorToken = new URL(path, stage.directUrl).searchParams.get('token')
  const account = { handle: 'olive', password: 'a password of olive' }
  const response = await fetch(`${stage.directUrl}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...account, operatorToken }),
  })
  return { ...account, cookie: response.headers.getSetCookie()[0]!.split(';')[0]! }
}

async function giveOrder(order: OperatorOrder): Promise<void> {
  const response = await fetch(`${stage.directUrl}/api/v1/operations/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: operator.cookie },
    body: JSON.stringify(order),
  })
  const answer = await response.text()
  if (!response.ok || !/"state":"(done|begun)"/.test(answer)) throw new Error(`${response.status} ${answer}`)
}

const openComments = (page: Page) =>
  inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
const bodiesNow = async () =>
  (await readAs<CommentPage>(stage, author, `/videos/${author.videoId}/comments`)).items.map(
    ({ body }) => body,
  )

const waitingInJournal = async () =>
  (await askDesk(stage.product.dataDir, { command: 'state' })).journal?.pending

test('comments paused by an operator: the video plays on, what is written waits, and is posted once', async () => {
  const { page } = await stage.visitor({ as: author })
  await page.goto(`/v/${author.videoId}`)
  await untilPlaying(page)
  await giveOrder({ type: 'pause-feature', feature: 'comments', reason: 'A wave of spam', forS: 600 })

  await openComments(page)
  await page.getByRole('heading', { name: 'Comments are paused' }).waitFor()
  await page.getByText('Yours is saved on this device and will be posted').waitFor()
  await page.getByText('“A wave of spam”').first().waitFor()
  await page.getByPlaceholder('Add a comment').fill('Written while paused')
  await page.keyboard.press('Enter')
  await page.getByText('Waiting to be sent').waitFor()
  await untilPlaying(page)

  await giveOrder({ type: 'resume-feature', feature: 'comments' })
  await page.getByText('Waiting to be sent').waitFor({ state: 'detached' })
  expect(await page.getByText('Written while paused').count()).toBe(1)
  expect(await bodiesNow()).toEqual(['Written while paused'])
  await page.context().close()
})

test('at level 4: one list for all, numbers paused, what one does is kept, and is there once afterwards', async () => {
  await giveOrder({ type: 'set-level', level: 4, reason: 'A drill', forS: 600 })
  // The list for such moments is made every few seconds.
  await expect.poll(async () => (await readAs<FeedPage>(stage, author, '/feed/for-you')).items.length).toBe(1)
  const { page } = await stage.visitor({ as: author })
  await page.goto('/')
  await untilPlaying(page)
  await page.getByText('Everyone sees the same list right now.').waitFor()
  await inView(page).getByRole('button', { name: 'Like, number paused right now' }).click()
  await inView(page)
    .getByRole('button', { name: /^Take back the like, number paused/ })
    .waitFor()
  await page.getByRole('button', { name: 'Hide this' }).click()
  await page.getByText('Everyone sees the same list right now.').waitFor({ state: 'detached' })
  await page.goto('/following')
  await page.getByRole('heading', { name: 'Following is paused' }).waitFor()
  await page.getByRole('link', { name: 'Go to For You' }).click()
  await untilPlaying(page)

  await openComments(page)
  await page.getByText('Yours is saved and will be posted.').waitFor()
  await page.getByPlaceholder('Add a comment').fill('Written at level 4')
  await page.keyboard.press('Enter')
  const written = page.getByRole('article').filter({ hasText: 'Written at level 4' })
  await written.getByText('Saved, will be posted').waitFor()
  // With the database there it is done at once; nobody finds it in the list before comments are back.
  await expect.poll(waitingInJournal).toBe(0)
  expect(await written.getByText('Saved, will be posted').count()).toBe(1)
  await page.reload()
  await untilPlaying(page)
  await openComments(page)
  await written.getByText('Saved, will be posted').waitFor()

  await giveOrder({ type: 'clear-level' })
  await page.getByText('Yours is saved and will be posted.').waitFor({ state: 'detached' })
  await written.getByText('Saved, will be posted').waitFor({ state: 'detached' })
  expect(await written.count()).toBe(1)
  expect((await bodiesNow()).filter((body) => body === 'Written at level 4')).toHaveLength(1)
  const card = await readAs<{ viewer: { isLiked: boolean } }>(stage, author, `/videos/${author.videoId}`)
  expect(card.viewer.isLiked).toBe(true)
  await page.context().close()
})

test('a page of a paused feature says so in its own words, and comes back without a touch', async () => {
  await giveOrder({ type: 'pause-feature', feature: 'search', reason: 'Too many searches', forS: 600 })
  const { page } = await stage.visitor()
  await page.goto('/search?q=level')
  await page.getByRole('heading', { name: 'Search is paused' }).waitFor()
  expect(await findBarriers(page, 'search paused')).toEqual([])

  await giveOrder({ type: 'resume-feature', feature: 'search' })
  await page.getByText('Seen at every level').first().waitFor()
  await page.context().close()
})

test('maintenance is told ahead, and can be hidden until it begins', async () => {
  const at = (inHours: number) => new Date(Date.now() + inHours * 3_600_000).toISOString()
  await giveOrder({
    type: 'announce-maintenance',
    startsAt: at(24),
    endsAt: at(25),
    text: 'New disks are put in.',
  })
  const { page } = await stage.visitor()
  await page.goto('/search')
  const notice = page.getByRole('status', { name: 'Maintenance' })
  expect(await notice.innerText()).toMatch(/^Maintenance (on|from) .*: New disks are put in\./)
  await notice.getByRole('button', { name: 'Hide this' }).click()
  await notice.waitFor({ state: 'detached' })

  await giveOrder({ type: 'cancel-maintenance' })
  await page.context().close()
})

test('the operator sees and steers it all, by keyboard, and nobody else gets in', async () => {
  const { page } = await stage.visitor({ as: operator, viewport: DESKTOP })
  await page.goto('/operate')
  await page.getByText('Everything', { exact: false }).first().waitFor()
  await page.getByRole('button', { name: 'Pause Comments' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('By keyboard')
  await dialog.getByText(/“Comments” is refused to everyone for 15 min/).waitFor()
  await page.keyboard.press('Enter')
  await page.getByText('Comments paused', { exact: true }).waitFor()
  await page.getByText('“By keyboard”').first().waitFor()

  await page.getByRole('button', { name: 'Resume Comments' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Resume Comments' }).click()
  await page.getByText('Comments paused', { exact: true }).waitFor({ state: 'detached' })

  const shape = 'GET /api/v1/videos/none'
  await giveOrder({ type: 'bar-shape', shape, reason: 'It ends processes', forS: 600 })
  await page.getByText(`${shape} is refused`, { exact: true }).waitFor()
  for (const viewport of [DESKTOP, PHONE]) {
    await page.setViewportSize(viewport)
    expect(await findBarriers(page, `operate at ${viewport.width}px`)).toEqual([])
  }
  await page.getByRole('button', { name: 'Serve again' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Serve ${shape} again` })
    .click()
  await page.getByText(`${shape} is refused`, { exact: true }).waitFor({ state: 'detached' })
  await page.context().close()

  const { page: other } = await stage.visitor({ as: author })
  await other.goto('/operate')
  await other.getByRole('heading', { name: 'There’s nothing here' }).waitFor()
  await other.context().close()
})
