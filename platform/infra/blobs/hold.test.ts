import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { AlreadyHeldError, holdDeletions, makeUpForDeletions } from './index.ts'

const KEYS = ['a/one', 'a/two', 'b/three']

async function setUp() {
  const world = await createWorld()
  const { blobs, db } = world.ctx
  for (const key of KEYS) await blobs.put(key, Buffer.from(key))
  const left = async () => {
    const found: string[] = []
    for await (const { key } of blobs.list('')) found.push(key)
    return found.sort()
  }
  return {
    world,
    blobs,
    db,
    left,
    newId: () => world.ctx.newId(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

test('without a hold, what is deleted is gone at once', async () => {
  await using s = await setUp()
  await s.blobs.delete('b/three')
  await s.blobs.deletePrefix('a')
  expect(await s.left()).toEqual([])
})

test('during a hold nothing is deleted; after it all that was asked for is', async () => {
  await using s = await setUp()
  {
    await using _hold = await holdDeletions(s.db, s.newId())
    await s.blobs.deletePrefix('a')
    await s.blobs.delete('b/three')
    expect(await makeUpForDeletions(s.db, s.blobs)).toBe(0)
    expect(await s.left()).toEqual(KEYS)
  }
  expect(await makeUpForDeletions(s.db, s.blobs)).toBe(2)
  expect(await s.left()).toEqual([])
  expect(await makeUpForDeletions(s.db, s.blobs)).toBe(0)
})

test('what was stored again under the same key since stays', async () => {
  await using s = await setUp()
  {
    await using _hold = await holdDeletions(s.db, s.newId())
    await s.blobs.deletePrefix('a')
    await s.blobs.delete('b/three')
    // File times are those of the kernel's tick.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await s.blobs.put('a/two', Buffer.from('anew'))
    await s.blobs.put('b/three', Buffer.from('anew'))
  }
  await makeUpForDeletions(s.db, s.blobs)
  expect(await s.left()).toEqual(['a/two', 'b/three'])
})

test('one holds at a time, and a hold that has lapsed makes way', async () => {
  await using s = await setUp()
  {
    await using _hold = await holdDeletions(s.db, s.newId())
    await expect(holdDeletions(s.db, s.newId())).rejects.toThrow(AlreadyHeldError)
    await s.db
      .updateTable('blob_hold')
      .set({ held_until: new Date(0) })
      .execute()
    await s.blobs.delete('b/three')
    expect(await s.left()).toEqual(['a/one', 'a/two'])
    await using _next = await holdDeletions(s.db, s.newId())
    await s.blobs.delete('a/one')
    expect(await s.left()).toEqual(['a/one', 'a/two'])
  }
  expect(await makeUpForDeletions(s.db, s.blobs)).toBe(1)
})
