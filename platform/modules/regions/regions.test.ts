import { expect, test } from 'vitest'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { createApi } from '../../roles/api.ts'
import { writeLastGood, type RegionsDocument } from '../../releases/index.ts'
import { NO_ORDERS } from '../../app/steward/index.ts'
import { openTestShelf } from '../standby/standby.fixtures.ts'
import type { Ctx } from '../../app/context.ts'

const CLOSED = '203.0.113.9'
const SERVED = '198.51.100.9'
const reason = 'A court has ordered it.'

async function decide(ctx: Ctx, regions: RegionsDocument['regions']): Promise<void> {
  const text = JSON.stringify({ regions })
  await writeLastGood(ctx.config.dataDir, ctx.secrets.vault, { kind: 'regions', text, at: new Date() })
  await ctx.documents.reload()
}

const close = (ctx: Ctx) => decide(ctx, { eu: { state: 'closed', reason, networks: ['203.0.113.0/24'] } })

test('a closed region is closed at every level, for lists from disk and playback too', async () => {
  await using world = await createWorld({ env: { INGEST_ADDRESS: 'http://127.0.0.1:9' } })
  await using shelf = openTestShelf(world)
  const author = await world.account()
  const videoId = await makeVideo(world, author.id)
  await shelf.fill()
  const app = await createApi(world.ctx)
  try {
    const ask = (url: string, remoteAddress: string, headers = {}) =>
      app.inject({ url, remoteAddress, headers })
    const card = (await ask(`/api/v1/videos/${videoId}`, SERVED)).json()
    const served = ['/api/v1/feed/for-you', card.playback.masterUrl as string]
    await close(world.ctx)
    for (const level of [0, 1, 2, 3, 4, 5] as const) {
      const order = { level, reason: 'test', untilAt: new Date(Date.now() + 60_000) }
      world.ctx.steward.order({ ...NO_ORDERS, level: order })
      for (const url of [...served, `/api/v1/videos/${videoId}`, '/media/nothing', '/no-such-page']) {
        const answer = await ask(url, CLOSED)
        expect([answer.statusCode, answer.json().code, answer.json().detail], `${url} at L${level}`).toEqual([
          451,
          'region-closed',
          reason,
        ])
        expect(answer.headers.link).toMatch(/rel="blocked-by"/)
        expect(answer.headers['cache-control']).toBe('no-store')
      }
      expect((await ask(served[1]!, SERVED)).statusCode, `playback elsewhere at L${level}`).toBe(200)
      const state = await ask('/api/v1/state', CLOSED)
      expect([state.statusCode, state.json().regions]).toEqual([
        200,
        [{ name: 'eu', state: 'closed', behindS: null, reason, share: 0 }],
      ])
    }
    const page = await ask('/', CLOSED, { accept: 'text/html' })
    expect([page.statusCode, page.headers['content-type']]).toEqual([451, 'text/html; charset=utf-8'])
    expect(page.body).toContain(reason)
  } finally {
    await app.close()
  }
})

test('the machine’s own region holds for whom no network names, but for the machine itself', async () => {
  await using world = await createWorld({ env: { REGION: 'us', INGEST_ADDRESS: 'http://127.0.0.1:9' } })
  const app = await createApi(world.ctx)
  try {
    await decide(world.ctx, {
      us: { state: 'closed', reason },
      eu: { state: 'serving', networks: ['203.0.113.0/24'] },
    })
    const statusFor = async (remoteAddress: string) =>
      (await app.inject({ url: '/api/v1/feed/for-you', remoteAddress })).statusCode
    expect(await statusFor(SERVED)).toBe(451)
    expect(await statusFor(CLOSED)).toBe(200)
    expect(await statusFor('127.0.0.1')).toBe(200)

    await decide(world.ctx, { us: { state: 'reopening', reason, share: 0.25 } })
    const asked = Array.from({ length: 200 }, (_, at) => `198.51.${at}.9`)
    const first = await Promise.all(asked.map(statusFor))
    expect(first.filter((status) => status === 200).length).toBeGreaterThan(25)
    expect(first.filter((status) => status === 451).length).toBeGreaterThan(100)
    expect(await Promise.all(asked.map(statusFor))).toEqual(first)
  } finally {
    await app.close()
  }
})
