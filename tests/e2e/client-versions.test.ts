/**
 * Versions of the app that are no longer what the server has. A page that is too old is told, refreshes, and nothing that
 * was done in it is lost; a service worker that can't be replaced by its successor takes itself away, once.
 */
import { once } from 'node:events'
import { createServer, request as openRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { BUILD_PATH, CLIENT_HEADER } from '../../contract/client.ts'
import type { Page as ListPage } from '../../contract/common.ts'
import type { Receipt } from '../../contract/uploads.ts'
import { signUp } from '../support/browser-upload.ts'
import { makeClip } from '../support/clips.ts'
import { inView, openStage, readAs, untilPlaying, type Stage } from './support/stage.ts'

let stage: Stage
let front: Awaited<ReturnType<typeof openFront>>
beforeAll(async () => {
  stage = await openStage({ OLDEST_CLIENT: '1' })
  await stage.author()
  front = await openFront(stage.directUrl)
})
afterAll(async () => {
  await front?.[Symbol.asyncDispose]()
  await stage?.[Symbol.asyncDispose]()
})

const SLOW_BPS = 1_600_000

/** From now on the page's requests name a build of an earlier generation, until it is loaded anew. */
async function makeOld(page: Page): Promise<{ readonly loads: () => number }> {
  let loads = 0
  page.on('request', (request) => {
    if (request.isNavigationRequest()) loads += 1
  })
  await page.route('**/api/v1/**', (route) => {
    const headers = route.request().headers()
    return route.continue(
      loads > 0 ? {} : { headers: { ...headers, [CLIENT_HEADER]: 'web/0 the-build-before' } },
    )
  })
  return { loads: () => loads }
}

const banner = (page: Page) => page.getByRole('status', { name: 'New version' })

test('what was done and what was being written survives the refresh that a too old page asks for', async () => {
  const person = await signUp(stage.directUrl)
  const { page } = await stage.visitor({ as: person, serviceWorkers: 'block' })
  await page.goto('/')
  await untilPlaying(page)
  await inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  await page.getByPlaceholder('Add a comment').fill('Not sent yet')
  await page.keyboard.press('Escape')
  const old = await makeOld(page)

  await inView(page)
    .getByRole('button', { name: /^Like,/ })
    .click()
  await banner(page).waitFor()
  expect((await readAs<{ items: unknown[] }>(stage, person, '/me/liked')).items).toEqual([])
  await banner(page).getByRole('button', { name: 'Refresh' }).click()

  await untilPlaying(page)
  expect(old.loads()).toBe(1)
  await expect
    .poll(async () => (await readAs<{ items: unknown[] }>(stage, person, '/me/liked')).items)
    .toHaveLength(1)
  await inView(page)
    .getByRole('button', { name: /^Comments,/ })
    .click()
  expect(await page.getByPlaceholder('Add a comment').inputValue()).toBe('Not sent yet')
  expect(await banner(page).count()).toBe(0)
})

test('an upload of a too old page goes on, and after a refresh from where it was', async () => {
  const person = await signUp(stage.directUrl)
  const path = await makeClip('h264Large')
  const { page } = await stage.visitor({ as: person, serviceWorkers: 'block' })
  await page.goto('/upload')
  await page.getByRole('button', { name: 'Choose files' }).waitFor()
  await makeOld(page)
  stage.network.setFaults({ up: { bitrateBps: SLOW_BPS } })
  const own = async () => (await readAs<ListPage<Receipt>>(stage, person, '/uploads')).items[0]

  await page.locator('input[type=file][multiple]').setInputFiles(path)
  await page.getByLabel('Caption').fill('Kept words')
  await expect.poll(async () => (await own())?.receivedBytes ?? 0).toBeGreaterThan(100_000)
  // Nothing of an upload is refused: it is the next page that hears it.
  await page.getByRole('link', { name: 'For You' }).first().click()
  await banner(page).getByText('Your upload goes on').waitFor()
  await page.goBack()
  await banner(page).getByRole('button', { name: 'Refresh' }).click()
  await page.getByRole('heading', { name: 'Unfinished' }).waitFor()
  stage.network.setFaults({ up: { bitrateBps: null } })
  const stopped = (await own())!
  expect(stopped).toMatchObject({ state: 'receiving' })
  await page.locator('li input[type=file]').setInputFiles(path)
  await page.getByText(/^Continuing “.+” from \d/).waitFor()

  expect(await page.getByLabel('Caption').inputValue()).toBe('Kept words')
  await expect.poll(async () => (await own())?.id).toBe(stopped.id)
  await expect.poll(async () => (await own())?.receivedBytes).toBe(stopped.sizeBytes)
})

/** A server before the product that can tell another build than it has: to the worker, too, which no page's route reaches. */
async function openFront(target: string) {
  let build: string | null = null
  const server = createServer((incoming, outgoing) => {
    if (build !== null && incoming.url === BUILD_PATH)
      return void outgoing
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ version: build }))
    const onward = openRequest(
      new URL(incoming.url!, target),
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onward.once('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    tellBuild: (name: string) => (build = name),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const workerOf = (page: Page) =>
  page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state ?? null)

test('a worker whose successor never comes is gone after one more load, and does not do it again', async () => {
  const { page } = await stage.visitor()
  await page.goto(front.url)
  await untilPlaying(page)
  await expect.poll(() => workerOf(page)).toBe('activated')
  await page.reload()
  await untilPlaying(page)
  await page.evaluate(() => localStorage.setItem('upbeat.test', 'kept'))
  let loads = 0
  page.on('request', (request) => {
    if (request.isNavigationRequest()) loads += 1
  })

  front.tellBuild('a-build-whose-worker-never-comes')
  await page.reload()
  await expect.poll(() => loads).toBe(2)
  await untilPlaying(page)
  expect(await page.evaluate(() => caches.keys())).not.toContainEqual(expect.stringMatching(/^upbeat-build-/))

  // The same worker comes back with the page: for this build of the server it stays as it is.
  await expect.poll(() => workerOf(page)).toBe('activated')
  await page.reload()
  await untilPlaying(page)
  await page.waitForLoadState('networkidle').catch(() => {})
  expect(loads).toBe(3)
  expect(await page.evaluate(() => localStorage.getItem('upbeat.test'))).toBe('kept')
})
