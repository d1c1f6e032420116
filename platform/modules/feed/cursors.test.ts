import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addShown,
  CURSOR_MAX_LENGTH,
  CURSOR_SHOWN_MAX,
  NOTHING_SHOWN,
  openFollowingCursor,
  openForYouCursor,
  sealFollowingCursor,
  sealForYouCursor,
  shownFilter,
  STANDBY_SHOWN_MAX,
} from './cursors.ts'

const SECRET = 'a secret of the instance'
const position = fc.integer({ min: 0, max: 65_535 })

test('a For You cursor comes back as it was sealed, and opens with no other secret', () => {
  fc.assert(
    fc.property(fc.uuid(), position, fc.array(fc.uuid(), { maxLength: 40 }), (snapshotId, at, videoIds) => {
      const shown = addShown(NOTHING_SHOWN, videoIds)
      const text = sealForYouCursor(SECRET, { snapshotId, position: at, shown })

      expect(openForYouCursor(SECRET, text)).toEqual({ snapshotId, position: at, shown })
      expect(() => openForYouCursor('another secret', text)).toThrow('was not made by this feed')
      expect(() => openFollowingCursor(SECRET, text)).toThrow('was not made by this feed')
    }),
  )
})

test('a Following cursor comes back as it was sealed', () => {
  const cursor = {
    videoId: '0199aaaa-0000-7000-8000-00000000000a',
    publishedAt: '2026-01-02 03:04:05.678901+00',
  }
  expect(openFollowingCursor(SECRET, sealFollowingCursor(SECRET, cursor))).toEqual(cursor)
})

const idOf = (n: number) => `0199aaaa-0000-7000-8000-${n.toString(16).padStart(12, '0')}`

test('a cursor remembers the last 256 videos shown', () => {
  const videoIds = Array.from({ length: CURSOR_SHOWN_MAX + 1 }, (_, n) => idOf(n))
  const shown = addShown(NOTHING_SHOWN, videoIds)

  const isShown = shownFilter(shown)
  expect(videoIds.map(isShown)).toEqual([false, ...videoIds.slice(1).map(() => true)])
})

test('one that goes on without a ranking remembers 512, and is then as long as a cursor gets', () => {
  const videoIds = Array.from({ length: STANDBY_SHOWN_MAX + 1 }, (_, n) => idOf(n))
  const shown = addShown(NOTHING_SHOWN, videoIds, STANDBY_SHOWN_MAX)
  const cursor = { snapshotId: null, position: 0, shown }

  const text = sealForYouCursor(SECRET, cursor)

  expect(text).toHaveLength(CURSOR_MAX_LENGTH)
  expect(openForYouCursor(SECRET, text)).toEqual(cursor)
  expect(videoIds.map(shownFilter(shown))).toEqual([false, ...videoIds.slice(1).map(() => true)])
})
