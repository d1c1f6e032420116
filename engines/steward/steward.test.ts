import { expect, test } from 'vitest'
import { HEALTHY, Play } from './fixtures.ts'
import { FEATURES, isWorse, LEVELS, modeAt } from './levels.ts'
import { createSteward, NO_ORDERS, type Steward } from './steward.ts'
import { STEPS } from './steps.ts'

function begin(options: { hasLevels?: boolean; hasOrder?: boolean } = {}): { steward: Steward; play: Play } {
  const steward = createSteward({ nowMs: 0, ...options })
  const play = new Play(steward)
  return { steward, play }
}

const away = (...names: (keyof typeof HEALTHY.dependencies)[]) => ({
  dependencies: { ...HEALTHY.dependencies, ...Object.fromEntries(names.map((name) => [name, false])) },
})

test('each level has at most what the one before it has', () => {
  for (const feature of FEATURES)
    for (const level of LEVELS.slice(1))
      expect(isWorse(modeAt(LEVELS[level - 1]!, feature), modeAt(level, feature))).toBe(false)
})

test('a healthy process that nobody waits for has everything after one look', () => {
  const { steward, play } = begin()
  play.run({}, 250)
  expect(steward.state.level).toBe(0)
  expect(FEATURES.filter((feature) => steward.state.features[feature].mode !== 'on')).toEqual([])
  expect(steward.timeline.map(({ step }) => step)).toEqual(STEPS.map(({ name }) => name))
})

test('nothing changed is the same state: who compares it sees no change', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  const before = steward.state
  play.run({ eventLoopP99Ms: 5 }, 10_000)
  expect(steward.state).toBe(before)
})

test('with the database away the level is 4 at once; who is signed in stays so, nobody signs in anew', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(away('database'), 250)
  const { level, features } = steward.state
  expect(level).toBe(4)
  expect(features.playback.mode).toBe('on')
  expect(features.feed).toMatchObject({ mode: 'shared', reason: 'database' })
  expect(features['sign-in']).toMatchObject({ mode: 'paused', reason: 'database' })
  expect(features.reactions.mode).toBe('kept')
  expect(features.comments.mode).toBe('kept')
  expect(features.counts.mode).toBe('paused')
})

test('with a replica search and profiles go on without the database; an operator’s word still pauses them', () => {
  const { steward, play } = begin()
  const cut = { ...away('database'), hasReplica: true }
  play.run({}, 1_000)
  play.run(cut, 250)
  expect(steward.state.level).toBe(4)
  const { features } = steward.state
  expect([features.search.mode, features.profiles.mode]).toEqual(['cached', 'cached'])
  expect([features.uploads.mode, features.comments.mode]).toEqual(['paused', 'kept'])
  steward.give({ ...NO_ORDERS, features: { search: { reason: 'not now', untilMs: 60_000 } } })
  play.run(cut, 250)
  expect(steward.state.features.search).toMatchObject({ mode: 'paused', reason: 'operator' })
  play.run(away('database'), 250)
  expect(steward.state.features.profiles).toMatchObject({ mode: 'paused', reason: 'database' })
})

test('after the database is back everything is on within 3 s when nobody waits, in the order of the steps', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(away('database'), 30_000)
  const seen = steward.timeline.length
  const tookMs = play.run({}, 60_000, () => steward.state.level === 0)
  expect(tookMs).toBeLessThanOrEqual(3_000)
  const reopened = steward.timeline.slice(seen).map(({ step }) => step)
  expect(reopened).toEqual(STEPS.filter(({ needs }) => needs.includes('database')).map(({ name }) => name))
})

test('a process that starts without the database plays and shows the top list', () => {
  const { steward, play } = begin()
  play.run(away('database'), 250)
  expect(steward.state.level).toBe(4)
  expect(steward.state.features.playback.mode).toBe('on')
  expect(steward.state.features.feed.mode).toBe('shared')
  expect(steward.steps.filter(({ state }) => state === 'open').map(({ name }) => name)).toEqual([
    'configuration',
    'playback',
    'top-list',
  ])
})

test('features fall alone: uploads with ingest, processing with the worker, and the level stays', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(away('ingest'), 250)
  expect(steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'ingest' })
  expect(steward.state.features.search.mode).toBe('on')
  play.run(away('worker'), 5_000)
  expect(steward.state.features.uploads.mode).toBe('on')
  expect(steward.state.features.processing).toMatchObject({ mode: 'paused', reason: 'worker' })
  expect(steward.state.features.counts).toMatchObject({ mode: 'cached', reason: 'worker' })
})

test('what can not be written down is not taken', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(away('database', 'journal'), 250)
  expect(steward.state.features.reactions).toMatchObject({ mode: 'paused', reason: 'journal' })
  expect(steward.state.features.comments).toMatchObject({ mode: 'paused', reason: 'journal' })
  expect(steward.state.features.feed.mode).toBe('shared')
})

test('the journal is drained before people write directly again, and what comes after it waits', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(away('database'), 1_000)
  play.run({ steps: { journal: { probe: false } } }, 20_000)
  expect(steward.state.features.reactions).toMatchObject({ mode: 'kept', reason: 'recovering' })
  expect(steward.state.features.comments.mode).toBe('kept')
  expect(steward.state.features.search.mode).toBe('paused')
  expect(steward.state.features['sign-in'].mode).toBe('on')
  expect(steward.state.level).toBe(3)
  play.run({ steps: { journal: { probe: true } } }, 250)
  expect(steward.state.level).toBe(0)
})

test('one late look is noise; a loop that stays late raises the level within 2 s, and on while that does not help', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run({ eventLoopP99Ms: 150 }, 250)
  play.run({}, 1_000)
  expect(steward.state.level).toBe(0)
  const tookMs = play.run({ eventLoopP99Ms: 150 }, 2_000, () => steward.state.level > 0)
  expect(tookMs).toBeLessThanOrEqual(500)
  expect(steward.state.level).toBe(1)
  play.run({ eventLoopP99Ms: 150 }, 12_000)
  expect(steward.state.level).toBe(4)
  expect(steward.state.causes[0]).toMatch(/the event loop is 150 ms late/)
})

test.each([
  [{ eventLoopP99Ms: 99.9 }, 0],
  [{ eventLoopP99Ms: 100 }, 1],
  [{ eventLoopP99Ms: 400 }, 3],
  [{ busyShare: 0.969 }, 0],
  [{ busyShare: 0.97 }, 1],
  [{ memoryShare: 0.799 }, 0],
  [{ memoryShare: 0.8 }, 1],
  [{ memoryShare: 0.97 }, 5],
  [{ refusedClass: 3 as const }, 1],
  [{ refusedClass: 0 as const }, 4],
  [{ eventLoopP99Ms: null, memoryShare: null }, 0],
])('%o asks for level %i', (signals, level) => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run(signals, 750)
  expect(steward.state.level).toBe(level)
})

test('what the load elsewhere asks for is followed, and is no load of our own', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run({ elsewhere: 2 }, 250)
  expect(steward.state.features.processing).toMatchObject({ mode: 'reduced', reason: 'overload' })
  expect(steward.pressureLevel).toBe(0)
  play.run({}, 250)
  expect(steward.state.level).toBe(0)
})

test('a process that is merely busy all the time stays at level 1', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run({ busyShare: 1 }, 60_000)
  expect(steward.state.level).toBe(1)
  play.run({}, 10_000)
  expect(steward.state.level).toBe(0)
})

test('down only after 10 s of quiet, and one level at a time', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  play.run({ eventLoopP99Ms: 450 }, 500)
  expect(steward.state.level).toBe(3)
  play.run({}, 9_750)
  expect(steward.state.level).toBe(3)
  play.run({}, 250)
  expect(steward.state.level).toBe(2)
  play.run({}, 5_000)
  expect(steward.state.level).toBe(0)
})

test('a load that comes back as soon as the level falls is believed to be over later each time', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  const falls: number[] = []
  for (let round = 0; round < 4; round++) {
    play.run({ eventLoopP99Ms: 150 }, 500)
    falls.push(play.run({}, 200_000, () => steward.state.level === 0))
  }
  expect(falls[1]).toBeGreaterThanOrEqual(2 * falls[0]! - 500)
  expect(falls[3]).toBeLessThanOrEqual(81_000)
})

test("the operator's word holds until it expires, and says why", () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  steward.give({
    ...NO_ORDERS,
    level: { level: 2, reason: 'a big evening', untilMs: 11_000 },
    features: { search: { reason: 'the index is rebuilt', untilMs: 21_000 } },
  })
  play.run({}, 250)
  expect(steward.state.level).toBe(2)
  expect(steward.state.features.comments).toMatchObject({ mode: 'cached', reason: 'operator' })
  expect(steward.state.features.search).toMatchObject({ mode: 'paused', note: 'the index is rebuilt' })
  play.run({}, 10_000)
  expect(steward.state.level).toBe(0)
  expect(steward.state.features.search.mode).toBe('paused')
  play.run({}, 10_000)
  expect(steward.state.features.search.mode).toBe('on')
})

test('an order never makes anything better than it is', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  steward.give({ ...NO_ORDERS, level: { level: 0, reason: 'all is well', untilMs: 1e9 } })
  play.run(away('database'), 500)
  expect(steward.state.level).toBe(4)
})

test('maintenance pauses what people would bring', () => {
  const { steward, play } = begin()
  play.run({}, 1_000)
  steward.give({ ...NO_ORDERS, isMaintenance: true })
  play.run({}, 250)
  expect(steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'maintenance' })
  expect(steward.state.features.feed.mode).toBe('on')
})

test('switched off: no level follows load, and everything opens at once', () => {
  const { steward, play } = begin({ hasLevels: false, hasOrder: false })
  play.run({ eventLoopP99Ms: 5_000, steps: { journal: { probe: false } } }, 5_000)
  expect(steward.state.level).toBe(0)
})
