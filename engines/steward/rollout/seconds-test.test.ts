import { expect, test } from 'vitest'
import { createSeries } from './fixtures.ts'
import { createSecondsTest } from './seconds-test.ts'

/** The highest capital over a minute and a half in which either arm pauses now and then, whatever it answers. */
function play(seed: number, load: { canary: number; baseline: number }, canaryPauses: number): number {
  const { random } = createSeries(seed)
  const test = createSecondsTest()
  const second = (trials: number, pauses: number) => {
    const share = random() < pauses ? 0.3 : 0.01
    let events = 0
    for (let request = 0; request < trials; request++) if (random() < share) events += 1
    return { trials, events }
  }
  for (let s = 0; s < 90; s++) test.add(second(load.canary, canaryPauses), second(load.baseline, 0.1))
  return test.eValueMax
}

for (const load of [
  { canary: 50, baseline: 50 },
  { canary: 90, baseline: 10 },
  { canary: 10, baseline: 90 },
])
  test(`of equal arms that answer ${load.canary} and ${load.baseline} a second at most 1 in 20 looks 20 times worse`, () => {
    const highest = Array.from({ length: 300 }, (_, seed) => play(seed, load, 0.1))
    expect(highest.filter((value) => value >= 20).length).toBeLessThanOrEqual(15)
  })

test('one that pauses in each second is told apart under equal load', () => {
  const highest = Array.from({ length: 50 }, (_, seed) => play(seed, { canary: 50, baseline: 50 }, 1))
  expect(Math.min(...highest)).toBeGreaterThan(300)
})
