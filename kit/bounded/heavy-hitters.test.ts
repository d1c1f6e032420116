import { expect, test } from 'vitest'
import { createFakeClock } from '../clock.ts'
import { createHeavyHitters } from './heavy-hitters.ts'

test('who asks for a tenth of everything is found among a hundred thousand', () => {
  const clock = createFakeClock()
  const hitters = createHeavyHitters({ maxKeys: 64, memoryMs: 1_000, clock })
  for (let at = 0; at < 100_000; at++) {
    hitters.add(at % 10 === 0 ? 'heavy' : `light ${at}`)
    if (at % 10 === 0) clock.advance(1)
  }
  const [first] = hitters.top(1)
  expect(first!.key).toBe('heavy')
  // One a millisecond; never told too low.
  expect(first!.perS).toBeGreaterThan(990)
  expect(first!.perS).toBeLessThan(1_200)
  expect(hitters.top(1_000)).toHaveLength(64)
})

test('what is long ago fades, and what is forgotten is gone', () => {
  const clock = createFakeClock()
  const hitters = createHeavyHitters({ maxKeys: 8, memoryMs: 1_000, clock })
  hitters.add('a', 100)
  clock.advance(10_000)
  hitters.add('b', 1)
  expect(hitters.top(2)[0]!.key).toBe('b')
  hitters.forget('b')
  expect(hitters.top(2).map(({ key }) => key)).not.toContain('b')
})
