import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readRecent, writeRecent } from '#lib/search/recent.ts'
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

/** The browser's storage: what is kept are its own properties, as `Object.keys` sees them. */
const storage = {
  getItem(this: Record<string, string>, key: string) {
    return this[key] ?? null
  },
  setItem(this: Record<string, string>, key: string, text: string) {
    this[key] = text
  },
  removeItem(this: Record<string, string>, key: string) {
    delete this[key]
  },
}

const deleted: string[] = []
beforeEach(() => {
  // The browser's Cache Storage, as far as it is used here.
  vi.stubGlobal('caches', { delete: async (name: string) => deleted.push(name) > 0 })
  vi.stubGlobal('localStorage', Object.create(storage))
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

test('searches go with the one who searched; what holds for the device stays', () => {
  setAccount(makeAccount('ann'))
  writeRecent(['surprise for ben'])
  localStorage.setItem('upbeat.preferences', '{}')

  setAccount({ ...makeAccount('ann'), name: 'Ann' })
  expect(readRecent()).toEqual(['surprise for ben'])
  setAccount(null)

  expect(readRecent()).toEqual([])
  expect(Object.keys(localStorage)).toEqual(['upbeat.preferences'])
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
