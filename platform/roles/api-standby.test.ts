import { expect, test } from 'vitest'
import { FeedPage, VideoCard } from '../../contract/videos.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { openShakyProcess } from '../../tests/support/shaky-process.ts'
import { makeVideo } from '../../tests/support/videos.ts'
import { createWorld } from '../../tests/support/world.ts'
import { openTestShelf } from '../modules/standby/standby.fixtures.ts'
import { createApi } from './api.ts'

test('an api that starts without its database shows the feed, cards and playlists from the shelf', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const author = await world.account()
  const videoId = await makeVideo(world, author.id)
  await makeVideo(world, author.id, { visibility: 'private' })
  await shelf.fill()
  const env = { INGEST_ADDRESS: 'http://127.0.0.1:9' }
  await using process = await openShakyProcess(world, { isCutOff: true, env })
  const app = await createApi(process.ctx)
  try {
    await eventually(() => process.ctx.steward.state.level === 4)
    const page = await app.inject({ url: '/api/v1/feed/for-you' })
    expect([page.statusCode, page.headers['upbeat-level']]).toEqual([200, '4'])
    const { items, service } = FeedPage.parse(page.json())
    expect([items.map(({ id }) => id), service]).toEqual([[videoId], 'top'])
    expect((await app.inject({ url: items[0]!.playback.masterUrl })).statusCode).toBe(200)
    const card = await app.inject({ url: `/api/v1/videos/${videoId}` })
    expect(VideoCard.parse(card.json()).id).toBe(videoId)
    const comments = await app.inject({ url: `/api/v1/videos/${videoId}/comments` })
    expect([comments.statusCode, comments.json().code]).toEqual([503, 'feature-paused'])
  } finally {
    await app.close()
  }
})
