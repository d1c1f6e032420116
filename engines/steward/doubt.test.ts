/** Fail static: one look at which everything fails says more about who looks. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEPENDENCIES, type Dependency } from './dependencies.ts'
import { DOUBT_MS } from './doubt.ts'
import { HEALTHY, LOOK_MS, Play } from './fixtures.ts'
import { FEATURES } from './levels.ts'
import { createSteward } from './steward.ts'

function begin(options: { hasDoubt?: boolean } = {}) {
  const steward = createSteward({ nowMs: 0, ...options })
  const play = new Play(steward)
  play.run({}, 1_000)
  return { steward, play }
}

const away = (...names: Dependency[]) => ({
  dependencies: { ...HEALTHY.dependencies, ...Object.fromEntries(names.map((name) => [name, false])) },
})
const ALL = away(...DEPENDENCIES)

test('one look at which everything fails takes nothing out of service', () => {
  const { steward, play } = begin()
  const { features } = steward.state
  play.run(ALL, LOOK_MS)
  expect(steward.state.level).toBe(0)
  expect(steward.state.features).toEqual(features)
  expect(steward.state.causes.join()).toContain('doubted')
  play.run({}, LOOK_MS)
  expect(steward.state.causes).toEqual([])
})

test('without the doubt the same look takes everything out of service', () => {
  const { steward, play } = begin({ hasDoubt: false })
  play.run(ALL, LOOK_MS)
  expect(steward.state.level).toBe(5)
})

test('when everything really is gone it is told within 3.25 s', () => {
  const { steward, play } = begin()
  const tookMs = play.run(ALL, 60_000, () => DEPENDENCIES.every((name) => !steward.isUp(name)))
  expect(tookMs).toBe(DOUBT_MS + LOOK_MS)
  expect(steward.state.level).toBe(5)
  expect(steward.state.features.uploads.mode).toBe('paused')
})

test('while one thing is there the others are believed to be gone at once', () => {
  for (const there of DEPENDENCIES) {
    const { steward, play } = begin()
    play.run(away(...DEPENDENCIES.filter((name) => name !== there)), LOOK_MS)
    expect(DEPENDENCIES.filter((name) => steward.isUp(name))).toEqual([there])
  }
})

test('two that are all that a process looks at may well be gone together', () => {
  const { steward, play } = begin()
  const two = { database: true, worker: true, ingest: null, disk: null, blobs: null, journal: null }
  play.run({ dependencies: two }, LOOK_MS)
  play.run({ dependencies: { ...two, database: false, worker: false } }, LOOK_MS)
  expect(steward.isUp('database')).toBe(false)
})

test('a process that starts with nothing there believes it at once', () => {
  const steward = createSteward({ nowMs: 0 })
  new Play(steward).run(ALL, LOOK_MS)
  expect(DEPENDENCIES.filter((name) => steward.isUp(name))).toEqual([])
})

test('what was away before stays away while everything else is doubted', () => {
  const { steward, play } = begin()
  play.run(away('database'), 10_000)
  play.run(ALL, LOOK_MS)
  expect(DEPENDENCIES.filter((name) => !steward.isUp(name))).toEqual(['database'])
})

test('who was asleep for six seconds believes no failure of the first two, and every one that lasts', () => {
  const { steward, play } = begin()
  play.nowMs += 6_000
  play.run(away('database', 'ingest'), 1_500)
  expect(steward.state.level).toBe(0)
  play.run(away('ingest'), 3_000)
  expect(steward.isUp('database')).toBe(true)
  expect(steward.isUp('ingest')).toBe(false)
})

test('the time asleep is no time in which an absence was seen', () => {
  const { steward, play } = begin()
  play.run(ALL, LOOK_MS)
  play.nowMs += 3_600_000
  play.run(ALL, LOOK_MS)
  expect(steward.state.level).toBe(0)
})

test('a process that stands still again and again tells an absence after three looks all the same', () => {
  const { steward, play } = begin()
  for (let look = 0; look <= 3; look++) {
    expect(steward.isUp('database')).toBe(true)
    play.nowMs += 1_500
    play.run(away('database'), LOOK_MS)
  }
  expect(steward.isUp('database')).toBe(false)
})

test('however long everything fails together for less than the doubt, no feature changes', () => {
  const blips = fc.array(fc.record({ goodMs: fc.nat(20_000), badMs: fc.nat(DOUBT_MS - LOOK_MS) }))
  fc.assert(
    fc.property(blips, (given) => {
      const { steward, play } = begin()
      const { features } = steward.state
      for (const { goodMs, badMs } of given) {
        play.run({}, goodMs + LOOK_MS)
        play.run(ALL, badMs)
        expect(FEATURES.filter((feature) => steward.state.features[feature] !== features[feature])).toEqual(
          [],
        )
      }
    }),
    { numRuns: 100, seed: 20_260_102 },
  )
})

test('whatever was seen before, what is gone for longer than the doubt counts as gone', () => {
  const looks = fc.array(
    fc.record({
      asleepMs: fc.constantFrom(0, 0, 0, 1_200, 60_000),
      gone: fc.subarray([...DEPENDENCIES]),
      forMs: fc.nat(5_000),
    }),
  )
  fc.assert(
    fc.property(looks, fc.subarray([...DEPENDENCIES], { minLength: 1 }), (history, gone) => {
      const { steward, play } = begin()
      for (const { asleepMs, gone: names, forMs } of history) {
        play.nowMs += asleepMs
        play.run(away(...names), forMs)
      }
      play.run(away(...gone), DOUBT_MS + LOOK_MS)
      expect(gone.filter((name) => steward.isUp(name))).toEqual([])
    }),
    { numRuns: 200, seed: 20_260_103 },
  )
})
