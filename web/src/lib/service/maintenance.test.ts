import { expect, test } from 'vitest'
import type { Maintenance } from '#lib/api/types.ts'
import { noticeOf } from './maintenance.ts'

const at = (hour: number, day = 24) => new Date(2026, 10, day, hour).toISOString()
const NOW_MS = new Date(2026, 10, 22, 9).getTime()
const planned: Maintenance = {
  id: 'm',
  state: 'announced',
  startsAt: at(14),
  endsAt: at(15),
  text: 'New disks.',
}

test('ahead of it one reads when it is, and may hide that', () => {
  expect(noticeOf(planned, NOW_MS)).toMatchObject({
    text: expect.stringMatching(/^Maintenance on .*24.*, from 0?2:00.* to 0?3:00.*: New disks\.$/),
    canHide: true,
  })
})

test('one that goes on over midnight names both days', () => {
  const { text } = noticeOf({ ...planned, startsAt: at(23), endsAt: at(1, 25) }, NOW_MS)
  expect(text).toMatch(/^Maintenance from .*24.* to .*25.*: New disks\.$/)
})

test('while it lasts it says until when, and can not be hidden', () => {
  const begun = { ...planned, state: 'under-way' as const }
  expect(noticeOf(begun, Date.parse(planned.startsAt))).toMatchObject({
    text: expect.stringMatching(/^Maintenance until about 0?3:00.*: New disks\.$/),
    canHide: false,
  })
  expect(noticeOf(begun, Date.parse(planned.endsAt) + 1).text).toMatch(/takes longer than planned/)
})

test('a new state or another time is news to who had hidden it', () => {
  const keys = [planned, { ...planned, state: 'under-way' as const }, { ...planned, startsAt: at(13) }].map(
    (one) => noticeOf(one, NOW_MS).key,
  )
  expect(new Set(keys).size).toBe(3)
})
