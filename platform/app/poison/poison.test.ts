import fastify from 'fastify'
import { expect, test } from 'vitest'
import { shapeOf } from './index.ts'

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
