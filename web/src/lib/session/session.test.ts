import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { safeNext, setAccount } from './session.svelte.ts'

const makeAccount = (id: string) => ({
  id,
  handle: id,
  name: id,
  pictureUrl: null,
  bio: '',
  email: null,
  role: 'member' as const,
  createdAt: '2026-01-01T00:00:00.000Z',
})

const deleted: string[] = []
beforeEach(() => {
  // The browser's Cache Storage, as far as it is used here.
  vi.stubGlobal('caches', { delete: async (name: string) => deleted.push(name) > 0 })
})
afterEach(() => {
  setAccount(null)
  deleted.length = 0
  vi.unstubAllGlobals()
})

test('what was kept for one who was signed in is deleted when they leave or another comes', () => {
  setAccount(makeAccount('ann'))
  setAccount({ ...makeAccount('ann'), bio: 'changed' })
  expect(deleted).toEqual([])

  setAccount(makeAccount('ben'))
  expect(deleted).toEqual(['upbeat-answers'])
  setAccount(null)
  expect(deleted).toEqual(['upbeat-answers', 'upbeat-answers'])
})

test('after signing in one goes on to a page of this app, never elsewhere', () => {
  for (const next of ['/', '/upload', '/search?q=a%20b&type=tags#x', '/@ann.b', '/tag/émile'])
    expect(safeNext(next)).toBe(next)
  const elsewhere = [
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'https://evil.example',
  ]
  for (const next of [null, '', 'upload', 'javascript:alert(1)', ...elsewhere])
    expect(safeNext(next)).toBe('/')
})
