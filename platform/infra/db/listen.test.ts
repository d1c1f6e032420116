import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { notify } from './index.ts'

test('channels asked for in one breath are all heard, and the connection is asked for one at a time', async () => {
  await using world = await createWorld()
  const { listener, db } = world.ctx
  await listener.settled()
  const warnings: string[] = []
  const note = (warning: Error) => void warnings.push(warning.message)
  process.on('warning', note)
  const channels = ['one', 'two', 'three', 'four', 'five']
  const heard = new Set<unknown>()

  for (const channel of channels) listener.on(channel, (payload) => heard.add(payload))
  await listener.settled()
  for (const channel of channels) await notify(db, channel, channel)

  await expect.poll(() => heard).toEqual(new Set(channels))
  process.off('warning', note)
  expect(warnings).toEqual([])
})
