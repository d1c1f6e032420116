import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { listMediaChanges } from './edges.service.ts'

test('an edge hears of each video that changed or was deleted since it last asked, and of no view', async () => {
  await using world = await createWorld()
  const { ctx } = world
  const { id: accountId } = await world.account()
  const [changed, deleted, viewed] = [uuidv7(), uuidv7(), uuidv7()]
  const append = (kind: 'video-changed' | 'video-deleted' | 'liked', videoId: string) =>
    inTransaction(ctx, (tx) => ctx.events.append(tx, { kind, accountId, videoId }))

  await append('video-changed', uuidv7())
  const first = await listMediaChanges(ctx, null)
  await append('video-changed', changed)
  await append('liked', viewed)
  await append('video-deleted', deleted)
  const second = await listMediaChanges(ctx, first.next)
  const third = await listMediaChanges(ctx, second.next)

  expect(first.items.map(({ videoId }) => videoId)).not.toContain(changed)
  const named = second.items.map(({ videoId }) => videoId)
  expect(named).toEqual(expect.arrayContaining([changed, deleted]))
  expect(named).not.toContain(viewed)
  expect(third.items.map(({ id }) => id)).toEqual(second.items.map(({ id }) => id))
  expect(third.next).toBe(second.next)
})
