/** A tab is closed in the middle of an upload: the same file goes on where it stopped. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page as ListPage } from '../../contract/common.ts'
import type { Receipt } from '../../contract/uploads.ts'
import { signUp, waitUntilComplete } from '../support/browser-upload.ts'
import { makeClip } from '../support/clips.ts'
import { openStage, readAs, type Stage } from './support/stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Slow enough to be caught in the middle. */
const SLOW_BPS = 1_600_000

test('an upload whose tab was closed goes on from where it stopped, and no byte is sent twice', async () => {
  const person = await signUp(stage.directUrl)
  const path = await makeClip('h264Large')
  const file = await readFile(path)
  const { context, page } = await stage.visitor({ as: person })
  await page.goto('/upload')
  await page.getByRole('button', { name: 'Choose files' }).waitFor()

  stage.network.setFaults({ up: { bitrateBps: SLOW_BPS } })
  await page.locator('input[type=file][multiple]').setInputFiles(path)
  const own = async () => (await readAs<ListPage<Receipt>>(stage, person, '/uploads')).items[0]
  await expect.poll(async () => (await own())?.receivedBytes ?? 0, patience).toBeGreaterThan(file.length / 5)
  await page.close()
  // What the system's buffers still hold of it doesn't arrive either.
  stage.network.reset()
  stage.network.setFaults({ up: { bitrateBps: null } })
  const stoppedAt = (await own())!
  expect(stoppedAt).toMatchObject({ state: 'receiving' })
  const later = await context.newPage()
  const sentFrom: number[] = []
  later.on('request', (request) => {
    if (request.method() === 'PATCH' && request.url().endsWith(stoppedAt.id))
      sentFrom.push(Number(request.headers()['upload-offset']))
  })
  await later.goto('/upload')
  await later.getByRole('heading', { name: 'Unfinished' }).waitFor()
  await later.locator('li input[type=file]').setInputFiles(path)
  await later.getByText(/^Continuing “.+” from \d/).waitFor()
  await later.getByRole('button', { name: 'Post', exact: true }).click()
  await later.getByText('Everyone can watch it, in every quality.').waitFor()

  const { receipt } = await waitUntilComplete(stage.directUrl, person, stoppedAt.id)
  expect(receipt.sha256).toBe(createHash('sha256').update(file).digest('hex'))
  expect(sentFrom.length).toBeGreaterThan(0)
  expect(Math.min(...sentFrom)).toBeGreaterThanOrEqual(stoppedAt.receivedBytes)
})

const patience = { timeout: 60_000, interval: 20 }
