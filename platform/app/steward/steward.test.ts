import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { createLog } from '../../../kit/log.ts'
import { NO_ORDERS, openSteward } from './index.ts'

/** A steward that looks when it is told to, at what the test says is there. */
function openScene() {
  const clock = createFakeClock()
  const log = createLog({ level: 'silent', base: {} })
  const steward = openSteward({ config: { protectionsOff: new Set(['levels']) }, clock, log })
  const away = new Set<string>()
  const probed = ['database', 'ingest', 'disk'] as const
  for (const name of probed) steward.addProbe(name, () => !away.has(name))
  return {
    steward,
    away,
    probed,
    look(afterMs = 250) {
      clock.advance(afterMs)
      steward.order(NO_ORDERS)
    },
    [Symbol.dispose]: () => steward[Symbol.dispose](),
  }
}

test('when all that a process looks at fails with one look, who looks is doubted for three seconds', () => {
  using scene = openScene()
  const { steward, away, probed, look } = scene
  for (let at = 0; at < 4; at++) look()
  expect(steward.state.level).toBe(0)
  for (const name of probed) away.add(name)
  for (let ms = 0; ms < 3_000; ms += 250) {
    look()
    expect(steward.state.level).toBe(0)
    expect(steward.modeOf('uploads')).toBe('on')
  }
  expect(steward.report().causes.join()).toContain('whoever looks is doubted: database, ingest, disk')
  look()
  expect(steward.state.level).toBe(4)
  expect(probed.some((name) => steward.isUp(name))).toBe(false)
})

test('what fails right after the process stood still is believed when it lasts, and at once when it did not stand still', () => {
  using scene = openScene()
  const { steward, away, look } = scene
  for (let at = 0; at < 4; at++) look()
  away.add('database')
  look(6_000)
  expect(steward.isUp('database')).toBe(true)
  for (let ms = 0; ms < 3_000; ms += 250) look()
  expect(steward.isUp('database')).toBe(false)
  away.add('ingest')
  look()
  expect(steward.isUp('ingest')).toBe(false)
})

test('an order of a level is told with its reason and its times, on the whole and on each feature, until it ends', () => {
  const clock = createFakeClock()
  const log = createLog({ level: 'silent', base: {} })
  using steward = openSteward({ config: { protectionsOff: new Set(['levels', 'restoration']) }, clock, log })
  const [sinceAt, untilAt] = [
    new Date(clock.now().getTime() - 5_000),
    new Date(clock.now().getTime() + 60_000),
  ]
  const search = { reason: 'a new index', untilAt: new Date(untilAt.getTime() + 1) }
  steward.order({
    level: { level: 2, reason: 'new disks', sinceAt, untilAt },
    features: { search },
    maintenance: null,
  })
  const [since, until] = [sinceAt.toISOString(), untilAt.toISOString()]
  expect(steward.state.order).toEqual({ level: 2, reason: 'new disks', since, until })
  const { comments, feed } = steward.state.features
  expect(comments).toMatchObject({ mode: 'cached', reason: 'operator', note: 'new disks', until })
  expect(feed).toMatchObject({ mode: 'on', note: null, until: null })
  expect(steward.state.features.search).toMatchObject({
    mode: 'paused',
    note: 'a new index',
    until: search.untilAt.toISOString(),
  })

  clock.advance(60_001)
  steward.order({ ...NO_ORDERS, features: { search } })
  expect(steward.state.order).toBeNull()
  expect(steward.state.features.comments).toMatchObject({ mode: 'on', note: null, until: null })
})
