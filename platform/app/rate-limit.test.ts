import { expect, test } from 'vitest'
import { openApi } from '../../tests/support/api.ts'
import { makeVideo } from '../../tests/support/videos.ts'
import { createFakeClock, createWorld, type TestAccount, type World } from '../../tests/support/world.ts'
import { PROFILE_EDITS_PER_MINUTE } from '../modules/accounts/accounts.routes.ts'
import { accountRoutes } from '../modules/accounts/index.ts'
import { COMMENT_LIKES_PER_MINUTE } from '../modules/comments/comments.routes.ts'
import { commentRoutes } from '../modules/comments/index.ts'
import { BLOCKS_PER_MINUTE, FOLLOWS_PER_MINUTE } from '../modules/follows/follows.routes.ts'
import { followRoutes } from '../modules/follows/index.ts'
import { reactionRoutes } from '../modules/reactions/index.ts'
import {
  LIKES_PER_MINUTE,
  SAVES_PER_MINUTE,
  SHARES_PER_MINUTE,
} from '../modules/reactions/reactions.routes.ts'
import { searchRoutes } from '../modules/search/index.ts'
import { SEARCHES_PER_MINUTE } from '../modules/search/search.routes.ts'
import type { Routes } from './http.ts'
import { limitPerMinute } from './rate-limit.ts'

interface Act {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly payload?: object
}

interface Limit {
  readonly routes: Routes
  readonly perMinute: number
  /** Acts that share the allowance. */
  readonly actsOn: (target: { videoId: string; handle: string; commentId: string }) => readonly Act[]
}

const toggles = (path: string): Act[] => [
  { method: 'PUT', path },
  { method: 'DELETE', path },
]

const limits: Record<string, Limit> = {
  likes: {
    routes: reactionRoutes,
    perMinute: LIKES_PER_MINUTE,
    actsOn: ({ videoId }) => toggles(`/videos/${videoId}/like`),
  },
  saves: {
    routes: reactionRoutes,
    perMinute: SAVES_PER_MINUTE,
    actsOn: ({ videoId }) => toggles(`/videos/${videoId}/save`),
  },
  shares: {
    routes: reactionRoutes,
    perMinute: SHARES_PER_MINUTE,
    actsOn: ({ videoId }) => [{ method: 'POST', path: `/videos/${videoId}/shares` }],
  },
  'likes of comments': {
    routes: commentRoutes,
    perMinute: COMMENT_LIKES_PER_MINUTE,
    actsOn: ({ commentId }) => toggles(`/comments/${commentId}/like`),
  },
  follows: {
    routes: followRoutes,
    perMinute: FOLLOWS_PER_MINUTE,
    actsOn: ({ handle }) => toggles(`/profiles/${handle}/follow`),
  },
  blocks: {
    routes: followRoutes,
    perMinute: BLOCKS_PER_MINUTE,
    actsOn: ({ handle }) => toggles(`/profiles/${handle}/block`),
  },
  'profile edits': {
    routes: accountRoutes,
    perMinute: PROFILE_EDITS_PER_MINUTE,
    actsOn: () => [{ method: 'PATCH', path: '/me', payload: { bio: 'hello' } }],
  },
  searches: {
    routes: searchRoutes,
    perMinute: SEARCHES_PER_MINUTE,
    actsOn: () => [
      { method: 'GET', path: '/search?q=x&type=tags' },
      { method: 'GET', path: '/tags/x/videos' },
    ],
  },
}

async function addComment(world: World, account: TestAccount, videoId: string): Promise<string> {
  const id = world.ctx.newId()
  const row = { id, video_id: videoId, account_id: account.id, body: 'hi', created_at: world.ctx.clock.now() }
  await world.ctx.db.insertInto('comment').values(row).execute()
  return id
}

test.each(Object.entries(limits))('%s: as many a minute as stated, then a time to wait', async (_, limit) => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, limit.routes)
  const [owner, person, other] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const target = { videoId, handle: owner.handle, commentId: await addComment(world, owner, videoId) }
  const acts = limit.actsOn(target)
  const act = (n: number, as: TestAccount) => {
    const { method, path, payload } = acts[n % acts.length]!
    return api.call(method, path, as, payload && { payload })
  }

  for (let n = 0; n < limit.perMinute; n++) expect((await act(n, person)).statusCode).toBe(200)
  const refused = await act(0, person)

  const waitS = Math.ceil(60 / limit.perMinute)
  expect(refused.json()).toMatchObject({ code: 'too-many-requests', status: 429, retryAfterS: waitS })
  expect(refused.headers['retry-after']).toBe(String(waitS))
  expect((await act(0, other)).statusCode).toBe(200)
  clock.advance(waitS * 1000)
  expect((await act(0, person)).statusCode).toBe(200)
})

test('a request that ends in a failure of ours is not counted, one that the client got wrong is', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  let status = 500
  await using api = await openApi(world, (app, ctx) => {
    const preHandler = limitPerMinute(ctx, 2, () => 'everyone')
    app.get('/thing', { preHandler }, async (_request, reply) => reply.code(status).send({}))
  })
  const ask = async () => (await api.call('GET', '/thing')).statusCode

  for (let n = 0; n < 5; n++) expect(await ask()).toBe(500)
  status = 404
  expect([await ask(), await ask(), await ask()]).toEqual([404, 404, 429])
})

test('comments that could not be stored use up nothing of what may be written', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  await using api = await openApi(world, commentRoutes)
  const person = await world.account()
  const videoId = await makeVideo(world, person.id)
  const post = async () =>
    (await api.call('POST', `/videos/${videoId}/comments`, person, { payload: { body: 'hi' } })).statusCode
  const { pool } = world.ctx

  await pool.query('alter table comment rename to comment_away')
  for (let n = 0; n < 40; n++) expect(await post()).toBe(500)
  await pool.query('alter table comment_away rename to comment')

  expect(await post()).toBe(201)
})
