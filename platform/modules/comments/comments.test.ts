import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApi, readAllPages } from '../../../tests/support/api.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import { COMMENT_MAX_LENGTH } from '../../../contract/social.ts'
import { NotFoundError } from '../../app/errors.ts'
import { LIVE_CHANNEL } from '../../app/live.ts'
import { blockAccount } from '../follows/index.ts'
import {
  addComment,
  commentRoutes,
  COMMENTS_PER_MINUTE,
  deleteComment,
  likeComment,
  listComments,
  listReplies,
  unlikeComment,
} from './index.ts'

const as = (account: TestAccount, role: 'member' | 'operator' = 'member') => ({ id: account.id, role })
const add = (
  world: World,
  account: TestAccount,
  videoId: string,
  options: { body?: string; parentId?: string; clientKey?: string } = {},
) =>
  addComment(world.ctx, {
    viewer: as(account),
    videoId,
    body: options.body ?? 'Well made.',
    parentId: options.parentId ?? null,
    clientKey: options.clientKey ?? null,
  })
const thread = async (world: World, account: TestAccount | null, videoId: string) =>
  (await listComments(world.ctx, { viewer: account && as(account), videoId, page: { limit: 50 } })).items
const replies = async (world: World, account: TestAccount | null, commentId: string) =>
  (await listReplies(world.ctx, { viewer: account && as(account), commentId, page: { limit: 50 } })).items
const told = async (world: World) =>
  (await world.ctx.db.selectFrom('notification').select(['account_id', 'kind', 'excerpt']).execute()).map(
    (row) => [row.account_id, row.kind, row.excerpt],
  )
const inOrder = (rows: (string | null)[][]) => rows.map((row) => row.join(' ')).toSorted()
/** Sorted: events of one millisecond have no order. */
const eventKinds = async (world: World) =>
  (await world.ctx.db.selectFrom('event').select('kind').where('kind', 'like', '%comment%').execute())
    .map((row) => row.kind)
    .toSorted()

test('a comment is shown to all, counted by an event, and its video owner is told with its beginning', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)

  const made = await add(world, fan, videoId, { body: '  Hello\u0000 there  ' })

  expect(made).toMatchObject({
    body: 'Hello there',
    author: { handle: fan.handle },
    parentId: null,
    viewer: { isLiked: false, isOwn: true, canDelete: true },
  })
  expect(await thread(world, null, videoId)).toEqual([{ ...made, viewer: null }])
  expect((await thread(world, owner, videoId))[0]!.viewer).toEqual({
    isLiked: false,
    isOwn: false,
    canDelete: true,
  })
  expect(await told(world)).toEqual([[owner.id, 'commented', 'Hello there']])
  expect(await eventKinds(world)).toEqual(['commented'])
})

test('racing requests with one key make one comment and all get it; another account may use the same key', async () => {
  await using world = await createWorld()
  const [owner, fan, other] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const clientKey = world.ctx.newId()
  const root = await add(world, owner, videoId)
  const send = (account: TestAccount) => add(world, account, videoId, { clientKey, parentId: root.id })

  const answers = await Promise.all([send(fan), send(fan), send(fan), send(fan)])
  const later = await send(fan)
  await send(other)

  expect(new Set([...answers, later].map((comment) => comment.id)).size).toBe(1)
  expect(await replies(world, null, root.id)).toHaveLength(2)
  expect((await thread(world, null, videoId))[0]!.replyCount).toBe(2)
  expect(await eventKinds(world)).toEqual(['commented', 'commented', 'commented'])
})

test('a reply to a reply joins the thread; the one who is answered hears of it, the owner too', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const [owner, fan, friend] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)

  const root = await add(world, fan, videoId, { body: 'one' })
  clock.advance(1)
  const first = await add(world, friend, videoId, { body: 'two', parentId: root.id })
  clock.advance(1)
  const second = await add(world, fan, videoId, { body: 'three', parentId: first.id })
  await add(world, owner, videoId, { body: 'four', parentId: second.id })

  expect([first.parentId, second.parentId]).toEqual([root.id, root.id])
  expect((await replies(world, null, root.id)).map((reply) => reply.body)).toEqual(
    expect.arrayContaining(['two', 'three', 'four']),
  )
  expect(await thread(world, null, videoId)).toMatchObject([{ id: root.id, replyCount: 3 }])
  expect(inOrder(await told(world))).toEqual(
    inOrder([
      [owner.id, 'commented', 'one'],
      [owner.id, 'commented', 'two'],
      [fan.id, 'replied', 'two'],
      [owner.id, 'commented', 'three'],
      [friend.id, 'replied', 'three'],
      [fan.id, 'replied', 'four'],
    ]),
  )
})

test('author, video owner and operator may delete; others may not; strangers to the video find nothing', async () => {
  await using world = await createWorld()
  const [owner, fan, other, operator] = await Promise.all([1, 2, 3, 4].map(() => world.account()))
  const videoId = await makeVideo(world, owner!.id)
  for (const viewer of [as(fan!), as(owner!), as(operator!, 'operator')]) {
    const { id: commentId } = await add(world, fan!, videoId)
    await expect(deleteComment(world.ctx, { viewer: as(other!), commentId })).rejects.toMatchObject({
      code: 'not-allowed',
    })
    await deleteComment(world.ctx, { viewer, commentId })
    await deleteComment(world.ctx, { viewer, commentId })
  }
  expect(await thread(world, null, videoId)).toEqual([])
  expect((await eventKinds(world)).filter((kind) => kind === 'uncommented')).toHaveLength(3)
  expect(await told(world)).toEqual([])
})

test('a deleted comment loses its text but keeps its thread, and goes when the last reply goes', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const root = await add(world, fan, videoId, { body: 'secret' })
  const reply = await add(world, owner, videoId, { parentId: root.id })

  await Promise.all([1, 2, 3].map(() => deleteComment(world.ctx, { viewer: as(fan), commentId: root.id })))

  expect(await thread(world, fan, videoId)).toMatchObject([
    { id: root.id, body: '', isDeleted: true, replyCount: 1, viewer: { canDelete: false } },
  ])
  const stored = await world.ctx.db.selectFrom('comment').select('body').where('id', '=', root.id).execute()
  expect(stored).toEqual([{ body: '' }])
  await expect(add(world, owner, videoId, { parentId: root.id })).rejects.toThrow(NotFoundError)
  await expect(likeComment(world.ctx, { viewerId: owner.id, commentId: root.id })).rejects.toThrow(
    NotFoundError,
  )

  await deleteComment(world.ctx, { viewer: as(owner), commentId: reply.id })
  expect(await replies(world, fan, root.id)).toEqual([])
  expect(await thread(world, fan, videoId)).toEqual([])
})

test('racing likes of a comment count once and tell its author once; unliking takes it back once', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const { id: commentId } = await add(world, owner, videoId, { body: 'mine' })
  const input = { viewerId: fan.id, commentId }

  await Promise.all([1, 2, 3].map(() => likeComment(world.ctx, input)))
  expect(await thread(world, fan, videoId)).toMatchObject([{ likeCount: 1, viewer: { isLiked: true } }])
  expect(await told(world)).toEqual([[owner.id, 'comment-liked', 'mine']])
  await Promise.all([1, 2].map(() => unlikeComment(world.ctx, input)))
  expect(await thread(world, fan, videoId)).toMatchObject([{ likeCount: 0, viewer: { isLiked: false } }])
})

test('comments of blocked people are hidden both ways, and can neither be answered nor liked', async () => {
  await using world = await createWorld()
  const [owner, fan, pest] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const ofPest = await add(world, pest, videoId)
  const ofFan = await add(world, fan, videoId)
  await add(world, pest, videoId, { parentId: ofFan.id })
  await blockAccount(world.ctx, { viewerId: fan.id, handle: pest.handle })

  expect((await thread(world, fan, videoId)).map((comment) => comment.id)).toEqual([ofFan.id])
  expect((await thread(world, pest, videoId)).map((comment) => comment.id)).toEqual([ofPest.id])
  expect(await replies(world, fan, ofFan.id)).toEqual([])
  expect(await thread(world, owner, videoId)).toHaveLength(2)
  const attempts = [
    () => add(world, pest, videoId, { parentId: ofFan.id }),
    () => likeComment(world.ctx, { viewerId: pest.id, commentId: ofFan.id }),
    () => unlikeComment(world.ctx, { viewerId: pest.id, commentId: ofFan.id }),
    () => deleteComment(world.ctx, { viewer: as(pest), commentId: ofFan.id }),
    () => replies(world, pest, ofFan.id),
  ]
  for (const attempt of attempts) await expect(attempt()).rejects.toThrow(NotFoundError)
})

test('nothing of a hidden video can be read, answered, liked or deleted', async () => {
  await using world = await createWorld()
  const [owner, stranger] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id, { visibility: 'private' })
  const other = await makeVideo(world, owner.id)
  const { id: commentId } = await add(world, owner, videoId)

  const attempts = [
    () => thread(world, stranger, videoId),
    () => thread(world, null, videoId),
    () => replies(world, stranger, commentId),
    () => add(world, stranger, videoId),
    () => add(world, stranger, other, { parentId: commentId }),
    () => likeComment(world.ctx, { viewerId: stranger.id, commentId }),
    () => deleteComment(world.ctx, { viewer: as(stranger), commentId }),
  ]
  for (const attempt of attempts) await expect(attempt()).rejects.toThrow(NotFoundError)
  await expect(add(world, owner, other, { parentId: commentId })).rejects.toThrow(NotFoundError)
})

test('those who watch the video hear of a comment when it is made and when it is deleted', async () => {
  await using world = await createWorld()
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  const heard: unknown[] = []
  world.ctx.listener.on(LIVE_CHANNEL, (message) => heard.push(message))
  await world.ctx.listener.settled()

  const { id: commentId } = await add(world, owner, videoId)
  await deleteComment(world.ctx, { viewer: as(owner), commentId })

  const message = { topic: `video:${videoId}`, update: { kind: 'comment', videoId, commentId } }
  await expect
    .poll(() => heard.filter((one) => (one as typeof message).topic.startsWith('video:')))
    .toEqual([message, message])
})

test('threads and replies neither skip nor repeat, whatever the page size and however many share an instant', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const owner = await world.account()
  const videoId = await makeVideo(world, owner.id)
  const roots: string[] = []
  for (let index = 0; index < 11; index++) {
    if (index % 3 === 0) clock.advance(1)
    roots.push((await add(world, owner, videoId)).id)
  }
  const answers: string[] = []
  for (let index = 0; index < 9; index++) {
    if (index % 4 === 0) clock.advance(1)
    answers.push((await add(world, owner, videoId, { parentId: roots[0]! })).id)
  }
  const idsOf = async (read: typeof listComments | typeof listReplies, limit: number) =>
    (
      await readAllPages((cursor) =>
        read(world.ctx, {
          viewer: null,
          videoId,
          commentId: roots[0]!,
          page: { limit, ...(cursor && { cursor }) },
        }),
      )
    ).map((comment) => comment.id)

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (limit) => {
      expect((await idsOf(listComments, limit)).toSorted()).toEqual(roots.toSorted())
      expect((await idsOf(listReplies, limit)).toSorted()).toEqual(answers.toSorted())
    }),
    { numRuns: 12 },
  )
})

test('over HTTP: writing with a key, answering, liking, deleting, and what is refused', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, commentRoutes)
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const post = (payload: object, who: TestAccount | null = fan, key?: string) =>
    api.call('POST', `/videos/${videoId}/comments`, who, {
      payload,
      ...(key && { headers: { 'idempotency-key': key } }),
    })

  const key = world.ctx.newId()
  const first = await post({ body: 'Hi' }, fan, key)
  expect(first.statusCode).toBe(201)
  expect((await post({ body: 'Hi' }, fan, key)).json()).toEqual(first.json())
  const { id } = first.json()
  const reply = await post({ body: 'Ho', parentId: id }, owner)
  expect(reply.json()).toMatchObject({ parentId: id })
  expect((await api.call('GET', `/comments/${id}/replies`)).json().items).toMatchObject([{ body: 'Ho' }])
  expect((await api.call('PUT', `/comments/${id}/like`, owner)).json()).toEqual({ isLiked: true })
  expect((await api.call('DELETE', `/comments/${id}/like`, owner)).json()).toEqual({ isLiked: false })
  expect((await api.call('DELETE', `/comments/${id}`, fan)).statusCode).toBe(204)
  expect((await api.call('GET', `/videos/${videoId}/comments`)).json().items).toMatchObject([
    { id, isDeleted: true, replyCount: 1 },
  ])

  expect((await post({ body: 'x' }, null)).json()).toMatchObject({ code: 'signed-out' })
  for (const method of ['PUT', 'DELETE'] as const)
    expect((await api.call(method, `/comments/${id}/like`)).json()).toMatchObject({ code: 'signed-out' })
  expect((await api.call('DELETE', `/comments/${id}`)).json()).toMatchObject({ code: 'signed-out' })
  expect((await post({ body: 'x' }, fan, 'not-a-uuid')).json()).toMatchObject({ code: 'invalid-input' })
  for (const body of ['', '   ', '\u0000\u0007', 'x'.repeat(COMMENT_MAX_LENGTH + 1)])
    expect((await post({ body })).json()).toMatchObject({ code: 'invalid-input' })
  clock.advance(60_000)
  expect((await post({ body: 'x'.repeat(COMMENT_MAX_LENGTH) })).statusCode).toBe(201)
  for (let sent = 1; sent < COMMENTS_PER_MINUTE; sent++)
    expect((await post({ body: 'again' })).statusCode).toBe(201)
  expect((await post({ body: 'again' })).json()).toMatchObject({
    code: 'too-many-requests',
    isWorkKept: true,
  })
})

test('one who may no longer see the video is not told what is answered there', async () => {
  await using world = await createWorld()
  const [owner, fan] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, owner.id)
  const root = await add(world, fan, videoId, { body: 'one' })
  await world.ctx.db.updateTable('video').set({ visibility: 'private' }).where('id', '=', videoId).execute()

  await add(world, owner, videoId, { body: 'among us', parentId: root.id })

  expect(await told(world)).toEqual([[owner.id, 'commented', 'one']])
})

test('who is mentioned in a comment is told once, unless they hear of it anyway or may not see the video', async () => {
  await using world = await createWorld()
  const [owner, author, mentioned, stranger] = await Promise.all([
    world.account(),
    world.account(),
    world.account(),
    world.account(),
  ])
  const told = async () =>
    (
      await world.ctx.db.selectFrom('notification').select(['account_id', 'kind']).orderBy('id').execute()
    ).map((row) => [row.account_id, row.kind])
  const video = await makeVideo(world, owner.id)
  const body = `@${mentioned.handle} @${mentioned.handle.toUpperCase()}, @${owner.handle}. @${author.handle} me@${stranger.handle} @nobody.here`
  await add(world, author, video, { body })
  expect(await told()).toEqual([
    [owner.id, 'commented'],
    [mentioned.id, 'mentioned'],
  ])

  const hidden = await makeVideo(world, author.id, { visibility: 'private' })
  await add(world, author, hidden, { body: `@${stranger.handle}` })
  await blockAccount(world.ctx, { viewerId: mentioned.id, handle: author.handle })
  await add(world, author, video, { body: `@${mentioned.handle} again` })
  expect((await told()).filter(([, kind]) => kind === 'mentioned')).toHaveLength(1)
})
