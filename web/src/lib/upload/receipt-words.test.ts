import { expect, test } from 'vitest'
import type { Receipt } from '#lib/api/types.ts'
import { describeReceipt, isNewer, stepsOf } from './receipt-words.ts'
import { formatTimeLeft } from './time-left.ts'

const AT = '2026-11-22T12:00:00.000Z'
const receiving: Receipt = {
  id: 'u',
  videoId: 'v',
  filename: 'a.mp4',
  sizeBytes: 10_000_000,
  receivedBytes: 2_500_000,
  state: 'receiving',
  isPublishRequested: false,
  publishedAt: null,
  sha256: null,
  playableHeight: null,
  progress: null,
  timeLeftS: null,
  waitsFor: null,
  failure: null,
  caption: '',
  visibility: 'public',
  createdAt: AT,
  safeAt: null,
  playableAt: null,
  completeAt: null,
  endedAt: null,
  posterUrl: null,
  asOf: AT,
}
const safe: Receipt = { ...receiving, state: 'safe', receivedBytes: 10_000_000, safeAt: AT }
const playable: Receipt = { ...safe, state: 'playable', playableAt: AT, playableHeight: 540 }
const statesOf = (receipt: Receipt) => stepsOf(receipt).map((step) => step.state)

test('each state has done what comes before it and works on the next', () => {
  expect(statesOf(receiving)).toEqual(['going', 'open', 'open', 'open', 'open'])
  expect(statesOf(safe)).toEqual(['done', 'done', 'going', 'open', 'open'])
  expect(statesOf(playable)).toEqual(['done', 'done', 'done', 'going', 'open'])
})

test('publishing can be done before every quality is', () => {
  expect(statesOf({ ...playable, isPublishRequested: true, publishedAt: AT })).toEqual([
    'done',
    'done',
    'done',
    'going',
    'done',
  ])
})

test('a video that was not posted is not waiting for anything once it is complete', () => {
  expect(statesOf({ ...playable, state: 'complete', completeAt: AT })).toEqual([
    'done',
    'done',
    'done',
    'done',
    'open',
  ])
})

test('a film can be playable while its bytes still come in', () => {
  const early = { ...receiving, playableAt: AT, playableHeight: 540 }
  expect(statesOf(early)).toEqual(['going', 'open', 'done', 'open', 'open'])
})

test('a failure stands at the step that it stopped, with its true reason', () => {
  const failed: Receipt = {
    ...safe,
    state: 'failed',
    failure: {
      code: 'no-video',
      reason: 'There is only sound in it.',
      next: 'Choose another.',
      canRetry: false,
    },
  }
  expect(statesOf(failed)).toEqual(['done', 'done', 'failed', 'open', 'open'])
  expect(describeReceipt(failed)).toMatchObject({ tone: 'bad', detail: 'There is only sound in it.' })
})

test('progress and time left are told only where they are known', () => {
  expect(describeReceipt(receiving).progress).toBe(0.25)
  expect(describeReceipt(playable)).toMatchObject({ title: 'Playable at 540p', progress: null })
  expect(describeReceipt({ ...playable, timeLeftS: 40, progress: 0.5 }).detail).toContain('40 sec')
})

test('of two answers the one that was true later counts, even when it says less', () => {
  const later = '2026-11-22T12:00:00.001Z'
  const complete: Receipt = { ...playable, state: 'complete', completeAt: AT, asOf: later }

  expect(isNewer(complete, playable)).toBe(true)
  expect(isNewer(playable, complete)).toBe(false)
  const lost: Receipt = { ...safe, asOf: '2026-11-22T12:00:05Z' }
  expect(isNewer(lost, complete)).toBe(true)
  expect(isNewer({ ...complete, publishedAt: AT }, complete)).toBe(true)
})

test('time left is rounded as people say it', () => {
  expect([0.2, 7, 23, 54, 95, 3400, 5400].map(formatTimeLeft)).toEqual([
    '1 sec',
    '7 sec',
    '25 sec',
    '55 sec',
    '2 min',
    '1 hr',
    '1.5 hr',
  ])
})

test('what is playable promises no better quality than it has: the largest may be there already', () => {
  expect(describeReceipt({ ...playable, playableHeight: 1080 })).toMatchObject({
    title: 'Playable at 1080p',
    detail: 'More sizes are being made.',
  })
})
