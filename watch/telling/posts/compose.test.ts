import { expect, test } from 'vitest'
import { composePost, countGraphemes } from './compose.ts'
import { countForMastodon } from './mastodon.ts'
import { tidOf } from './tid.ts'

const notice = {
  id: 'abc',
  kind: 'incident' as const,
  serviceId: 'upbeat',
  serviceName: 'Upbeat',
  subjectId: 'i',
  title: 'Upload does not work',
  state: 'Confirmed',
  body: 'We look.',
  cause: null,
  advice: null,
  atMs: 0,
  featureIds: [],
  regions: [],
}
const url = 'https://watch.example/s/upbeat/incidents/i'
const bound = (max: number) => ({ max, count: countGraphemes })

test('what fits is left whole, and one character less cuts it', () => {
  const long = { ...notice, body: `${'We look. '.repeat(20)}Done.` }
  const whole = composePost({ notice: long, url, thread: null }, bound(1000))
  const length = countGraphemes(whole)
  expect(composePost({ notice: long, url, thread: null }, bound(length))).toBe(whole)
  const cut = composePost({ notice: long, url, thread: null }, bound(length - 1))
  expect(countGraphemes(cut)).toBe(length - 1)
  expect(cut).toContain('Upbeat: Upload does not work (confirmed)')
  expect(cut).toContain('We look. Don…')
})

test.each([300, 500])('words of any length leave room for the link within %i', (max) => {
  for (const body of ['', 'x', '👩‍👩‍👧‍👦'.repeat(1000), 'ü '.repeat(5000)])
    for (const title of ['t', 'T'.repeat(700)]) {
      const text = composePost({ notice: { ...notice, title, body }, url, thread: null }, bound(max))
      expect(countGraphemes(text)).toBeLessThanOrEqual(max)
      expect(text.endsWith(`\n\n${url}`)).toBe(true)
    }
})

test('Mastodon counts an address as 23 characters at least', () => {
  expect(countForMastodon('http://a.b x')).toBe(25)
  expect(countForMastodon(url)).toBe(url.length)
})

test('record keys are of thirteen digits, follow time, and are the same for the same', () => {
  const atMs = Date.parse('2026-11-22T04:00:00Z')
  const key = tidOf(atMs, 'a')
  expect(key).toMatch(/^[2-7a-j][2-7a-z]{12}$/)
  expect(tidOf(atMs, 'a')).toBe(key)
  expect(tidOf(atMs, 'b')).not.toBe(key)
  expect(tidOf(atMs + 1, 'b') > key).toBe(true)
  expect(tidOf(0, 'a').slice(0, 7)).toBe('2222222')
})
