/** What people do to uploads: pause, cancel, pick the wrong file, open a second tab, try again. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Page as ListPage } from '../../contract/common.ts'
import type { Receipt } from '../../contract/uploads.ts'
import { signUp, waitUntilComplete, type Person } from '../support/browser-upload.ts'
import { makeClip } from '../support/clips.ts'
import { openStage, readAs, type Stage } from './support/stage.ts'

let stage: Stage
let file: Buffer
let path: string
beforeAll(async () => {
  stage = await openStage()
  path = await makeClip('h264Large')
  file = await readFile(path)
})
afterAll(() => stage?.[Symbol.asyncDispose]())
beforeEach(() => stage.network.setFaults({ up: { bitrateBps: null } }))

/** Slow enough to be caught in the middle. */
const SLOW_BPS = 1_600_000
const patience = { timeout: 60_000, interval: 20 }
const sha256 = () => createHash('sha256').update(file).digest('hex')

async function openDesk(page: Page): Promise<void> {
  await page.goto('/upload')
  await page.getByRole('button', { name: 'Choose files' }).waitFor()
}

const newest = async (person: Person) => (await readAs<ListPage<Receipt>>(stage, person, '/uploads')).items[0]

/** Sends the film until a part of it has arrived. */
async function sendPart(page: Page, person: Person): Promise<Receipt> {
  stage.network.setFaults({ up: { bitrateBps: SLOW_BPS } })
  await page.locator('input[type=file][multiple]').setInputFiles(path)
  await expect
    .poll(async () => (await newest(person))?.receivedBytes ?? 0, patience)
    .toBeGreaterThan(file.length / 6)
  return (await newest(person))!
}

test('a paused upload sends nothing, and resumed it goes on to its end', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  await openDesk(page)
  const { id } = await sendPart(page, person)
  let patchCount = 0
  page.on('request', (request) => {
    if (request.method() === 'PATCH' && request.url().endsWith(id)) patchCount += 1
  })
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText(/^Paused at/).waitFor()
  // What was on the line when it was paused does not arrive any more.
  stage.network.reset()
  stage.network.setFaults({ up: { bitrateBps: null } })
  await page.getByLabel('Caption').fill('Written during the pause')
  await page.getByText('Saved', { exact: true }).waitFor()
  expect(patchCount).toBe(0)
  expect((await newest(person))!.receivedBytes).toBeLessThan(file.length)

  await page.getByRole('button', { name: 'Resume' }).click()

  const { receipt } = await waitUntilComplete(stage.directUrl, person, id)
  expect(receipt).toMatchObject({ sha256: sha256(), caption: 'Written during the pause' })
})

test('a cancelled upload asks first, is gone from the server, and its receipt says so', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person })
  await openDesk(page)
  const { id } = await sendPart(page, person)
  await page.getByRole('button', { name: 'Cancel upload' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Keep uploading' }).click()
  expect((await newest(person))!.state).toBe('receiving')

  await page.getByRole('button', { name: 'Cancel upload' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel upload' }).click()

  await page.getByText('You cancelled it; nothing of it is kept on the server.').waitFor()
  expect(await newest(person)).toMatchObject({ id, state: 'cancelled' })
})

test('a second tab with the same file leaves the sending to the first', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  await openDesk(page)
  const { id } = await sendPart(page, person)
  const second = await context.newPage()
  const patches: string[] = []
  second.on('request', (request) => void (request.method() === 'PATCH' && patches.push(request.url())))
  await openDesk(second)
  await second.locator('input[type=file][multiple]').setInputFiles(path)

  await second.getByText(/^Another tab of this browser is sending it/).waitFor()
  stage.network.setFaults({ up: { bitrateBps: null } })

  const { receipt } = await waitUntilComplete(stage.directUrl, person, id)
  expect(receipt.sha256).toBe(sha256())
  expect(patches).toEqual([])
  expect((await readAs<ListPage<Receipt>>(stage, person, '/uploads')).items).toHaveLength(1)
})

test('a wrong file is refused for an unfinished upload, also one of the same size; the right one goes on', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  await openDesk(page)
  const { id } = await sendPart(page, person)
  await page.close()
  stage.network.reset()
  stage.network.setFaults({ up: { bitrateBps: null } })
  const later = await context.newPage()
  await later.goto('/upload')
  await later.getByRole('heading', { name: 'Unfinished' }).waitFor()
  const choose = (name: string, buffer: Buffer) =>
    later.locator('li input[type=file]').setInputFiles({ name, mimeType: 'video/mp4', buffer })

  await choose('shorter.mp4', file.subarray(0, file.length - 1))
  await later.getByText(/That is another file: “shorter.mp4”/).waitFor()

  const twin = Buffer.from(file)
  twin[twin.length - 100]! ^= 0xff
  await choose('twin.mp4', twin)
  await later.getByText(/“twin.mp4” has the same size .+ but it is another video/).waitFor()
  expect(await newest(person)).toMatchObject({ id, state: 'receiving' })

  // Another device knows nothing of the file but what the server tells.
  const { page: elsewhere } = await stage.visitor({ as: person })
  await elsewhere.goto('/upload')
  await elsewhere
    .locator('li input[type=file]')
    .setInputFiles({ name: 'twin.mp4', mimeType: 'video/mp4', buffer: twin })
  await elsewhere.getByText(/“twin.mp4” has the same size .+ but it is another video/).waitFor()

  await choose('renamed.mp4', file)
  const { receipt } = await waitUntilComplete(stage.directUrl, person, id)
  expect(receipt.sha256).toBe(sha256())
})

const CLOSED = {
  type: 'about:blank',
  code: 'not-allowed',
  title: 'Uploads are closed',
  status: 403,
  detail: 'The operator has closed uploads for an hour.',
  side: 'us',
  isWorkKept: true,
  next: 'Come back in an hour.',
}

test('an upload that was refused says why, and can be tried again with what was written', async () => {
  const person = await signUp(stage.directUrl)
  const { context, page } = await stage.visitor({ as: person })
  let isClosed = true
  await context.route(
    (url) => url.pathname === '/api/v1/uploads',
    (route) =>
      isClosed && route.request().method() === 'POST'
        ? route.fulfill({
            status: 403,
            contentType: 'application/problem+json',
            body: JSON.stringify(CLOSED),
          })
        : route.continue(),
  )
  await openDesk(page)
  await page.locator('input[type=file][multiple]').setInputFiles(path)
  await page.getByText('Uploads are closed').waitFor()
  await page.getByText(/The operator has closed uploads/).waitFor()
  await page.getByLabel('Caption').fill('Patience')
  isClosed = false

  await page.getByRole('button', { name: 'Try again' }).click()

  await expect.poll(async () => (await newest(person))?.caption, patience).toBe('Patience')
  await waitUntilComplete(stage.directUrl, person, (await newest(person))!.id)
})
