/** Ending a subscription: it works by one tap, from any mail program, whatever has become of the service. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { WatchWorld } from '../pages/world.fixtures.ts'
import { startTelling } from './telling.ts'
import { post, serve, startMailServer, subscribed, worldWith } from './telling.fixtures.ts'

const isSubscribed = (world: WatchWorld) => world.ctx.store.all('select 1 from subscription').length > 0

async function openWorld(stack: AsyncDisposableStack) {
  const smtp = stack.use(await startMailServer())
  const world = stack.use(await worldWith(smtp.url))
  const telling = stack.use(await startTelling(world.ctx))
  const url = await serve(world, telling)
  const { id, secret } = await subscribed(world, { channel: 'email', address: 'ann@example.org' })
  return { world, url, path: `/unsubscribe/${id}/${secret}`, confirmPath: `/confirm/${id}/${secret}` }
}

/** The catalogue without any service. */
async function forgetServices(world: WatchWorld): Promise<void> {
  await rm(join(world.dir, 'catalog', 'upbeat.yaml'))
  await expect.poll(() => world.ctx.catalog.services().length).toBe(0)
}

test('the page and its button work when the service has left the catalogue', async () => {
  await using stack = new AsyncDisposableStack()
  const { world, url, path, confirmPath } = await openWorld(stack)
  await forgetServices(world)
  const page = await fetch(url + path)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('Yes, end it')
  expect((await fetch(url + confirmPath)).status).toBe(200)
  const ended = await post(url + path, {})
  expect(ended.status).toBe(200)
  const text = await ended.text()
  expect(text).toContain('It is ended')
  // No way leads to a status page that is not there.
  expect(text).not.toContain('href="/s/')
  expect(isSubscribed(world)).toBe(false)
})

test.each([
  [
    'a form of several parts',
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
  ],
  ['a plain form', 'application/x-www-form-urlencoded', 'List-Unsubscribe=One-Click'],
  ['something else', 'text/plain', 'List-Unsubscribe=One-Click'],
])('one tap in a mail program that sends %s ends it', async (_, type, body) => {
  await using stack = new AsyncDisposableStack()
  const { world, url, path } = await openWorld(stack)
  await forgetServices(world)
  const answer = await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body })
  expect(answer.status).toBe(200)
  expect(isSubscribed(world)).toBe(false)
  // Mail programs may send it twice.
  expect((await fetch(url + path, { method: 'POST' })).status).toBe(200)
})

test('the link of a mail says that it is ended once it is, and a wrong one ends nothing', async () => {
  await using stack = new AsyncDisposableStack()
  const { world, url, path } = await openWorld(stack)
  const wrongPath = path.slice(0, -1) + (path.endsWith('x') ? 'y' : 'x')
  expect((await post(url + wrongPath, {})).status).toBe(200)
  expect(isSubscribed(world)).toBe(true)
  await post(url + path, {})
  const again = await fetch(url + path)
  expect(again.status).toBe(200)
  expect(await again.text()).toContain('Nobody is subscribed by this link.')
})
