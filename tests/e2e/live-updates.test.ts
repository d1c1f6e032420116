/** What happens elsewhere comes to an open page: live, after a gap, and when the session is ended. */
import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { signUp, type Person } from '../support/browser-upload.ts'
import { openStage, untilPlaying, type Author, type Stage } from './support/stage.ts'

let stage: Stage
let author: Author
beforeAll(async () => {
  stage = await openStage()
  author = await stage.author('h264', 'Something to talk about')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function comment(person: Person, body: string): Promise<void> {
  const response = await fetch(`${stage.directUrl}/api/v1/videos/${author.videoId}/comments`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: person.cookie,
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({ body }),
  })
  if (!response.ok) throw new Error(`comment: ${response.status} ${await response.text()}`)
}

/** The page's event stream is open. */
const untilListening = (page: Page) =>
  page.waitForResponse((response) => response.url().includes('/api/v1/updates') && response.ok())

test('comments come in live, and those of a time without a network come when it is back', async () => {
  const speaker = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: await signUp(stage.directUrl) })
  await page.goto(`/v/${author.videoId}?comments`)
  await untilPlaying(page)
  await page.getByText('No comments yet').waitFor()
  await comment(speaker, 'Heard at once')
  await page.getByText('Heard at once').waitFor()

  stage.network.refuse()
  stage.network.reset()
  try {
    await comment(speaker, 'Said meanwhile')
  } finally {
    stage.network.admit()
  }

  await page.getByText('Said meanwhile').waitFor()
})

test('a session that is ended elsewhere is signed out here too, and says so', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  const listening = untilListening(page)
  await page.goto('/notifications')
  await page
    .getByText('Nothing yet')
    .or(page.getByRole('heading', { level: 2 }))
    .first()
    .waitFor()
  await listening

  await fetch(`${stage.directUrl}/api/v1/sessions/current`, {
    method: 'DELETE',
    headers: { cookie: person.cookie },
  })

  await page.getByText(`no longer signed in as @${person.handle}`).waitFor()
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).waitFor()
})

test('signing out and in again in one tab holds for the others', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  await page.goto('/upload')
  await page.getByRole('button', { name: 'Choose files' }).waitFor()
  const other = await context.newPage()
  await other.goto('/settings')
  await other.getByRole('button', { name: 'Sign out' }).click()
  await other.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()

  await page.getByRole('heading', { name: 'Sign in to upload' }).waitFor()
  await other.goto('/signin')
  await other.getByLabel('Handle or e-mail address').fill(person.handle)
  await other.getByLabel('Password', { exact: true }).fill(person.password)
  await other.getByRole('button', { name: 'Sign in', exact: true }).click()

  await page.getByRole('button', { name: 'Choose files' }).waitFor()
})
