import { expect, test } from 'vitest'
import { FeedPage } from '../../../contract/videos.ts'
import { openApi } from '../../../tests/support/api.ts'
import { createFakeClock, createWorld } from '../../../tests/support/world.ts'
import { addAccounts, addVideos } from './feed.fixtures.ts'
import { RANKINGS_PER_MINUTE } from './feed.routes.ts'
import { feedRoutes } from './index.ts'

test('over HTTP, a signed-out visitor gets a feed with reasons and no state of their own', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, feedRoutes)
  const [author] = await addAccounts(world, 1)
  await addVideos(world, [{ authorId: author!, caption: 'Grüße 🎬 "quoted"' }])

  const response = await api.app.inject('/api/v1/feed/for-you')

  expect(response.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(response.headers['cache-control']).toBe('no-store')
  const page = FeedPage.parse(response.json())
  expect(page).toMatchObject({ nextCursor: null, items: [{ caption: 'Grüße 🎬 "quoted"', viewer: null }] })
  const { points, freshPoints } = page.items[0]!.reason!.params
  expect(points).toBeGreaterThanOrEqual(freshPoints as number)
})

test('an empty catalogue is an empty page with an end', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, feedRoutes)
  const page = (await api.app.inject('/api/v1/feed/for-you')).json()
  expect(page).toMatchObject({ items: [], nextCursor: null })
})

test('Following asks for signing in', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, feedRoutes)
  expect((await api.app.inject('/api/v1/feed/following')).json()).toMatchObject({
    code: 'signed-out',
    status: 401,
  })

  const person = await world.account()
  const page = (await api.app.inject({ url: '/api/v1/feed/following', headers: person.headers })).json()
  expect(page).toMatchObject({ items: [], nextCursor: null })
})

test('a cursor that was changed, or is the other feed’s, is refused', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, feedRoutes)
  const [author] = await addAccounts(world, 1)
  await addVideos(world, [{ authorId: author! }, { authorId: author! }])
  const { nextCursor } = (await api.app.inject('/api/v1/feed/for-you?limit=1')).json()
  const person = await world.account()

  const changed = `${nextCursor.slice(0, 4)}${nextCursor[4] === 'A' ? 'B' : 'A'}${nextCursor.slice(5)}`
  for (const [feed, cursor] of [
    ['for-you', changed],
    ['for-you', 'x'],
    ['for-you', ''],
    ['following', nextCursor],
  ]) {
    const response = await api.app.inject({
      url: `/api/v1/feed/${feed}?cursor=${cursor}`,
      headers: person.headers,
    })
    expect(response.json()).toMatchObject({ code: 'invalid-input', fields: { cursor: expect.any(String) } })
  }
})

test('what one visitor asks for alone has a limit for their network; what all share has none', async () => {
  await using world = await createWorld({ clock: createFakeClock(new Date()) })
  await using api = await openApi(world, feedRoutes)
  const [author] = await addAccounts(world, 1)
  await addVideos(world, [{ authorId: author! }, { authorId: author! }])
  const person = await world.account()
  const signedIn = await api.app.inject({ url: '/api/v1/feed/for-you?limit=1', headers: person.headers })
  // Somebody else's cursor leads to a ranking of one's own.
  const url = `/api/v1/feed/for-you?limit=1&cursor=${signedIn.json().nextCursor}`
  const ask = async (remoteAddress: string) => (await api.app.inject({ url, remoteAddress })).statusCode

  for (let n = 0; n < RANKINGS_PER_MINUTE; n++) expect(await ask('192.0.2.1')).toBe(200)
  const refused = await api.app.inject({ url, remoteAddress: '192.0.2.1' })

  expect(refused.json()).toMatchObject({ code: 'too-many-requests', retryAfterS: 1 })
  expect(await ask('192.0.2.2')).toBe(200)
  const beginning = await api.app.inject({ url: '/api/v1/feed/for-you', remoteAddress: '192.0.2.1' })
  expect(beginning.statusCode).toBe(200)
})
