import { expect, test } from 'vitest'
import { BUILD_PATH } from '../../../contract/client.ts'
import { DIRECT_ROUTES, goesElsewhere, handlingOf, outdatedCaches, shouldHeal, surplus } from './rules.ts'

const get = {
  method: 'GET',
  mode: 'cors',
  destination: '',
  isSameOrigin: true,
  path: '/',
  search: '',
  hasRange: false,
}

test('pages are kept as one shell; the API, media and files are never answered with it', () => {
  for (const path of ['/', '/following', '/v/1', '/@ann.b/', '/settings']) {
    expect(handlingOf({ ...get, mode: 'navigate', path })).toBe('page')
  }
  for (const path of [
    '/api/v1/openapi.json',
    '/media/a/master.m3u8',
    '/healthz',
    '/icon.svg',
    '/robots.txt',
  ]) {
    expect(handlingOf({ ...get, mode: 'navigate', path })).toBe('leave')
  }
})

test('only the first page of a feed and the account are kept as answers', () => {
  expect(handlingOf({ ...get, path: '/api/v1/feed/for-you' })).toBe('last-answer')
  expect(handlingOf({ ...get, path: '/api/v1/feed/for-you', search: '?cursor=x' })).toBe('leave')
  expect(handlingOf({ ...get, path: '/api/v1/notifications' })).toBe('leave')
})

test('covers are kept, segments and playlists are not', () => {
  expect(handlingOf({ ...get, path: '/media/v/poster.jpg', destination: 'image' })).toBe('picture')
  expect(handlingOf({ ...get, path: '/media/v/540/1.m4s' })).toBe('leave')
  // A signed address: the cover of a video that not everyone may see.
  expect(handlingOf({ ...get, path: '/media/t/token/v/poster-1.jpg', destination: 'image' })).toBe('leave')
  expect(handlingOf({ ...get, path: '/media/v/poster.jpg', destination: 'image', hasRange: true })).toBe(
    'leave',
  )
})

test('writes and other origins are left alone', () => {
  expect(handlingOf({ ...get, method: 'POST', path: '/api/v1/feed/for-you' })).toBe('leave')
  expect(handlingOf({ ...get, isSameOrigin: false, path: '/_app/immutable/a.js' })).toBe('leave')
})

test('what is sent without asking the worker is what it would leave alone', () => {
  for (const { condition } of DIRECT_ROUTES)
    expect(handlingOf({ ...get, method: condition.requestMethod })).toBe('leave')
})

test('the caches of older builds go, what belongs to no build stays', () => {
  expect(
    outdatedCaches(['upbeat-build-1', 'upbeat-build-2', 'upbeat-answers', 'other'], 'upbeat-build-2'),
  ).toEqual(['upbeat-build-1'])
})

test('over the limit the oldest go first', () => {
  expect(surplus(['a', 'b', 'c'], 2)).toEqual(['a'])
  expect(surplus(['a'], 2)).toEqual([])
})

test('a worker takes itself away only when no newer one comes, and once for a build of the server', () => {
  const stuck = { ownBuild: 'one', serverBuild: 'two', healedFor: null, canUpdate: false }
  expect(shouldHeal(stuck)).toBe(true)
  expect(shouldHeal({ ...stuck, canUpdate: true })).toBe(false)
  expect(shouldHeal({ ...stuck, serverBuild: 'one' })).toBe(false)
  expect(shouldHeal({ ...stuck, healedFor: 'two' })).toBe(false)
  expect(shouldHeal({ ...stuck, healedFor: 'one' })).toBe(true)
})

test('the address that tells the build of the server is never answered from a cache', () => {
  expect(handlingOf({ ...get, path: BUILD_PATH })).toBe('leave')
})

test('another address is asked for what visitors see, too, and for nothing of anybody’s own', () => {
  for (const path of [
    '/api/v1/feed/for-you',
    '/api/v1/videos/1/comments',
    '/api/v1/profiles/ann',
    '/api/v1/state',
    '/media/t/token/1/master.m3u8',
  ])
    expect(goesElsewhere(path)).toBe(true)
  for (const path of [
    '/',
    '/_app/immutable/a.js',
    '/api/v1/me',
    '/api/v1/me/liked',
    '/api/v1/feed/following',
    '/api/v1/sessions',
  ])
    expect(goesElsewhere(path)).toBe(false)
})
