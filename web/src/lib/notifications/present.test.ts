import { expect, test } from 'vitest'
import type { AccountCard, Notification } from '#lib/api/types.ts'
import { hrefOf, mergeLive, nameActors, sortIntoPeriods } from './present.ts'

const person = (name: string): AccountCard => ({
  id: name,
  handle: name.toLowerCase(),
  name,
  pictureUrl: null,
})
const [ada, ben] = [person('Ada'), person('Ben')]

function entry(over: Partial<Notification>): Notification {
  return {
    id: 'n1',
    kind: 'liked',
    actors: [ada!],
    actorCount: 1,
    videoId: 'v1',
    posterUrl: null,
    commentId: null,
    uploadId: null,
    excerpt: null,
    createdAt: '2026-11-22T10:00:00.000Z',
    isRead: true,
    ...over,
  }
}

test('several who did the same are named as one would say it', () => {
  expect(nameActors(entry({}))).toBe('Ada')
  expect(nameActors(entry({ actors: [ada!, ben!], actorCount: 2 }))).toBe('Ada and Ben')
  expect(nameActors(entry({ actors: [ada!, ben!], actorCount: 2000 }))).toBe('Ada and 1,999 others')
  expect(nameActors(entry({ actors: [ada!], actorCount: 2 }))).toBe('Ada and 1 other')
  expect(nameActors(entry({ actors: [], actorCount: 1 }))).toBe('Somebody')
  expect(nameActors(entry({ kind: 'upload-failed', actors: [], actorCount: 0 }))).toBeNull()
})

test('entries stand in periods, and reading new ones does not move them', () => {
  const now = new Date(2026, 10, 22, 12)
  const at = (hoursAgo: number) => new Date(now.getTime() - hoursAgo * 3_600_000).toISOString()
  const items = [
    entry({ id: 'fresh', createdAt: at(1), isRead: true }),
    entry({ id: 'today', createdAt: at(3) }),
    entry({ id: 'week', createdAt: at(30) }),
    entry({ id: 'old', createdAt: at(24 * 9) }),
  ]
  expect(
    sortIntoPeriods(items, new Set(['fresh']), now).map((section) => [
      section.period,
      section.items.map((item) => item.id),
    ]),
  ).toEqual([
    ['new', ['fresh']],
    ['today', ['today']],
    ['week', ['week']],
    ['earlier', ['old']],
  ])
})

test('a like that joins others replaces their entry at the head', () => {
  const known = [entry({ id: 'a', videoId: 'v2' }), entry({ id: 'b' })]
  const live = entry({ id: 'c', actors: [ben!, ada!], actorCount: 2 })
  expect(mergeLive(known, live).map((item) => item.id)).toEqual(['c', 'a'])
})

test('comments stay apart, followers of one day come together', () => {
  const comments = mergeLive(
    [entry({ id: 'a', kind: 'commented', commentId: 'x' })],
    entry({ id: 'b', kind: 'commented', commentId: 'y' }),
  )
  expect(comments).toHaveLength(2)
  const one = entry({ id: 'f1', kind: 'followed', videoId: null })
  expect(mergeLive([one], { ...one, id: 'f2', createdAt: '2026-11-22T11:00:00.000Z' })).toHaveLength(1)
  expect(mergeLive([one], { ...one, id: 'f2', createdAt: '2026-11-23T00:00:00.000Z' })).toHaveLength(2)
})

test('each entry leads to what it is about', () => {
  expect(hrefOf(entry({}))).toBe('/v/v1')
  expect(hrefOf(entry({ kind: 'followed', videoId: null }))).toBe('/@ada')
  expect(hrefOf(entry({ kind: 'upload-failed', uploadId: 'u1' }))).toBe('/upload?receipt=u1')
  expect(hrefOf(entry({ kind: 'new-sign-in' }))).toBe('/settings/security')
})
