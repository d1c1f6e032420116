import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { startWhileWanted } from './governing.ts'

const pauseProcessing = (world: World, isPaused: boolean) =>
  world.ctx.steward.order({
    level: null,
    features: isPaused ? { processing: { reason: 'a drill', untilAt: new Date(Date.now() + 60_000) } } : {},
    maintenance: null,
  })

test('a lane stops while processing is paused, starts again after it, and ends with its owner', async () => {
  await using world = await createWorld()
  const told: string[] = []
  const lane = await startWhileWanted(world.ctx, async () => {
    told.push('started')
    return { [Symbol.asyncDispose]: async () => void told.push('stopped') }
  })
  expect(told).toEqual(['started'])

  pauseProcessing(world, true)
  await eventually(() => told.length === 2)
  pauseProcessing(world, false)
  await eventually(() => told.length === 3)

  await lane[Symbol.asyncDispose]()
  expect(told).toEqual(['started', 'stopped', 'started', 'stopped'])
})
