import { expect, test } from 'vitest'
import { WatchError } from '../app/errors.ts'
import { createWatchWorld, ENTRY } from '../pages/world.fixtures.ts'
import type { Store } from '../store/index.ts'
import { openTrafficBook } from './traffic-book.ts'

const COUNTED = ENTRY.replace(/^( *- \{ id: upload,)/m, '$1 requestsPerPersonMinute: 2,')

test('what the disk refuses is gathered again, and written with what came after it', async () => {
  await using world = await createWatchWorld({ entries: { upbeat: COUNTED } })
  let isFull = true
  const store: Store = {
    ...world.ctx.store,
    write: (statements) =>
      isFull
        ? Promise.reject(new WatchError('storage-unavailable', { detail: 'The disk is full.' }))
        : world.ctx.store.write(statements),
  }
  await using book = openTrafficBook({ ...world.ctx, store })
  const atMs = world.clock.now().getTime()
  const count = (requests: number, errors: number) =>
    book.note({
      kind: 'traffic',
      serviceId: 'upbeat',
      featureId: 'upload',
      region: 'eu',
      atMs,
      intervalMs: 10_000,
      requests,
      errors,
      bytes: null,
      diversity: null,
    })
  count(100, 3)
  await expect(book.flush()).rejects.toMatchObject({ code: 'storage-unavailable' })
  count(20, 1)
  isFull = false
  await book.flush()

  expect(world.ctx.store.all('select requests, errors from traffic_slot')).toEqual([
    { requests: 120, errors: 4 },
  ])
})
