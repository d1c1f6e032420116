import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FeatureMode, ServiceState } from '#lib/api/types.ts'
import { featureNames } from './words.ts'

let world: typeof import('./service.svelte.ts')
let isTroubled: typeof import('./follow-state.ts').isTroubled
const page = Object.assign(new EventTarget(), { hidden: false })
let asked: number[] = []
let answer: () => Response

function makeState(level: number, modes: Partial<Record<string, FeatureMode>> = {}): ServiceState {
  const since = '2026-11-22T12:00:00.000Z'
  const features = Object.fromEntries(
    featureNames.map((name) => [
      name,
      { mode: modes[name] ?? 'on', since, reason: null, share: 1, note: null },
    ]),
  )
  return { level, since, features, maintenance: null } as unknown as ServiceState
}
const say = (state: ServiceState) =>
  void (answer = () => Response.json(state, { headers: { 'upbeat-level': String(state.level) } }))
/** Lets modules load and the planned questions be asked. */
async function pass(durationMs: number): Promise<void> {
  await vi.dynamicImportSettled()
  await vi.advanceTimersByTimeAsync(durationMs)
  await vi.dynamicImportSettled()
}

beforeEach(async () => {
  vi.useFakeTimers()
  vi.stubGlobal('document', page)
  vi.stubGlobal('fetch', async () => {
    asked.push(Date.now())
    return answer()
  })
  vi.resetModules()
  world = await import('./service.svelte.ts')
  isTroubled = (await import('./follow-state.ts')).isTroubled
  world.setFollower(() => import('./follow-state.ts'))
  // Each test begins after a calm time, with everything on.
  say(makeState(0))
  world.followState()
  await pass(100_000)
  asked = []
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('another level in a header is looked into within seconds, and the same one is not', async () => {
  world.noteLevel('0')
  await pass(5_000)
  expect(asked).toHaveLength(0)

  say(makeState(4, { feed: 'shared', comments: 'kept' }))
  world.noteLevel('4')
  world.noteLevel('4')
  await pass(5_000)
  expect(asked).toHaveLength(1)
  expect([world.modeOf('feed'), world.modeOf('comments'), world.modeOf('playback')]).toEqual([
    'shared',
    'kept',
    'on',
  ])
})

test('a page that is opened in the middle of it asks at once what is paused', async () => {
  vi.resetModules()
  const opened = await import('./service.svelte.ts')
  opened.setFollower(() => import('./follow-state.ts'))
  say(makeState(5, { counts: 'paused' }))

  opened.noteLevel('5')
  await pass(0)

  expect(asked).toHaveLength(1)
  expect(opened.modeOf('counts')).toBe('paused')
})

test('while something is amiss it is asked about every ten seconds or so, and then calmly again', async () => {
  say(makeState(0, { comments: 'paused' }))
  world.lookSoon()
  await pass(65_000)
  expect(asked.length).toBeGreaterThanOrEqual(5)
  expect(asked.length).toBeLessThanOrEqual(8)

  say(makeState(0))
  await pass(12_000)
  asked = []
  await pass(200_000)
  expect(asked).toHaveLength(0)
  expect(world.modeOf('comments')).toBe('on')
})

test('a storm of news makes a question every three seconds at most', async () => {
  for (let count = 0; count < 90; count++) {
    world.lookSoon()
    await pass(100)
  }
  expect(asked.length).toBeLessThanOrEqual(3)
})

test('a tab that nobody looks at asks nothing', async () => {
  say(makeState(4))
  page.hidden = true
  world.lookSoon()
  await pass(60_000)
  expect(asked).toHaveLength(0)

  page.hidden = false
  page.dispatchEvent(new Event('visibilitychange'))
  await pass(5_000)
  expect(asked).toHaveLength(1)
})

test('a service that is silent is told from one that answers badly', async () => {
  answer = () => {
    throw new TypeError('refused')
  }
  world.lookSoon()
  await pass(5_000)
  expect(world.service.isSilent).toBe(true)

  answer = () => new Response('<h1>502</h1>', { status: 502 })
  await pass(12_000)
  expect(world.service.isSilent).toBe(false)
})

test('nonsense in the header is not a level', () => {
  for (const header of [null, '', '6', '-1', '4.5', 'full']) world.noteLevel(header)
  expect(world.service.level).toBe(0)
})

test('what is back for a part of the people only is not all well', () => {
  const state = makeState(0)
  expect(isTroubled(state)).toBe(false)
  state.features.comments.share = 0.25
  expect(isTroubled(state)).toBe(true)
})
