import { expect, test } from 'vitest'
import { moveOutages } from './outages.ts'
import { createShape } from './shape.ts'
import { createServiceState } from './state.ts'

test('however many outages are open at once, none of them is forgotten', () => {
  const features = Array.from({ length: 40 }, (_, n) => ({
    id: `feature-${n}`,
    dependsOn: [],
    tier: 'core' as const,
  }))
  const regions = features.map((_, n) => `region-${n}`)
  const shape = createShape({ id: 'clips', features, regions, neighbours: [] })
  const service = createServiceState(shape)

  // Each in a region of its own, and long enough after the others to be an outage of its own.
  for (let n = 0; n < 40; n++) {
    const cell = n * shape.regions + n
    service.cells[cell]!.state = 'down'
    moveOutages(service, shape, [{ cell, from: 'up', to: 'down' }], Date.UTC(2026, 0, 5) + n * 11 * 60_000)
  }

  expect(service.outages.map(({ state }) => state)).toEqual(Array.from({ length: 40 }, () => 'confirmed'))
})
