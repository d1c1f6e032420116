import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApi, readAllPages } from '../../../tests/support/api.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { NotFoundError, type AppError } from '../../app/errors.ts'
import {
  blockAccount,
  countFollows,
  followAccount,
  followRoutes,
  listBlocks,
  listFollows,
  loadHiddenAccountIds,
  unblockAccount,
  unfollowAccount,
} from './index.ts'

/** Sorted: events of one millisecond have no order. */
const eventKinds = async (world: World) =>
  (await world.ctx.db.selectFrom('event').select('kind').execute()).map((row) => row.kind).toSorted()
const notifications = (world: World) =>
  world.ctx.db.selectFrom('notification').select(['account_id', 'actor_id', 'kind']).execute()
const towards = (viewer: { id: string }, other: { handle: string }) => ({
  viewerId: viewer.id,
  handle: other.handle,
})

test('racing follows of one person leave one follow, one event and one notification', async () => {
  await using world = await createWorld()
  const [fan, star] = [await world.account(), await world.account()]

  await Promise.all(Array.from({ length: 4 }, () => followAccount(world.ctx, towards(fan, star))))

  expect(await countFollows(world.ctx.db, star.id)).toEqual({ followers: 1, following: 0 })
  expect(await eventKinds(world)).toEqual(['followed'])
  expect(await notifications(world)).toEqual([{ account_id: star.id, actor_id: fan.id, kind: 'followed' }])
})

test('unfollowing twice is the same as once; following again on that day tells nobody again', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  const [fan, star] = [await world.account(), await world.account()]

  await followAccount(world.ctx, towards(fan, star))
  expect(await unfollowAccount(world.ctx, towards(fan, star))).toEqual({ isFollowing: false })
  expect(await unfollowAccount(world.ctx, towards(fan, star))).toEqual({ isFollowing: false })
  await followAccount(world.ctx, towards(fan, star))

  expect(await eventKinds(world)).toEqual(['followed', 'followed', 'unfollowed'])
  expect(await notifications(world)).toHaveLength(1)
})

test('nobody follows or blocks themselves', async () => {
  await using world = await createWorld()
  const person = await world.account()

  for (const verb of [followAccount, blockAccount])
    await expect(verb(world.ctx, towards(person, person))).rejects.toMatchObject({ code: 'invalid-input' })
})

test('a block removes follows both ways, once', async () => {
  await using world = await createWorld()
  const [a, b] = [await world.account(), await world.account()]
  await followAccount(world.ctx, towards(a, b))
  await followAccount(world.ctx, towards(b, a))

  await blockAccount(world.ctx, towards(a, b))
  expect(await blockAccount(world.ctx, towards(a, b))).toEqual({ isBlocking: true })

  expect(await countFollows(world.ctx.db, a.id)).toEqual({ followers: 0, following: 0 })
  expect(await eventKinds(world)).toEqual(['blocked', 'followed', 'followed', 'unfollowed', 'unfollowed'])
  expect(await loadHiddenAccountIds(world.ctx.db, a.id)).toEqual(new Set([b.id]))
  expect(await loadHiddenAccountIds(world.ctx.db, b.id)).toEqual(new Set([a.id]))
})

test('who blocks looks missing to the blocked; the blocker neither follows nor is told', async () => {
  await using world = await createWorld()
  const [blocker, blocked] = [await world.account(), await world.account()]
  await blockAccount(world.ctx, towards(blocker, blocked))

  const missing = { handle: 'nobody.here' }
  for (const verb of [followAccount, unfollowAccount, blockAccount, unblockAccount]) {
    const answer = await verb(world.ctx, towards(blocked, blocker)).catch((error: unknown) => error)
    const answerOfMissing = await verb(world.ctx, towards(blocked, missing)).catch((error: unknown) => error)
    expect(answer).toBeInstanceOf(NotFoundError)
    expect((answer as AppError).message.replace(blocker.handle, missing.handle)).toBe(
      (answerOfMissing as AppError).message,
    )
  }
  await expect(followAccount(world.ctx, towards(blocker, blocked))).rejects.toThrow(NotFoundError)

  expect(await unblockAccount(world.ctx, towards(blocker, blocked))).toEqual({ isBlocking: false })
  expect(await unblockAccount(world.ctx, towards(blocker, blocked))).toEqual({ isBlocking: false })
  await followAccount(world.ctx, towards(blocked, blocker))
  expect(await eventKinds(world)).toEqual(['blocked', 'followed', 'unblocked'])
})

test('a follow that races a block never survives it', async () => {
  await using world = await createWorld()
  for (let round = 0; round < 10; round++) {
    const [fan, star] = [await world.account(), await world.account()]
    await Promise.allSettled([
      followAccount(world.ctx, towards(fan, star)),
      blockAccount(world.ctx, towards(star, fan)),
      followAccount(world.ctx, towards(star, fan)),
    ])
    expect(await countFollows(world.ctx.db, star.id)).toEqual({ followers: 0, following: 0 })
  }
})

test('lists neither skip nor repeat, whatever the page size and however many follow at one instant', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const star = await world.account()
  const fans = await Promise.all(Array.from({ length: 12 }, () => world.account()))
  for (const [index, fan] of fans.entries()) {
    if (index % 4 === 0) clock.advance(1)
    await followAccount(world.ctx, towards(fan, star))
  }
  const hidden = fans[5]!
  const viewer = fans[0]!
  await blockAccount(world.ctx, towards(viewer, hidden))
  const expected = fans.filter((fan) => fan !== hidden).map((fan) => fan.id)

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 14 }), async (limit) => {
      const items = await readAllPages((cursor) =>
        listFollows(world.ctx, {
          viewerId: viewer.id,
          handle: star.handle,
          side: 'followers',
          page: { limit, ...(cursor && { cursor }) },
        }),
      )
      expect(items.map((item) => item.id).toSorted()).toEqual(expected.toSorted())
    }),
    { numRuns: 14 },
  )
})

test('lists over HTTP: followers, following and blocks, with whether the viewer follows', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, followRoutes)
  const [viewer, star, pest] = [await world.account(), await world.account(), await world.account()]

  const followed = await api.call('PUT', `/profiles/${star.handle.toUpperCase()}/follow`, viewer)
  expect(followed.json()).toEqual({ isFollowing: true })
  expect((await api.call('PUT', `/profiles/${pest.handle}/block`, viewer)).json()).toEqual({
    isBlocking: true,
  })

  const followers = await api.call('GET', `/profiles/${star.handle}/followers`)
  expect(followers.json()).toMatchObject({
    items: [{ id: viewer.id, handle: viewer.handle, isFollowing: null }],
    nextCursor: null,
  })
  const following = await api.call('GET', `/profiles/${viewer.handle}/following`, viewer)
  expect(following.json().items).toMatchObject([{ id: star.id, isFollowing: true }])
  expect((await api.call('GET', '/me/blocks', viewer)).json().items).toMatchObject([{ id: pest.id }])
  expect((await listBlocks(world.ctx, { viewerId: pest.id, page: { limit: 20 } })).items).toEqual([])

  expect((await api.call('GET', `/profiles/${viewer.handle}/followers`, pest)).statusCode).toBe(404)
  expect((await api.call('DELETE', `/profiles/${star.handle}/follow`, viewer)).json()).toEqual({
    isFollowing: false,
  })
  expect((await api.call('DELETE', `/profiles/${pest.handle}/block`, viewer)).json()).toEqual({
    isBlocking: false,
  })
})

test('signed-out visitors, foreign cursors and limits beyond the edge are refused with a code', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, followRoutes)
  const star = await world.account()
  const codeOf = async (method: 'GET' | 'PUT' | 'DELETE', path: string) =>
    (await api.call(method, path)).json().code as string | undefined

  for (const method of ['PUT', 'DELETE'] as const) {
    expect(await codeOf(method, `/profiles/${star.handle}/follow`)).toBe('signed-out')
    expect(await codeOf(method, `/profiles/${star.handle}/block`)).toBe('signed-out')
  }
  expect(await codeOf('GET', '/me/blocks')).toBe('signed-out')
  expect(await codeOf('GET', '/profiles/nobody.here/followers')).toBe('not-found')
  for (const query of ['cursor=x', `cursor=99999999999999999.${star.id}`, 'limit=0', 'limit=51'])
    expect(await codeOf('GET', `/profiles/${star.handle}/followers?${query}`)).toBe('invalid-input')
  for (const query of ['limit=1', 'limit=50'])
    expect(await codeOf('GET', `/profiles/${star.handle}/followers?${query}`)).toBeUndefined()
})
