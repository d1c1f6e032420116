import { expect, test } from 'vitest'
import { CommentPage } from '../../../contract/social.ts'
import { openApi } from '../../../tests/support/api.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { openShakyProcess } from '../../../tests/support/shaky-process.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import type { Ctx } from '../../app/context.ts'
import { NO_ORDERS } from '../../app/steward/index.ts'
import { blockAccount } from '../follows/index.ts'
import { openTestShelf } from '../standby/standby.fixtures.ts'
import { openCommentMemory, type ListInput } from './comment-memory.ts'
import { addComment, commentRoutes, deleteComment } from './index.ts'

const add = (world: World, account: TestAccount, videoId: string, body: string) =>
  addComment(world.ctx, {
    viewer: { id: account.id, role: 'member' },
    videoId,
    body,
    parentId: null,
    clientKey: null,
  })

const read = (memory: Memory, videoId: string, account: TestAccount | null = null, cursor?: string) =>
  memory.list({
    viewer: account && { id: account.id, role: 'member' },
    videoId,
    page: { limit: 20, cursor },
  })

type Memory = ReturnType<typeof openMemory>

/** As the routes ask it: in the mode of the moment. */
function openMemory(ctx: Ctx) {
  const memory = openCommentMemory(ctx)
  return {
    list: (input: Omit<ListInput, 'mode'>) => memory.list({ ...input, mode: ctx.steward.modeOf('comments') }),
    [Symbol.dispose]: () => memory[Symbol.dispose](),
  }
}

const bodiesOf = ({ items }: CommentPage) => items.map(({ body }) => body)

const orderLevel = ({ steward }: Ctx, level: 2 | 4 | null) =>
  steward.order({
    ...NO_ORDERS,
    level: level && { level, reason: 'a test', untilAt: new Date(Date.now() + 3_600_000) },
  })

/** Read once while all is well, so that they are in memory. */
async function warm(memory: Memory, ctx: Ctx, videoId: string): Promise<void> {
  await read(memory, videoId)
  await eventually(async () => {
    orderLevel(ctx, 2)
    const page = await read(memory, videoId)
    orderLevel(ctx, null)
    return page.asOf !== undefined
  })
}

test('with the database cut off, comments that were read are shown with their age, and likes as unknown', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [author, reader] = [await world.account(), await world.account()]
  const videoId = await makeVideo(world, author.id)
  await add(world, reader, videoId, 'Well made.')
  await shelf.fill()
  await using process = await openShakyProcess(world)
  using memory = openMemory(process.ctx)
  await warm(memory, process.ctx, videoId)

  process.cutOff()
  await eventually(() => !process.ctx.databaseGuard.isUp)
  const page = CommentPage.parse(await read(memory, videoId, reader))

  expect(bodiesOf(page)).toEqual(['Well made.'])
  expect(Date.parse(page.asOf!)).toBeLessThanOrEqual(Date.now())
  expect(page.items[0]!.viewer).toEqual({ isLiked: null, isOwn: true, canDelete: true })
  expect((await read(memory, videoId)).items[0]!.viewer).toBeNull()
})

test('what is not in memory is not said to be empty', async () => {
  await using world = await createWorld()
  const author = await world.account()
  const [videoId, other] = [await makeVideo(world, author.id), await makeVideo(world, author.id)]
  using memory = openMemory(world.ctx)
  await warm(memory, world.ctx, videoId)
  orderLevel(world.ctx, 4)

  expect(bodiesOf(await read(memory, videoId))).toEqual([])
  await expect(read(memory, other)).rejects.toMatchObject({ code: 'feature-paused' })
  await expect(read(memory, videoId, null, `1.${videoId}`)).rejects.toMatchObject({ code: 'feature-paused' })
  orderLevel(world.ctx, 2)
  // At this level there is a database to ask for what is not known.
  expect((await read(memory, other)).asOf).toBeUndefined()
  orderLevel(world.ctx, null)
})

test('blocks and deletions hold for comments from memory', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [author, one, other] = [await world.account(), await world.account(), await world.account()]
  const videoId = await makeVideo(world, author.id)
  await add(world, one, videoId, 'from one')
  const second = await add(world, other, videoId, 'from the other')
  await shelf.fill()
  using memory = openMemory(world.ctx)
  await warm(memory, world.ctx, videoId)
  orderLevel(world.ctx, 4)
  expect(bodiesOf(await read(memory, videoId, one))).toEqual(['from the other', 'from one'])

  await blockAccount(world.ctx, { viewerId: other.id, handle: one.handle })
  await eventually(async () => bodiesOf(await read(memory, videoId, one)).length === 1)
  expect(bodiesOf(await read(memory, videoId, one))).toEqual(['from one'])
  expect(bodiesOf(await read(memory, videoId))).toEqual(['from the other', 'from one'])

  await deleteComment(world.ctx, { viewer: { id: other.id, role: 'member' }, commentId: second.id })
  await eventually(async () => bodiesOf(await read(memory, videoId)).length === 1)
  await blockAccount(world.ctx, { viewerId: author.id, handle: one.handle })
  await eventually(() =>
    read(memory, videoId, one).then(
      () => false,
      (error: { code: string }) => error.code === 'not-found',
    ),
  )
  orderLevel(world.ctx, null)
})

test('a video that is not everyone’s is never kept', async () => {
  await using world = await createWorld()
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { visibility: 'private' })
  using memory = openMemory(world.ctx)
  expect(bodiesOf(await read(memory, videoId, author))).toEqual([])
  orderLevel(world.ctx, 4)
  await expect(read(memory, videoId, author)).rejects.toMatchObject({ code: 'feature-paused' })
  orderLevel(world.ctx, null)
})

test('over HTTP the age is on the page', async () => {
  await using world = await createWorld()
  const author = await world.account()
  const videoId = await makeVideo(world, author.id)
  await using api = await openApi(world, commentRoutes)
  const readOver = async () =>
    CommentPage.parse((await api.call('GET', `/videos/${videoId}/comments`)).json())
  expect((await readOver()).asOf).toBeUndefined()
  orderLevel(world.ctx, 2)
  const page = await eventually(readOver, ({ asOf }) => asOf !== undefined)
  expect(page.items).toEqual([])
  orderLevel(world.ctx, null)
})
