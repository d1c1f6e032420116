import { expect, test } from 'vitest'
import type { VideoCard } from '#lib/api/types.ts'
import { VideoList, type VideoPage } from './video-list.svelte.ts'

const card = (id: string) => ({ id }) as VideoCard
const ids = (list: VideoList) => list.items.map((item) => item.id)

function listOf(pages: Record<string, VideoPage>) {
  const asked: (string | null)[] = []
  const list = new VideoList(async (cursor) => {
    asked.push(cursor)
    const page = pages[cursor ?? 'first']
    if (!page) throw new Error('no such page')
    return page
  })
  return { list, asked }
}

test('pages follow each other, and a video that comes twice is shown once', async () => {
  const { list, asked } = listOf({
    first: { items: [card('a'), card('a'), card('b')], nextCursor: 'n' },
    n: { items: [card('b'), card('c')], nextCursor: null },
  })
  await list.loadMore()
  await list.loadMore()
  expect(ids(list)).toEqual(['a', 'b', 'c'])
  expect(list.isAtEnd).toBe(true)
  await list.loadMore()
  expect(asked).toEqual([null, 'n'])
})

test('a page that is on its way is not asked for again', async () => {
  const { list, asked } = listOf({
    first: { items: [card('a')], nextCursor: 'n' },
    n: { items: [], nextCursor: null },
  })
  await Promise.all([list.loadMore(), list.loadMore()])
  expect(asked).toEqual([null])
})

test('a page without a video is no end while there is a cursor', async () => {
  const { list } = listOf({
    first: { items: [], nextCursor: 'n' },
    n: { items: [card('a')], nextCursor: null },
  })
  await list.loadMore()
  expect([list.isAtEnd, list.isEmpty]).toEqual([false, false])
})

test('a page that fails keeps what is there, and the next try asks for the same page', async () => {
  const pages: Record<string, VideoPage> = { first: { items: [card('a')], nextCursor: 'n' } }
  const { list, asked } = listOf(pages)
  await list.loadMore()
  await list.loadMore()
  expect([list.state, ids(list)]).toEqual(['failed', ['a']])
  pages.n = { items: [card('b')], nextCursor: null }
  await list.loadMore()
  expect([list.state, ids(list), list.problem]).toEqual(['ready', ['a', 'b'], null])
  expect(asked).toEqual([null, 'n', 'n'])
})
