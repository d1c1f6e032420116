import { expect, test } from 'vitest'
import type { Crash } from '../../app/poison/index.ts'
import { createSuspects } from './suspects.ts'

const VIDEO = 'GET /api/v1/videos/0190f1c2-0000-7000-8000-000000000001'
const OTHER = 'GET /api/v1/videos/0190f1c2-0000-7000-8000-000000000002'
const FEED = 'GET /api/v1/feed/for-you'

const diedOf = (running: string | null, underWay: string[] = [], minute = 0): Crash => ({
  at: new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString(),
  ...{ running, underWay, reason: 'boom' },
})

test('one death bars nothing, a second of the same shape bars it, for twice as long each time', () => {
  const suspects = createSuspects()

  expect(suspects.note(diedOf(VIDEO))).toBeNull()
  expect(suspects.note(diedOf(VIDEO))).toMatchObject({ shape: VIDEO, forS: 900 })
  expect(suspects.note(diedOf(VIDEO))).toMatchObject({ shape: VIDEO, forS: 1_800 })
})

test('what was merely under way beside it at both deaths is not barred', () => {
  const suspects = createSuspects()
  suspects.note(diedOf(VIDEO, [VIDEO, OTHER, FEED]))

  expect(suspects.note(diedOf(VIDEO, [VIDEO, OTHER, FEED]))?.shape).toBe(VIDEO)
  expect(suspects.note(diedOf(OTHER, [VIDEO, OTHER, FEED]))).toBeNull()
})

test('deaths more than an hour apart have nothing to do with each other', () => {
  const suspects = createSuspects()
  suspects.note(diedOf(VIDEO))

  expect(suspects.note(diedOf(VIDEO, [], 61))).toBeNull()
})

test('where nobody knows whose code threw, only what alone was common and names an id is barred', () => {
  const alone = createSuspects()
  alone.note(diedOf(null, [VIDEO, FEED]))
  expect(alone.note(diedOf(null, [VIDEO, OTHER]))?.shape).toBe(VIDEO)

  const several = createSuspects()
  several.note(diedOf(null, [VIDEO, OTHER]))
  expect(several.note(diedOf(null, [VIDEO, OTHER]))).toBeNull()

  const wholeRoute = createSuspects()
  wholeRoute.note(diedOf(null, [FEED]))
  expect(wholeRoute.note(diedOf(null, [FEED]))).toBeNull()
})
