import { expect, test } from 'vitest'
import { VideoCard } from '../../../contract/videos.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { openShakyProcess } from '../../../tests/support/shaky-process.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { blockAccount } from '../follows/index.ts'
import { openTestShelf } from '../standby/standby.fixtures.ts'
import { openCardMemory } from './card-memory.ts'
import { deleteVideo, editVideo } from './index.ts'

test('with the database cut off, a card comes from the shelf or from memory, and says what is not known', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [author, reader] = [await world.account(), await world.account()]
  const shelved = await makeVideo(world, author.id)
  await shelf.fill()
  const later = await makeVideo(world, author.id)
  await using process = await openShakyProcess(world)
  using memory = openCardMemory(process.ctx)
  const before = await memory.read({ viewerId: reader.id, videoId: later })
  expect(before.viewer!.isLiked).toBe(false)

  process.cutOff()
  await eventually(() => !process.ctx.databaseGuard.isUp)

  for (const videoId of [shelved, later]) {
    const card = VideoCard.parse(await memory.read({ viewerId: reader.id, videoId }))
    expect(card.viewer).toEqual({ isLiked: null, isSaved: null, isFollowingAuthor: null, isOwn: false })
    expect(card.counts.asOf).not.toBeNull()
    expect((await memory.read({ viewerId: null, videoId })).viewer).toBeNull()
  }
  expect((await memory.read({ viewerId: author.id, videoId: later })).viewer!.isOwn).toBe(true)
  await expect(memory.read({ viewerId: null, videoId: world.ctx.newId() })).rejects.toThrow()
})

test('blocked, private and deleted videos are not had from memory either', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const [author, reader] = [await world.account(), await world.account()]
  const [kept, hidden, deleted] = [
    await makeVideo(world, author.id),
    await makeVideo(world, author.id),
    await makeVideo(world, author.id),
  ]
  const personal = await makeVideo(world, author.id, { visibility: 'private' })
  await using process = await openShakyProcess(world)
  using memory = openCardMemory(process.ctx)
  for (const videoId of [kept, hidden, deleted]) await memory.read({ viewerId: reader.id, videoId })
  await memory.read({ viewerId: author.id, videoId: personal })
  await process.ctx.listener.settled()
  await blockAccount(world.ctx, { viewerId: reader.id, handle: author.handle })
  await editVideo(world.ctx, { viewerId: author.id, videoId: hidden, edit: { visibility: 'followers' } })
  await deleteVideo(world.ctx, { viewerId: author.id, videoId: deleted })
  await shelf.fill()
  await process.ctx.standby.refresh()
  process.cutOff()
  await eventually(() => !process.ctx.databaseGuard.isUp)

  await expect(memory.read({ viewerId: reader.id, videoId: kept })).rejects.toMatchObject({
    code: 'not-found',
  })
  expect((await memory.read({ viewerId: null, videoId: kept })).id).toBe(kept)
  for (const videoId of [hidden, deleted, personal])
    await expect(memory.read({ viewerId: author.id, videoId })).rejects.toThrow()
})
