import fastify from 'fastify'
import { expect, test } from 'vitest'
import { systemClock } from '../../../kit/clock.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import type { App } from '../http.ts'
import { createBars, openPoisonGate, shapeOf } from './index.ts'

test('a shape is the path of a route with ids however it was written, and of any other the route with who asks', async () => {
  const app = fastify()
  app.decorateRequest('viewer', null)
  app.addHook('onRequest', (request, _reply, done) => {
    const id = request.headers['x-viewer']
    if (typeof id === 'string') Object.assign(request, { viewer: { id } })
    done()
  })
  for (const url of ['/videos/:id/like', '/media/*', '/feed', '/@:handle']) app.get(url, shapeOf)
  const shapeFor = async (url: string, viewer?: string) =>
    (await app.inject({ url, headers: viewer ? { 'x-viewer': viewer } : {} })).body
  expect(await shapeFor('/videos/0A1/like?x=1')).toBe('GET /videos/0a1/like')
  expect(await shapeFor('/videos/%30a1/like', 'v7')).toBe('GET /videos/0a1/like')
  expect(await shapeFor('/media/a/B.m4s')).toBe('GET /media/a/b.m4s')
  expect(await shapeFor('/@Anna')).toBe('GET /@anna')
  expect(await shapeFor('/feed?limit=20', 'v7')).toBe('GET /feed by v7')
  expect(await shapeFor('/feed')).toBe('GET /feed by 127.0.0.0/24')
  expect(await shapeFor('/@a%0Ab%1B')).toBe('GET /@a%0Ab%1B')
})

test('a barred path is refused before anybody looks who asks or reads the body, a barred asker once it is known who asks', async () => {
  await using dir = await makeTemporaryDir()
  const bars = createBars()
  const app = fastify()
  app.decorateRequest('viewer', null)
  openPoisonGate(app as unknown as App, { bars, clock: systemClock, dataDir: dir.path })
  const reached: string[] = []
  app.addHook('onRequest', (_request, _reply, done) => {
    reached.push('session')
    done()
  })
  app.addContentTypeParser('text/poison', (_request, _payload, done) => {
    reached.push('body')
    done(null, {})
  })
  for (const url of ['/videos/:id/comments', '/reports']) app.post(url, async () => reached.push('route'))
  const post = async (url: string) => {
    reached.length = 0
    await app.inject({ method: 'POST', url, payload: 'x', headers: { 'content-type': 'text/poison' } })
    return [...reached]
  }
  const untilAt = new Date(Date.now() + 60_000).toISOString()
  const shapes = ['POST /videos/1/comments', 'POST /reports by 127.0.0.0/24']
  bars.set(shapes.map((shape) => ({ shape, untilAt })))
  expect(await post('/videos/1/comments')).toEqual([])
  expect(await post('/videos/2/comments')).toEqual(['session', 'body', 'route'])
  expect(await post('/reports')).toEqual(['session', 'body'])
  bars.set([])
  expect(await post('/reports')).toEqual(['session', 'body', 'route'])
  await app.close()
})
