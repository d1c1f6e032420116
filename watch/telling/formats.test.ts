import { expect, test } from 'vitest'
import { toDiscord, toSlack } from './formats.ts'
import type { Notice } from './notices.ts'

const notice = {
  id: 'n',
  serviceId: 'upbeat',
  serviceName: 'Upbeat',
  kind: 'incident',
  subjectId: 'abcdefghij12',
  state: 'Confirmed',
  title: 'Upload does not work',
  body: 'x & '.repeat(3_000),
  atMs: 0,
} as unknown as Notice

test.each([
  ['Slack', toSlack, 'text', '|What is known>'],
  ['Discord', toDiscord, 'content', '/incidents/abcdefghij12'],
])('however long a text is, %s gets the way to read on, within its limit', (_, format, field, end) => {
  const text = (format(notice, 'https://watch.example') as Record<string, string>)[field]!
  expect(text.length).toBeLessThanOrEqual(1_800)
  expect(text).toContain('Upload does not work')
  expect(text).toContain('https://watch.example/')
  expect(text.endsWith(end)).toBe(true)
})
