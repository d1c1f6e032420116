import { expect, test } from 'vitest'
import { createViewTracker } from './view-tracker.ts'

const showing = { videoId: 'v', key: 'k', source: 'for-you' } as const

test('watching is what plays, not what is jumped over', () => {
  const view = createViewTracker(showing)
  for (const timeS of [0, 0.25, 0.5, 0.75]) view.advance(timeS)
  view.seek(20)
  for (const timeS of [20.25, 20.5]) view.advance(timeS)
  expect(view.report()).toEqual({ ...showing, watchedMs: 1250, completions: 0 })
})

test('a video that begins again has been completed, and goes on counting', () => {
  const view = createViewTracker(showing)
  view.advance(0)
  view.advance(1)
  view.complete()
  view.advance(0.5)
  expect(view.report()).toMatchObject({ watchedMs: 1500, completions: 1 })
})

test('a showing that never played is not reported', () => {
  const view = createViewTracker(showing)
  expect(view.report()).toBeNull()
  view.advance(7)
  expect(view.report()).toBeNull()
})

test('a showing is reported again only when more of it was watched, and then as a whole', () => {
  const view = createViewTracker(showing)
  view.advance(0)
  view.advance(1)
  expect(view.report()).toMatchObject({ watchedMs: 1000 })
  expect(view.report()).toBeNull()
  view.advance(2)
  expect(view.report()).toMatchObject({ watchedMs: 2000, key: showing.key })
})

test('a showing that has become a view says so once, wherever the playhead goes then', () => {
  const view = createViewTracker(showing)
  const said = [0, 1, 1.9, 2, 3, 4].map((timeS) => view.advance(timeS))
  view.complete()
  said.push(view.advance(1))
  expect(said).toEqual([false, false, false, true, false, false, false])
})
