import { expect, test } from 'vitest'
import type { Update } from '../../../contract/updates.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import { publishLive } from '../../app/live.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { addComment, deleteComment } from '../comments/index.ts'
import { foldAll } from '../counters/index.ts'
import { blockAccount, followAccount, unfollowAccount } from '../follows/index.ts'
import { likeVideo } from '../reactions/index.ts'
import { deleteVideo, editVideo } from '../videos/index.ts'
import { createLatestOnly } from './payloads.ts'
import { STREAMS_PER_ACCOUNT, STREAMS_PER_ADDRESS } from './index.ts'
import { isReady, kinds, openServer, receiptOf, settle, type Ear } from './updates.fixtures.ts'

const comment = (world: World, account: TestAccount, videoId: string, body = 'Nice.') =>
  addComment(world.ctx, {
    viewer: { id: account.id, role: 'member' },
    videoId,
    body,
    parentId: null,
    clientKey: null,
  })

test('an account hears of its notifications with the number of unread ones, and of its receipts', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  using ear = await server.listen(owner)
  using other = await server.listen(fan)
  await isReady(ear)
  await isReady(other)
  expect(kinds(ear, 'notification')).toEqual([{ kind: 'notification', notification: null, unread: 0 }])

  await likeVideo(world.ctx, { viewerId: fan.id, videoId })
  await expect.poll(() => kinds(ear, 'notification').length, { timeout: 20_000 }).toBe(2)
  expect(kinds(ear, 'notification')[1]).toMatchObject({
    notification: { kind: 'liked', actors: [{ id: fan.id }] },
    unread: 1,
  })
  // It hears of a receipt of its own, and nobody else does.
  await settle(world, ear, owner)
  expect(other.updates()).toHaveLength(1)
  const ids = ear.heard().map((one) => one.id)
  expect(new Set(ids).size).toBe(ids.length)
})

test('the stream is an event stream with a retry hint, and beats while nothing happens', async () => {
  await using world = await createWorld()
  await using server = await openServer(world, { heartbeatMs: 10 })
  using ear = await server.listen(null)

  expect(ear.answer.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-content-type-options': 'nosniff',
  })
  await expect.poll(() => ear.text(), { timeout: 20_000 }).toMatch(/^retry: \d{4}\n\n:\n\n:\n\n/)
})

test('those who watch a video hear its comments and counts, each from their own side; others hear nothing', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [owner, fan] = [await world.account(), await world.account()]
  const [video, other] = [await makeVideo(world, owner.id), await makeVideo(world, owner.id)]
  using ownerEar = await server.listen(owner, `?videos=${video},${other}`)
  using fanEar = await server.listen(fan, `?videos=${video}`)
  using visitorEar = await server.listen(null, `?videos=${video}`)
  using deafEar = await server.listen(fan, `?videos=${other}`)
  for (const ear of [ownerEar, fanEar, deafEar]) await isReady(ear)
  await expect
    .poll(async () => (await foldAll(world.ctx), await nudge(), kinds(visitorEar, 'counts').length), {
      timeout: 20_000,
    })
    .toBeGreaterThan(0)
  async function nudge() {
    const shared = { kind: 'shared', accountId: null, videoId: video } as const
    await inTransaction(world.ctx, (tx) => world.ctx.events.append(tx, shared))
  }

  const made = await comment(world, fan, video)
  for (const ear of [ownerEar, fanEar, visitorEar])
    await expect.poll(() => kinds(ear, 'comment').length, { timeout: 20_000 }).toBe(1)
  const heardBy = (ear: Ear) => (kinds(ear, 'comment')[0] as Extract<Update, { kind: 'comment' }>).comment
  expect(heardBy(fanEar)).toEqual(made)
  expect(heardBy(ownerEar).viewer).toEqual({ isLiked: false, isOwn: false, canDelete: true })
  expect(heardBy(visitorEar).viewer).toBeNull()

  await deleteComment(world.ctx, { viewer: { id: fan.id, role: 'member' }, commentId: made.id })
  await expect.poll(() => kinds(fanEar, 'comment').length, { timeout: 20_000 }).toBe(2)
  expect(kinds(fanEar, 'comment')[1]).toMatchObject({ comment: { isDeleted: true, body: '' } })
  expect(kinds(fanEar, 'counts').at(-1)).toMatchObject({
    videoId: video,
    counts: { asOf: expect.any(String), likes: 0 },
  })
  expect(kinds(deafEar, 'comment')).toEqual([])
  expect(kinds(deafEar, 'counts')).toMatchObject([{ videoId: other }])
})

test('a stream begins with the counts as they are: what changed before it was open is not missed', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [owner, fan] = [await world.account(), await world.account()]
  const video = await makeVideo(world, owner.id)
  const hidden = await makeVideo(world, owner.id, { visibility: 'private' })
  await comment(world, fan, video)
  await foldAll(world.ctx)

  using ear = await server.listen(fan, `?videos=${video},${hidden}`)
  await isReady(ear)

  const heard = kinds(ear, 'counts')
  expect(heard[0]).toMatchObject({ videoId: video, counts: { comments: 1, likes: 0 } })
  // What told of the fold may come after the stream was open, and says the same again.
  expect(heard).not.toContainEqual(expect.objectContaining({ videoId: hidden }))
})

test('a hidden video is not heard, nor one that becomes hidden while the stream is open', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [owner, fan] = [await world.account(), await world.account()]
  const hidden = await makeVideo(world, owner.id, { visibility: 'private' })
  const closing = await makeVideo(world, owner.id)
  const forFollowers = await makeVideo(world, owner.id, { visibility: 'followers' })
  await followAccount(world.ctx, { viewerId: fan.id, handle: owner.handle })
  using ear = await server.listen(fan, `?videos=${hidden},${closing},${forFollowers}`)
  await isReady(ear)
  for (const videoId of [hidden, closing, forFollowers]) await comment(world, owner, videoId, 'before')
  await expect.poll(() => kinds(ear, 'comment').length, { timeout: 20_000 }).toBe(2)

  await editVideo(world.ctx, { viewerId: owner.id, videoId: closing, edit: { visibility: 'private' } })
  await unfollowAccount(world.ctx, { viewerId: fan.id, handle: owner.handle })
  for (const videoId of [hidden, closing, forFollowers]) await comment(world, owner, videoId, 'after')
  await settle(world, ear, fan)

  expect(ear.text()).not.toContain('"after"')
})

test('comments of blocked people are not heard, either way; a block silences videos at once', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [owner, fan, pest] = [await world.account(), await world.account(), await world.account()]
  const [video, ofPest] = [await makeVideo(world, owner.id), await makeVideo(world, pest.id)]
  using fanEar = await server.listen(fan, `?videos=${video},${ofPest}`)
  using pestEar = await server.listen(pest, `?videos=${video}`)
  await isReady(fanEar)
  await isReady(pestEar)
  await blockAccount(world.ctx, { viewerId: fan.id, handle: pest.handle })

  await comment(world, pest, video, 'by the pest')
  await comment(world, owner, video, 'by the owner')
  await comment(world, fan, video, 'by the fan')
  await comment(world, pest, ofPest, 'at the pest’s')
  await expect.poll(() => fanEar.text(), { timeout: 20_000 }).toContain('by the fan')
  await settle(world, fanEar, fan)
  await settle(world, pestEar, pest)

  expect(fanEar.text()).not.toContain('pest’s')
  expect(fanEar.text()).not.toContain('by the pest')
  expect(pestEar.text()).not.toContain('by the fan')
  expect(pestEar.text()).toContain('by the owner')
})

test('a deleted video falls silent', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  using ear = await server.listen(owner, `?videos=${videoId}`)
  await isReady(ear)
  await likeVideo(world.ctx, { viewerId: owner.id, videoId })
  await foldAll(world.ctx)
  await expect.poll(() => kinds(ear, 'counts').length, { timeout: 20_000 }).toBe(2)
  await likeVideo(world.ctx, { viewerId: (await world.account()).id, videoId })

  await deleteVideo(world.ctx, { viewerId: owner.id, videoId })
  await foldAll(world.ctx)
  await settle(world, ear, owner)

  expect(kinds(ear, 'counts')).toHaveLength(2)
})

test('signing out ends the streams of that session and of no other', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const [leaving, staying] = [await world.account(), await world.account()]
  using leavingEar = await server.listen(leaving)
  using stayingEar = await server.listen(staying)
  await isReady(leavingEar)
  await isReady(stayingEar)

  expect((await server.api.call('DELETE', '/sessions/current', leaving)).statusCode).toBe(204)

  await expect.poll(() => leavingEar.isOver(), { timeout: 20_000 }).toBe(true)
  expect(leavingEar.heard().at(-1)).toMatchObject({ event: 'signed-out' })
  await settle(world, stayingEar, staying)
  expect(stayingEar.isOver()).toBe(false)
})

test('shutting down ends every stream with a gap, and who comes back is told that there was one', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  const server = await openServer(world)
  using ear = await server.listen(owner)
  await isReady(ear)
  await server.api.app.close()
  await expect.poll(() => ear.isOver(), { timeout: 20_000 }).toBe(true)
  const last = ear.heard().at(-1)!
  expect(last.event).toBe('gap')

  await using next = await openServer(world)
  using back = await next.listen(owner, '', { 'last-event-id': last.id! })
  await isReady(back)
  expect(back.heard()[0]).toMatchObject({ event: 'gap' })
})

test('after a lost database connection every stream ends with a gap: something may have been missed', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  using ear = await server.listen(await world.account())
  await isReady(ear)

  await world.ctx.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'upbeat-listener' and datname = current_database()`,
  )

  await expect.poll(() => ear.isOver(), { timeout: 20_000 }).toBe(true)
  expect(ear.heard().at(-1)).toMatchObject({ event: 'gap' })
})

test('a reader that does not read is dropped, and the others hear on', async () => {
  await using world = await createWorld()
  // Together far more than the sockets of both sides hold.
  const captionLength = 120_000
  const rounds = 150
  await using server = await openServer(world, {
    loadReceipt: async (_ctx, id) => ({ ...receiptOf(id), caption: 'x'.repeat(captionLength) }),
  })
  const owner = await world.account()
  using slow = await server.listen(owner)
  using quick = await server.listen(owner)
  await isReady(slow)
  await isReady(quick)
  slow.answer.pause()

  for (let round = 1; round <= rounds; round++) {
    await publishLive(world.ctx.db, {
      topic: `account:${owner.id}`,
      update: { kind: 'receipt', uploadId: world.ctx.newId() },
    })
    await expect
      .poll(() => quick.text().length, { timeout: 20_000, interval: 5 })
      .toBeGreaterThan(round * captionLength)
  }
  expect(slow.isOver()).toBe(false)
  slow.answer.resume()

  await expect.poll(() => slow.isOver(), { timeout: 20_000 }).toBe(true)
  expect(slow.text()).toMatch(/event: dropped\ndata: \{"reason":"slow"\}\n\n$/)
  expect(quick.isOver()).toBe(false)
})

test('an account has a limited number of streams, an address too, and a closed one makes room', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  await using streams = new AsyncDisposableStack()
  const owner = await world.account()
  const open = async (as: TestAccount | null) => streams.use(await server.listen(as))

  const first = await open(owner)
  for (let count = 1; count < STREAMS_PER_ACCOUNT; count++) expect((await open(owner)).status).toBe(200)
  const refused = await open(owner)
  expect(refused.status).toBe(429)
  await expect.poll(() => refused.text()).toContain('"code":"too-many-requests"')
  first[Symbol.dispose]()
  await expect.poll(async () => (await open(owner)).status, { timeout: 20_000 }).toBe(200)

  for (let count = 0; count < STREAMS_PER_ADDRESS; count++) expect((await open(null)).status).toBe(200)
  expect((await open(null)).status).toBe(429)
})

test('a process has a limited number of streams, whoever holds them', async () => {
  await using world = await createWorld()
  await using server = await openServer(world, { maxStreams: 2 })
  using visitor = await server.listen(null)
  using owner = await server.listen(await world.account())
  using refused = await server.listen(null)

  expect([visitor.status, owner.status, refused.status]).toEqual([200, 200, 503])
  await expect.poll(() => refused.text()).toContain('"code":"busy"')
  expect(refused.answer.headers['retry-after']).toBe('30')
})

test('at most 10 videos, each a proper id, may be named', async () => {
  await using world = await createWorld()
  await using server = await openServer(world)
  const ids = (count: number) => Array.from({ length: count }, () => world.ctx.newId()).join(',')

  for (const videos of ['x', ids(11), `${ids(1)};${ids(1)}`]) {
    using ear = await server.listen(null, `?videos=${videos}`)
    expect(ear.status).toBe(400)
  }
  for (const videos of ['', ids(10)]) {
    using ear = await server.listen(null, `?videos=${videos}`)
    expect(ear.status).toBe(200)
  }
})

test('a burst about one thing is worked on twice: once at once, once for the last of what came meanwhile', async () => {
  const begun: (string | null)[] = []
  const gate = Promise.withResolvers<void>()
  const tell = createLatestOnly(async ({ update }) => {
    begun.push(update.kind === 'notification' ? update.notificationId : null)
    await gate.promise
  })
  const burst = ['a', 'b', 'c', 'd'].map((notificationId) =>
    tell({ topic: 'account:1', update: { kind: 'notification', notificationId } }),
  )
  gate.resolve()
  await Promise.all(burst)
  expect(begun).toEqual(['a', 'd'])
})
